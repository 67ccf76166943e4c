"""One model a report: what the JSON files of a dataset version hold."""

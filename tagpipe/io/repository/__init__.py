"""The files of a dataset repository: layout, locks, YAML, revisions."""

"""Tags, aliases and parents; their problems, spelling and curation lists."""

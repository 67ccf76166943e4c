"""One module a DVC stage: read, call the core, check, write."""

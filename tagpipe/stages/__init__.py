"""One module a DVC stage: read, call its step, check, write."""

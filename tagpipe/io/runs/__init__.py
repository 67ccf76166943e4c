"""DVC runs as people need them, the last good version, rebuilds."""

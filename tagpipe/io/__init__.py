"""The edges: files, locks, downloads, git and DVC."""

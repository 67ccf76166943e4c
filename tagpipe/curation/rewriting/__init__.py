"""Edits of a file in the file's own style."""

"""Edits of the vocabulary: planned, logged, suggested, checked, exchanged."""

"""Bytes to values: strict JSON, CSV cells, known endings."""

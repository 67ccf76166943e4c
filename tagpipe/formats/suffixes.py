"""The file endings that are known."""

from __future__ import annotations

SUFFIXES = (".json", ".ndjson", ".jsonl", ".csv")
"""The file endings that tell how a source is read."""


def read_suffix(location: str) -> str:
    """The ending of a path or url, one of SUFFIXES. Raises ValueError for another one."""
    path = location.split("?", 1)[0].split("#", 1)[0].lower()
    for suffix in SUFFIXES:
        if path.endswith(suffix):
            return suffix
    raise ValueError(f"must end in one of {', '.join(SUFFIXES)}")

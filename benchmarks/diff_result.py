"""What every peer of the diff must find, and where it writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LABELED = "labeled/projects.parquet"
"""Of each version: id, created_on, text, tags (ascending)."""


def read_sides() -> tuple[Path, Path, Path]:
    """Base, head and out of a peer's command line."""
    base, head, out = (Path(argument) for argument in sys.argv[1:4])
    return base, head, out


def write_result(out: Path, *, n_projects: int, n_added: int, n_removed: int) -> None:
    """Projects with another labelset (one without a row has none), labels added and removed."""
    out.write_text(json.dumps({"n_projects": n_projects, "n_added": n_added, "n_removed": n_removed}), "utf-8")

"""DVC's run cache: what each stage gave for which inputs, so that it need not run again.

DVC 3.67 hashes no entry of it. A damaged one may name outputs that nobody has, or end every run of its stage.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tagpipe.errors import TagpipeError
from tagpipe.io.repository.yaml_file import parse_yaml

FOLDER = ".dvc/cache/runs"


def remove_unreadable_runs(root: Path) -> bool:
    """Remove the entries that are no YAML, which DVC reads even where it is told not to use them. True if any was."""
    unreadable = [path for path in (root / FOLDER).glob("*/*/*") if path.is_file() and not _is_readable(path)]
    for path in unreadable:
        with suppress(OSError):  # DVC's own error then names it
            path.unlink()
    return bool(unreadable)


def _is_readable(path: Path) -> bool:
    try:
        parse_yaml(path.read_bytes(), file=path.name)
    except (OSError, TagpipeError):
        return False
    return True

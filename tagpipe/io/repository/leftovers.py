"""What a write that was killed, or that a broken disk ended, has left beside its place: hidden files that end in .tmp.

`git add -A` would take them, and DVC those in data/source. The next command that writes there removes them, under the
lock that keeps others from writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from glob import escape
from pathlib import Path

from tagpipe.io.repository.files import remove_file
from tagpipe.io.repository.layout import CODE_FILE, Layout


def remove_leftovers(path: Path) -> None:
    """Remove what a write of this file left. Raises ConfigError if the system refuses."""
    _remove(path.parent.glob(f".{escape(path.name)}.*.tmp"))


def remove_leftovers_of_outputs(layout: Layout) -> None:
    """Remove what writes of the stages' outputs left, be it ours or DVC's. Raises ConfigError if the system refuses."""
    outs = [layout.root / path for stage in layout.stages.values() for path, _ in stage.outs]
    for folder in dict.fromkeys(out if out.is_dir() else out.parent for out in outs):
        _remove(folder.glob(".*.tmp"))
    for path in (layout.params_file, layout.root / CODE_FILE):
        remove_leftovers(path)


def _remove(paths: Iterator[Path]) -> None:
    for path in paths:
        remove_file(path)

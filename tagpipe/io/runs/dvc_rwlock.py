"""DVC's own lock file, which a kill can leave behind."""

from __future__ import annotations

import json
from pathlib import Path

from tagpipe.io.repository.files import remove_file
from tagpipe.io.repository.lock import find_birth


def rwlock_path(root: Path) -> Path:
    return root / ".dvc" / "tmp" / "rwlock"


def read_rwlock(path: Path) -> list[int] | None:
    """PIDs of the holders that the file names, each once; None if it is garbled."""
    try:
        tree = json.loads(path.read_bytes())
        readers = [holder for holders in tree.get("read", {}).values() for holder in holders]
        return list(dict.fromkeys(int(holder["pid"]) for holder in (*tree.get("write", {}).values(), *readers)))
    except (ValueError, AttributeError, TypeError, KeyError):
        return None


def heal_rwlock(root: Path) -> None:
    """Remove the file if a kill has left it garbled, or naming dead holders only.

    DVC 3.67 refuses every command over a garbled one (seen once in 56 kills), and takes a zombie for a living holder.
    Called under the run lock, so no other run is writing it.
    """
    path = rwlock_path(root)
    if path.is_file() and all(find_birth(pid) is None for pid in read_rwlock(path) or ()):
        remove_file(path)

"""Files that change together: what a kill left half done is taken back by the next command that writes.

Each file by itself is replaced atomically (`io.files`). The journal, in the project's scratch folder, holds what the
files had before; it is there exactly while they are being written. All of this happens under the run lock.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagpipe.io.files import read_bytes, write_bytes

_JOURNAL = "vocabulary-edit.json"


@dataclass(frozen=True)
class FileChange:
    """A file of the project that gets other bytes; None: it is not there."""

    path: Path
    before: bytes | None
    after: bytes | None


def write_together(scratch: Path, changes: Sequence[FileChange]) -> None:
    """Give every file its bytes, in this order."""
    journal = scratch / _JOURNAL
    write_bytes(journal, json.dumps([_describe(change, scratch.parent) for change in changes]).encode("ascii"))
    for change in changes:
        _put(change.path, change.after)
    journal.unlink()


def is_half_done(scratch: Path) -> bool:
    """Whether a kill left files half changed."""
    return (scratch / _JOURNAL).is_file()


def take_back(scratch: Path) -> list[Path]:
    """Undo what was left half done; the files that got their old bytes again.

    If all files had been written, it was done. If somebody has changed one of them since, all stay as they are.
    """
    journal = scratch / _JOURNAL
    if not journal.is_file():
        return []
    restored = []
    entries = json.loads(read_bytes(journal))
    paths = [scratch.parent / entry["path"] for entry in entries]
    now = [_digest(_read(path)) for path in paths]
    is_known = all(
        found in (entry["sha256_before"], entry["sha256_after"]) for entry, found in zip(entries, now, strict=True)
    )
    is_done = all(found == entry["sha256_after"] for entry, found in zip(entries, now, strict=True))
    for path, entry, found in zip(paths, entries, now, strict=True):
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # DVC would take it for a part of data/source
            leftover.unlink()
        if is_known and not is_done and found != entry["sha256_before"]:
            _put(path, None if entry["before"] is None else base64.b64decode(entry["before"]))
            restored.append(path)
    journal.unlink()
    return restored


def _describe(change: FileChange, root: Path) -> dict[str, str | None]:
    return {
        "path": change.path.relative_to(root).as_posix(),
        "before": None if change.before is None else base64.b64encode(change.before).decode("ascii"),
        "sha256_before": _digest(change.before),
        "sha256_after": _digest(change.after),
    }


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes | None:
    return read_bytes(path) if path.is_file() else None


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        write_bytes(path, data)

"""Files that change together: what a kill left half written is finished by whatever writes next.

Each file by itself is replaced atomically (`io.files`). The journal, in the project's scratch folder, holds what the
files shall have; it is there exactly while they are being written. It goes forward, not back: the edit was shown and
confirmed, and what it left may have been built and committed before anybody looks here. All of this happens under the
run lock.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagpipe.core.edit_log import LogLine, dump_line, parse_line
from tagpipe.io.files import read_bytes, read_json, write_bytes

_JOURNAL = "vocabulary-edit.json"


@dataclass(frozen=True)
class FileChange:
    """A file of the project that gets other bytes; None: it is not there."""

    path: Path
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class KilledEdit:
    """An edit that a kill ended while it was being written, by its line of the log.

    changed: paths of the files that somebody has changed since, so that it was dropped; none where it is finished.
    """

    line: LogLine
    changed: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """What became of it, in a line."""
        edit = f"the edit `tagpipe vocab {self.line.command}`, which was killed while it was being written"
        if not self.changed:
            return f"finished {edit}"
        have = "has" if len(self.changed) == 1 else "have"
        return f"dropped {edit}: {', '.join(self.changed)} {have} been changed since, so every file stays as it is"


def write_together(scratch: Path, changes: Sequence[FileChange], line: LogLine) -> None:
    """Give every file its bytes, in this order. line: of the edit's log, which is one of the files."""
    journal = scratch / _JOURNAL
    files = [_describe(change, scratch.parent) for change in changes]
    tree = {"line": dump_line(line).decode("ascii"), "files": files}
    write_bytes(journal, json.dumps(tree).encode("ascii"))
    for change in changes:
        _put(change.path, change.after)
    journal.unlink()


def is_half_written(scratch: Path) -> bool:
    """Whether a kill left an edit half written (or one is being written just now)."""
    return (scratch / _JOURNAL).is_file()


def finish_edit(scratch: Path) -> KilledEdit | None:
    """Finish what a kill left half written; None where nothing was.

    Each file that is still as it was before gets its bytes. If one is neither as before nor as after, somebody has
    changed it since: then no file is written.
    """
    journal = scratch / _JOURNAL
    if not journal.is_file():
        return None
    tree = read_json(journal)
    line, files = parse_line(tree["line"].encode("ascii").rstrip(b"\n"), file=_JOURNAL), tree["files"]
    paths = [scratch.parent / each["path"] for each in files]
    now = [_digest(_read(path)) for path in paths]
    changed = [
        each["path"]
        for each, found in zip(files, now, strict=True)
        if found not in (each["sha256_before"], each["sha256_after"])
    ]
    for path, each, found in zip(paths, files, now, strict=True):
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):  # DVC would take it for a part of data/source
            leftover.unlink()
        if not changed and found != each["sha256_after"]:
            _put(path, None if each["after"] is None else base64.b64decode(each["after"]))
    journal.unlink()
    return KilledEdit(line, tuple(changed))


def _describe(change: FileChange, root: Path) -> dict[str, str | None]:
    return {
        "path": change.path.relative_to(root).as_posix(),
        "after": None if change.after is None else base64.b64encode(change.after).decode("ascii"),
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

"""An edit's file and its line in the log: what a kill left half written is finished by whatever writes next.

Each file by itself is replaced atomically (`io.files`). The journal, in the project's scratch folder, holds what the
file shall have and the line; it is there exactly while they are being written. It goes forward, not back: the edit was
shown and confirmed, and what it left may have been built and committed before anybody looks here. All of this happens
under the run lock.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tagpipe.curation.log import LogLine, dump_line, parse_line
from tagpipe.errors import InputError
from tagpipe.io.repository.files import read_bytes, write_bytes

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

    changed: path of its file where somebody has changed that since, so that it was dropped; None where it is finished.
    """

    line: LogLine
    changed: str | None

    @property
    def in_words(self) -> str:
        """What became of it, in a line."""
        edit = f"the edit `tagpipe vocab {self.line.command}`, which was killed while it was being written"
        if self.changed is None:
            return f"finished {edit}"
        return f"dropped {edit}: {self.changed} has been changed since; it stays as it is, and `git diff` shows it"


def write_logged(scratch: Path, change: FileChange, log: Path, line: LogLine) -> None:
    """Give the file its bytes, and the log its line."""
    journal = scratch / _JOURNAL
    tree = _Journal(
        line=dump_line(line).decode("ascii"),
        path=change.path.relative_to(scratch.parent).as_posix(),
        log=log.relative_to(scratch.parent).as_posix(),
        after=None if change.after is None else base64.b64encode(change.after).decode("ascii"),
        sha256_before=_digest(change.before),
        sha256_after=_digest(change.after),
    )
    write_bytes(journal, tree.model_dump_json().encode("utf-8"))
    _put(change.path, change.after)
    _append(log, dump_line(line))
    journal.unlink()


def is_half_written(scratch: Path) -> bool:
    """Whether a kill left an edit half written (or one is being written just now)."""
    return (scratch / _JOURNAL).is_file()


def finish_edit(scratch: Path) -> KilledEdit | None:
    """Finish what a kill left half written; None where nothing was.

    The file gets its bytes if it is as before, and the log its line if it has it not: others may have added lines. If
    the file is neither as before nor as after, somebody has changed it since: then nothing is written. Raises
    InputError for a journal that is none.
    """
    journal = scratch / _JOURNAL
    if not journal.is_file():
        return None
    tree, line = _read_journal(journal)
    path, log = scratch.parent / tree.path, scratch.parent / tree.log
    now = _digest(_read(path))
    is_changed = now not in (tree.sha256_before, tree.sha256_after)
    for each in (path, log):
        for leftover in each.parent.glob(f".{escape(each.name)}.*.tmp"):  # DVC would take it for a part of data/source
            leftover.unlink()
    if not is_changed:
        if now != tree.sha256_after:
            _put(path, None if tree.after is None else base64.b64decode(tree.after))
        _append(log, tree.line.encode("ascii"))
    journal.unlink()
    return KilledEdit(line, tree.path if is_changed else None)


class _Journal(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    line: str
    path: str
    log: str
    after: str | None
    sha256_before: str | None
    sha256_after: str | None


def _read_journal(journal: Path) -> tuple[_Journal, LogLine]:
    try:
        tree = _Journal.model_validate_json(read_bytes(journal))
        return tree, parse_line(tree.line.encode("utf-8").rstrip(b"\n"), file=_JOURNAL)
    except (ValidationError, InputError):
        raise InputError(
            "is not what an edit of the vocabulary leaves behind",
            file=journal.relative_to(journal.parents[1]).as_posix(),
            fix="Look at `git diff` for what a killed edit may have left, and remove this file",
        ) from None


def _append(log: Path, line: bytes) -> None:
    """The line at the end of the log, unless it has it already."""
    old = _read(log) or b""
    if line.rstrip(b"\n") not in old.splitlines():
        _put(log, old + (b"" if old.endswith(b"\n") or not old else b"\n") + line)


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes | None:
    return read_bytes(path) if path.is_file() else None


def _put(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        write_bytes(path, data)

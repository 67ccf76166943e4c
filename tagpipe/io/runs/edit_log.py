"""The log of edits on disk. It is the journal of an edit, too: what a kill ended is finished from its line.

An edit writes its line first, marked as pending, then its file, then the line without the mark. Each of the three is
replaced as a whole, so a kill leaves the line pending and the file as it was before or after. Without the mark nobody
could tell a killed edit from a file that somebody restored or edited by hand afterwards. It goes forward, not back:
the edit was shown and confirmed. All writing happens under the run lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tagpipe.curation.log import LogLine, Patch, dump_line, invert_patch, parse_log, revert_patch, sha256_of
from tagpipe.errors import InputError, TagpipeError, escape_shown
from tagpipe.io.repository.curation_files import IGNORE_FILE, LOG_FILE, NOT_SAME_FILE, STAGE, curation_file
from tagpipe.io.repository.files import read_bytes, remove_file, write_bytes
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.leftovers import remove_leftovers
from tagpipe.io.repository.yaml_file import read_params

_PENDING = (
    "the edit is pending: the next edit, `tagpipe run` or `tagpipe refresh` finishes it, "
    "and `tagpipe vocab undo` then drops it"
)


@dataclass(frozen=True)
class FileChange:
    """A file of the dataset repository that gets other bytes; None: it is not there."""

    file: str
    """Path in the dataset repository, with `/`."""
    before: bytes | None
    after: bytes | None


def read_log(layout: Layout) -> tuple[LogLine, ...]:
    """Every edit that was made, the oldest first."""
    return tuple(line for line in parse_log(_read(layout), file=LOG_FILE) if not line.pending)


def _read(layout: Layout) -> bytes:
    """The log; empty where there is none, as in a dataset repository from before there was a monitor."""
    return (read_if_there(curation_file(layout, LOG_FILE)) or b"") if STAGE in layout.stages else b""


def write_logged(layout: Layout, change: FileChange, line: LogLine) -> None:
    """Give the file its bytes, and the log its line; on an error, neither.

    Raises ConfigError where one of them cannot be written, with a detail where that cannot be taken back either.
    """
    log, path = curation_file(layout, LOG_FILE), layout.root / change.file
    old = read_if_there(log)
    _put(log, _append(old, replace(line, pending=True)))
    try:
        _put(path, change.after)
        _put(log, _append(old, line))
    except TagpipeError as error:
        try:
            if read_if_there(path) != change.before:
                _put(path, change.before)
            _put(log, old)
        except TagpipeError:
            error.details = (_PENDING,)
        raise


def has_killed_edit(layout: Layout) -> bool:
    """True if a kill ended an edit while it was being written (or one is being written just now).

    Raises InputError for a damaged log.
    """
    data = _read(layout)
    # Lines that are not pending do not have the key, so whole logs are not parsed for nothing.
    return b'"pending"' in data and any(line.pending for line in parse_log(data, file=LOG_FILE))


def finish_killed_edits(layout: Layout, *, echo: Callable[[str], None]) -> list[LogLine]:
    """Finish what a kill left pending. Return the lines that were finished. echo: called with what became of each.

    An edit is dropped if somebody has changed its file since. Others may have added lines to the log, and may have
    finished the same edit in another clone. Raises InputError for a damaged log, IntegrityError for a damaged patch.
    """
    if STAGE not in layout.stages:
        return []
    log = curation_file(layout, LOG_FILE)
    remove_leftovers(log)
    finished = []
    while has_killed_edit(layout):
        data = read_bytes(log)
        texts = [text for text in data.split(b"\n") if text.strip()]
        lines = parse_log(data, file=LOG_FILE)
        place, line = next((place, line) for place, line in enumerate(lines) if line.pending)
        # The other lines keep their bytes, so that `git diff` shows this one alone.
        rest = b"".join(text + b"\n" for text in texts[:place] + texts[place + 1 :]) or None
        made = replace(line, pending=False)
        edit = f"the edit `tagpipe vocab {line.command}`, which was killed while it was being written"
        if made in lines:
            _put(log, rest)
        elif _finish(layout, line.patches[0]):
            _put(log, _append(rest, made))
            finished.append(made)
            echo(f"finished {edit}")
        else:
            _put(log, rest)
            why = f"{line.patches[0].file} has been changed since; it stays as it is, and `git diff` shows it"
            echo(f"dropped {edit}: {why}")
    return finished


def _finish(layout: Layout, patch: Patch) -> bool:
    """Bring the file to what it is after the patch. Return False if somebody has changed it since."""
    path = path_of(layout, patch)
    remove_leftovers(path)
    data = read_if_there(path)
    if sha256_of(data) == patch.sha256_before:
        _put(path, revert_patch(invert_patch(patch), data))
        return True
    return sha256_of(data) == patch.sha256_after


def path_of(layout: Layout, patch: Patch) -> Path:
    """The file of a patch. Raises InputError for any that no edit writes: others can write the log."""
    paths = [curation_file(layout, name) for name in (IGNORE_FILE, NOT_SAME_FILE)]
    vocabulary = read_params(layout.params_file).source.vocabulary.path
    if vocabulary is not None:
        paths.append(layout.dep("fetch", "source") / vocabulary)
    path_of_name = {path.relative_to(layout.root).as_posix(): path for path in paths}
    if patch.file not in path_of_name:
        raise InputError(
            "an edit of a file that edits do not write",
            file=LOG_FILE,
            field="patches.0.file",
            found=escape_shown(patch.file),
            expected=", ".join(path_of_name),
            fix="Restore the log from git, or name that vocabulary in params.yaml again",
        )
    return path_of_name[patch.file]


def _append(log: bytes | None, line: LogLine) -> bytes:
    old = log or b""
    return old + (b"\n" if old and not old.endswith(b"\n") else b"") + dump_line(line)


def read_if_there(path: Path) -> bytes | None:
    """The bytes of a file; None where there is none."""
    return read_bytes(path) if path.is_file() else None


def _put(path: Path, data: bytes | None) -> None:
    if data is not None:
        write_bytes(path, data)
        return
    remove_file(path)

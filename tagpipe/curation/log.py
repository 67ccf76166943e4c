"""The log of edits of the vocabulary, one line of JSON each, and the patches in it that take an edit back to the byte.

A patch is one replaced region of one file: everything between what both sides begin with and what both end with.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from itertools import takewhile
from operator import eq
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, NonNegativeInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from tagpipe.errors import EditRefused, InputError, IntegrityError, escape_shown
from tagpipe.formats.strict_json import parse_json

_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Patch:
    """One replaced region of one file."""

    file: str
    """Path in the dataset repository, with `/`."""
    at: NonNegativeInt
    """The byte at which the region begins."""
    before: str
    after: str
    sha256_before: str | None
    """Of the whole file; None where there was none."""
    sha256_after: str | None
    """Of the whole file; None where the edit removed it."""


@dataclass(frozen=True, config=_STRICT)
class LogLine:
    """One edit, as a line of the log holds it."""

    at: str
    """UTC, ISO 8601, with microseconds, so that no two lines are equal."""
    who: str
    action: str
    arguments: tuple[str, ...]
    """As `as_arguments` gives them."""
    why: str | None
    evidence: Mapping[str, int | float | None]
    """Numbers of that time."""
    patches: Annotated[tuple[Patch, ...], Field(min_length=1, max_length=1)]
    """One: an edit changes one file."""
    undoes: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$")] = None
    """Digest of the line that it takes back; None for an edit that is not an undo. (A line's number changes when the
    logs of two branches are joined.)"""
    pending: bool = False
    """True while the file of the edit is being written, or if a kill ended that."""
    schema: Literal[1] = 1
    digest: str = field(default="", init=False, compare=False)
    """sha256 of the line in the log, without its line end and without `pending`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha256_of(_dump(self, pending=False)))

    @property
    def command(self) -> str:
        """The edit as it is typed after `tagpipe vocab`."""
        return as_command(self.action, self.arguments)


_LINE = TypeAdapter(LogLine)


# Patches


def make_patch(file: str, before: bytes | None, after: bytes | None) -> Patch:
    """The patch from `before` to `after` (None: there is no such file). Both are UTF-8."""
    # Compared as text, so that no patch cuts a character in two.
    old, new = (before or b"").decode("utf-8"), (after or b"").decode("utf-8")
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return Patch(
        file,
        len(old[:start].encode("utf-8")),
        old[start : len(old) - end],
        new[start : len(new) - end],
        sha256_of(before),
        sha256_of(after),
    )


def invert_patch(patch: Patch) -> Patch:
    """The patch that takes `patch` back, as the line of an undo has it."""
    return Patch(patch.file, patch.at, patch.after, patch.before, patch.sha256_after, patch.sha256_before)


def revert_patch(patch: Patch, current: bytes | None) -> bytes | None:
    """The bytes before the patch; None if there was no file. current: the bytes now; None if there is no file.

    Raises EditRefused if the file is not what the patch left behind, IntegrityError if the patch itself is damaged.
    """
    # By digest of the whole file: the region alone could be found unchanged in a file that means something else now.
    if sha256_of(current) != patch.sha256_after:
        raise EditRefused(
            "the file has changed since that edit, so that it cannot be undone",
            file=patch.file,
            found=_shown(sha256_of(current)),
            expected=_shown(patch.sha256_after),
            fix="Undo the later change first (git diff shows it), or edit the file by hand",
        )
    if patch.sha256_before is None:
        return None
    now, after = current or b"", patch.after.encode("utf-8")
    reverted = now[: patch.at] + patch.before.encode("utf-8") + now[patch.at + len(after) :]
    if now[patch.at : patch.at + len(after)] != after or sha256_of(reverted) != patch.sha256_before:
        raise IntegrityError(
            "the log's patch does not give back the bytes that it was made from",
            file=patch.file,
            found=_shown(sha256_of(reverted)),
            expected=_shown(patch.sha256_before),
            fix="The log was edited; restore it, or the file itself, from git",
        )
    return reverted


def _common(first: str, second: str) -> int:
    """How many characters both begin with."""
    return sum(takewhile(bool, map(eq, first, second)))


def sha256_of(data: bytes | None) -> str | None:
    """The digest that a patch holds; None if there is no file."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def _shown(sha256: str | None) -> str:
    return "no file" if sha256 is None else f"sha256 {sha256[:12]}"


# Lines


def as_arguments(*names: str, options: Sequence[str] = ()) -> tuple[str, ...]:
    """The arguments of an edit as a command line has them: options, then names; after `--` if a name begins with `-`.

    >>> as_arguments("-x", "y", options=["--remove"])
    ('--remove', '--', '-x', 'y')
    """
    ahead = ("--",) if any(name.startswith("-") for name in names) else ()
    return (*options, *ahead, *names)


def as_command(action: str, arguments: Sequence[str]) -> str:
    """An edit as it is typed in a shell after `tagpipe vocab`."""
    return shlex.join([action, *arguments])


def dump_line(line: LogLine) -> bytes:
    """The line as the log holds it, in ASCII, with its line end."""
    return _dump(line, pending=line.pending) + b"\n"


def _dump(line: LogLine, *, pending: bool) -> bytes:
    tree = {"schema": line.schema, **asdict(line)}
    del tree["digest"]
    if not pending:  # the lines of edits that are made look as they did before there was this field
        del tree["pending"]
    return json.dumps(tree, ensure_ascii=True, allow_nan=False).encode("ascii")


def parse_log(data: bytes, *, file: str) -> tuple[LogLine, ...]:
    """All lines of a log, in its order, without blank ones. Raises InputError with the line for anything else.

    The logs of two branches, joined by keeping the lines of both in any order, are a log: an undo may stand before
    the edit that it takes back.
    """
    texts = data.split(b"\n")
    if texts[-1].strip():
        raise InputError(
            "the last line is cut off",
            file=f"{file}, line {len(texts)}",
            found=escape_shown(texts[-1][-60:].decode("utf-8", "replace")),
            expected="a line end",
            fix="Restore the log from git",
        )
    places = [f"{file}, line {number}" for number, text in enumerate(texts, start=1) if text.strip()]
    lines = tuple(map(_parse_line, filter(bytes.strip, texts), places))
    undos = {line.digest: line.undoes is not None for line in lines}
    for line, place in zip(lines, places, strict=True):
        if line.undoes is not None and undos.get(line.undoes, True):
            raise InputError(
                "undoes another undo" if line.undoes in undos else "undoes a line that is not in the log",
                file=place,
                field="undoes",
                found=line.undoes,
                expected="the sha256 of a line of the log that is not an undo",
                fix="Restore the log from git; where branches were joined, it has the lines of both",
            )
    return lines


def _parse_line(text: bytes, file: str) -> LogLine:
    tree = parse_json(text, file=file)  # it refuses what pydantic's parser lets through, such as a key given twice
    try:
        line = _LINE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, value = ".".join(map(str, first["loc"])) or None, first["input"]
        expected = first["msg"].removeprefix("Input should be ")
    else:
        # Only lines that are made here get these two by default.
        place = next((name for name in ("undoes", "schema") if name not in tree), None)
        if place is None:
            return line
        value, expected = tree, "Field required"
    raise InputError(
        "not a line of the vocabulary's log",
        file=file,
        field=place,
        found=escape_shown(value),
        expected=expected,
        fix="Restore the log from git",
    )


def find_undoable(lines: Sequence[LogLine]) -> LogLine | None:
    """The last edit of a parsed log that is neither undone nor an undo; None if there is none."""
    undone = {line.undoes for line in lines}
    return next((line for line in reversed(lines) if line.undoes is None and line.digest not in undone), None)

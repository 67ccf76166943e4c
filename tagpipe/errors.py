"""Every expected failure, one tree; the exit code of the command line is the class's own.

    TagpipeError
    ├── ConfigError         2  params.yaml, dvc.yaml, the command line or the environment is wrong
    │   └── EditRefused     2  an edit of the vocabulary would break it
    ├── InputError          3  a source or a decision cannot be read as what it should be
    ├── GuardError          4  the input is readable, but too suspicious to build from
    ├── SourceUnavailable   5  a source cannot be fetched now
    ├── Busy                6  another run holds the lock
    └── IntegrityError      7  bytes are not what their pin, manifest or lock says

Exit code 0 is success and 1 an answer that was asked for (`refresh --check`: upstream moved), not an error.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, ClassVar

SHOWN_CHARS = 80
SHOWN_DETAILS = 20


_UNSAFE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks that no font draws: a tag of these alone would look like none."""
_HAS_BLANK = re.compile(f"[{_BLANK}]")


def visible(text: str) -> str:
    """`text` with control, format (bidi), blank and line-breaking characters as escapes: a terminal obeys none of it.

    >>> visible("a\\x1b[31mb\\u202e")
    'a\\\\x1b[31mb\\\\u202e'
    """
    if text.isprintable() and not _HAS_BLANK.search(text):
        return text
    return "".join(map(_show, text))


def _show(character: str) -> str:
    is_safe = unicodedata.category(character) not in _UNSAFE and character not in _BLANK
    return character if is_safe else character.encode("unicode_escape").decode()


def escape_shown(value: object) -> str:
    """`value` as it may appear in a message: ASCII, control characters escaped, at most 80 characters.

    >>> escape_shown("a\\nb")
    '"a\\\\nb"'
    """
    text = json.dumps(value, ensure_ascii=True, default=repr)
    if len(text) > SHOWN_CHARS:
        text = hide_addresses(text)  # now: in half an address nobody finds the secret
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 3] + "..."


HIDDEN = "***"
_ADDRESS = re.compile(r"""(['"]?)((?:[A-Za-z0-9+.-]{1,30}:)?//+|[A-Za-z][A-Za-z0-9+.-]{0,29}:/)([^\n]*)""")
"""Bounded, because a scheme of any length is quadratic in a long word; of a longer one, the end is found."""


def hide_addresses(text: str) -> str:
    """`text` with what may be secret in addresses hidden: what precedes the last `@`, and what follows `?` or `#`.

    Either may hold any character, also quotes, spaces and slashes, so that more than the secret is hidden where nobody
    can tell: to the end of the line, but for a reason behind a quoted address, if it begins with `: ` and has no such
    quote in it.

    >>> hide_addresses("unable to access 'https://me:se'c/ret@example.org/data.git?sig=a b': status 403")
    "unable to access 'https://***@example.org/data.git?***': status 403"
    """
    return _ADDRESS.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    quote, scheme, rest = match.groups()
    end = rest.find(f"{quote}: ") if quote else -1
    if quote and (end < 0 or quote in rest[end + 1 :] or rest[end - 1 : end] == "\\"):
        end = len(rest) - 1 if rest.endswith(quote) and not rest.endswith(f"\\{quote}") else len(rest)
    rest, reason = (rest, "") if end < 0 else (rest[:end], hide_addresses(rest[end:]))
    return f"{quote}{scheme}{_hide_rest(rest)}{reason}"


def hide_address(url: str) -> str:
    """`url` with what may be secret hidden: a value that is an address as a whole, with any quotes and lines in it.

    >>> hide_address("https://me:a'\\nb@example.org/data.json?sig=c")
    'https://***@example.org/data.json?***'
    """
    scheme, mark, rest = url.partition("//")
    return f"{scheme}{mark}{_hide_rest(rest)}"


def _hide_rest(rest: str) -> str:
    before, at, after = rest.rpartition("@")
    if re.search("[?#]", before):  # in a user's name, or an `@` in a query: nobody can tell
        return HIDDEN
    shown, mark = re.match("([^?#]*)([?#]?)", after).groups()  # type: ignore[union-attr]
    return f"{HIDDEN + at if at else ''}{shown}{mark}{HIDDEN if mark else ''}"


def reason_of(error: OSError) -> str:
    """The reason that the system gave, without errno or file name, to end a message with."""
    return (error.strerror or str(error)).lower()


class TagpipeError(Exception):
    """What went wrong, where, what was expected and what to do.

    Every part is a field of its own, so that nobody parses the text. `details` are further findings of the
    same kind (the text shows the first 20 and the count).
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        row: int | None = None,
        field: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(hide_addresses(what))
        self.what = hide_addresses(what)
        self.file = hide_addresses(file) if file else file
        self.row = row
        self.field = hide_addresses(field) if field else field
        self.found = hide_addresses(found) if found else found
        self.expected = hide_addresses(expected) if expected else expected
        self.fix = hide_addresses(fix) if fix else fix
        self.details = tuple(map(hide_addresses, details))

    def as_dict(self) -> dict[str, Any]:
        """The fields, JSON-ready; `from_dict` gives an equal error back."""
        parts = {name: getattr(self, name) for name in ("what", "file", "row", "field", "found", "expected", "fix")}
        return {"kind": type(self).__name__, **parts, "details": list(self.details)}

    def __reduce__(self) -> tuple[Any, ...]:
        return from_dict, (self.as_dict(),)

    @property
    def headline(self) -> str:
        """One line: where, what, found, expected and the fix."""
        row = "" if self.row is None else f"row {self.row}"
        field = "" if self.field is None else f"field {self.field}"
        where = ", ".join(part for part in (self.file, row, field) if part)
        text = f"{where}: {self.what}" if where else self.what
        if self.found is not None:
            text += f"; found {self.found}"
        if self.expected is not None:
            text += f"; expected {self.expected}"
        return f"{text}. {self.fix}" if self.fix else f"{text}."

    def __str__(self) -> str:
        # File names and fields may hold anything; what was found is escaped where the error is made.
        lines = [visible(self.headline), *(f"  - {visible(detail)}" for detail in self.details[:SHOWN_DETAILS])]
        if len(self.details) > SHOWN_DETAILS:
            lines.append(f"  ... and {len(self.details) - SHOWN_DETAILS} more, {len(self.details)} in all")
        return "\n".join(lines)


class ConfigError(TagpipeError):
    """params.yaml, dvc.yaml, the command line or the environment is wrong."""

    exit_code = 2


class EditRefused(ConfigError):
    """An edit would break the vocabulary, or undo something else than what was done; nothing is written."""


class InputError(TagpipeError):
    """A source cannot be read as what it should be."""

    exit_code = 3


class GuardError(TagpipeError):
    """The input is readable, but building from it would be a suspicious change."""

    exit_code = 4


class SourceUnavailable(TagpipeError):
    """A source cannot be fetched now; the same command may work later."""

    exit_code = 5


class Busy(TagpipeError):
    """Another run holds the lock."""

    exit_code = 6


class IntegrityError(TagpipeError):
    """Bytes are not what their pin, manifest or lock says."""

    exit_code = 7


DEFECT_EXIT_CODE = 70
"""A stage ended with a traceback: a defect of tagpipe (sysexits.h EX_SOFTWARE)."""


class StageDefect(Exception):
    """A stage ended with a traceback, which has been shown; not an expected error."""


_TREE = (TagpipeError, ConfigError, EditRefused, InputError, GuardError, SourceUnavailable, Busy, IntegrityError)
KINDS: dict[str, type[TagpipeError]] = {kind.__name__: kind for kind in _TREE}


def from_dict(fields: dict[str, Any]) -> TagpipeError:
    """The error that `as_dict` described."""
    rest = {key: value for key, value in fields.items() if key not in ("kind", "what", "details")}
    return KINDS[fields["kind"]](fields["what"], details=tuple(fields["details"]), **rest)

"""JSON as RFC 8259 has it, and nothing more: the parser of everything that comes from outside.

Refused beside plain syntax errors: bytes that are not UTF-8 (a byte order mark too), duplicate keys, NaN and
Infinity, data after the document, nesting deeper than MAX_DEPTH. Every error names the byte offset.
The standard library's scanner does the reading; what it lets through is checked here.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

from tagpipe.errors import InputError, escape_shown

MAX_DEPTH = 64
"""The deepest nesting of objects and lists; real sources need three."""

_CONTAINERS = (dict, list)

WINDOW_BYTES = 1 << 20

_SPACE = re.compile(r"[ \t\n\r]*")
# Possessive, so that a text that is never closed is given up in one pass; its opening mark then ends the search.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|"|[\[\]{}:,]|-?Infinity|NaN|-?[0-9][0-9.eE+-]*', re.DOTALL)
_NUMBER_TAIL = 8
"""A number cut off by the window's end can look whole ("1" of "1.5", "1" of "1e+5"); this much must follow it."""


class ByteSource(Protocol):
    """Bytes, or what reads a file a slice at a time: large sources are never held whole."""

    def __len__(self) -> int: ...

    def __getitem__(self, where: slice, /) -> bytes: ...


class _Refused(Exception):
    """The scanner met a duplicate key or a constant that JSON has not; `_locate` finds where."""


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(name)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise _Refused
    return record


def _read_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Refused(text)
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant, parse_float=_read_float
)


def parse_json(data: bytes, *, file: str) -> Any:
    """The one value of a small document. Raises InputError with the byte offset."""
    window = Window(data, 0, file=file, size=max(len(data), 1))
    value = window.read_value()
    window.skip_space()
    if not window.at_end:
        window.fail("data after the end of the document", expected="one JSON value")
    return value


class Window:
    """A reading position in UTF-8 bytes, decoded a window at a time.

    Only the window around the position is ever decoded. base: where `data` itself begins in its file, for messages.
    """

    def __init__(self, data: ByteSource, start: int, *, file: str, size: int = WINDOW_BYTES, base: int = 0) -> None:
        self._data = data
        self._base = base
        self._file = file
        self._size = size
        self._load(start, size)
        if start + base == 0 and data[:3] == codecs.BOM_UTF8:
            self.fail("begins with a byte order mark", expected="plain UTF-8", fix="Save it without the mark")

    def _load(self, start: int, size: int) -> None:
        end = min(start + size, len(self._data))
        self._is_last = end == len(self._data)
        self._start = start
        try:
            self._text, _ = codecs.utf_8_decode(self._data[start:end], "strict", self._is_last)
        except UnicodeDecodeError as error:
            raise InputError(
                f"not UTF-8 at byte {self._base + start + error.start}",
                file=self._file,
                found=escape_shown(error.object[error.start : error.start + 8].hex(" ")),
                expected="UTF-8 text",
                fix="Save the file as UTF-8",
            ) from None
        self._at = 0
        self._known = (0, start)

    @property
    def offset(self) -> int:
        """The position, in bytes from the start of the data. Only what came since it was last asked is counted."""
        known_at, known_offset = self._known if self._known[0] <= self._at else (0, self._start)
        self._known = (self._at, known_offset + len(self._text[known_at : self._at].encode("utf-8")))
        return self._known[1]

    @property
    def at_end(self) -> bool:
        return self._is_last and self._at == len(self._text)

    def _slide(self, grow: int = 1) -> None:
        self._load(self.offset, self._size * grow)

    def skip_space(self) -> None:
        """Step over white space."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._text) or self._is_last:
                return
            self._slide()

    def take(self, character: str) -> bool:
        """Step over `character` if it comes next."""
        if self._text.startswith(character, self._at):
            self._at += 1
            return True
        return False

    def read_value(self) -> Any:
        """The next value; the position is then behind it."""
        self.skip_space()
        grow = 1
        while True:
            value, end, problem = self._try_value()
            # A value that touches the window's end may go on behind it ("12" of "123").
            is_inside = problem is None and end + _NUMBER_TAIL <= len(self._text)
            if self._is_last or is_inside or isinstance(problem, _Refused):
                break
            grow *= 2
            self._slide(grow)
        if problem is not None:
            self._fail_value(problem)
        if _is_too_deep(value):
            self._locate(end)
        self._at = end
        return value

    def _try_value(self) -> tuple[Any, int, Exception | None]:
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except (_Refused, RecursionError, ValueError) as problem:
            return None, self._at, problem
        return value, end, None

    def _fail_value(self, problem: Exception) -> NoReturn:
        if isinstance(problem, json.JSONDecodeError):
            self._locate(problem.pos)
            self._at = min(problem.pos, len(self._text))
            self.fail(f"not JSON: {problem.msg[0].lower()}{problem.msg[1:].removesuffix(' at')}")
        self._locate(len(self._text))
        self.fail("not JSON that can be read")

    def _locate(self, end: int) -> None:
        """Raise for the first duplicate key, constant, number or depth that JSON or this project does not allow."""
        keys: list[set[str] | None] = []
        last = ""
        last_at = self._at
        for token in _TOKEN.finditer(self._text, self._at, end):
            text = token.group()
            if text == '"':
                return
            if text in "{[":
                keys.append(set() if text == "{" else None)
                if len(keys) > MAX_DEPTH:
                    self._at = token.start()
                    self.fail(f"nested deeper than {MAX_DEPTH} levels")
            elif text in "}]":
                if not keys:
                    return
                keys.pop()
                if not keys:
                    return
            elif text == ":" and keys and keys[-1] is not None:
                try:
                    key = json.loads(last, strict=False)
                except ValueError:
                    return  # the scanner has said what is wrong with it
                if key in keys[-1]:
                    self._at = last_at
                    self.fail("duplicate key", found=escape_shown(key))
                keys[-1].add(str(key))
            elif text[-1] in "Ny":
                self._at = token.start()
                self.fail("not JSON: a number may not be NaN or Infinity", found=text)
            elif _is_too_large(text):
                self._at = token.start()
                self.fail("a number is too long or too large to read", found=escape_shown(text))
            last, last_at = text, token.start()

    def fail(
        self, what: str, *, found: str | None = None, expected: str | None = None, fix: str | None = None
    ) -> NoReturn:
        """Raise InputError for the present position."""
        rest = self._text[self._at : self._at + 60]
        raise InputError(
            f"{what} at byte {self._base + self.offset}",
            file=self._file,
            found=found or (escape_shown(rest) if rest else "the end of the file"),
            expected=expected,
            fix=fix or "Correct the source; nothing was built from it",
        )


def _is_too_deep(value: object) -> bool:
    """True if objects and lists stand within each other more than MAX_DEPTH deep."""
    # Level by level over the value that was read: a twentieth of what scanning its text again would cost.
    containers = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(MAX_DEPTH):
        containers = [
            child
            for container in containers
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, _CONTAINERS)
        ]
        if not containers:
            return False
    return True


def _is_too_large(text: str) -> bool:
    """True if `text` is a number beyond any float, or an integer with more digits than Python reads."""
    if text[0] not in "-0123456789":
        return False
    if text.lstrip("-").isdigit():
        return len(text) > sys.get_int_max_str_digits() > 0
    with contextlib.suppress(ValueError):
        return math.isinf(float(text))
    return False


def iter_array(
    data: ByteSource, start: int, *, file: str, is_enough: Callable[[int], bool]
) -> Iterator[tuple[int, int, Any]]:
    """(offset, end, value) of the elements of an array from byte `start`, which is at an element.

    Ends behind the first element for whose end `is_enough` is true, or where the array ends. Offsets in bytes.
    """
    window = Window(data, start, file=file)
    while True:
        window.skip_space()
        offset = window.offset
        value = window.read_value()
        end = window.offset
        yield offset, end, value
        window.skip_space()
        if is_enough(end) or not window.take(","):
            return

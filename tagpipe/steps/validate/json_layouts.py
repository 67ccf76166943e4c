"""Where the records of a JSON array or of NDJSON lines begin and end, found without parsing them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tagpipe.formats.strict_json import ByteSource, Window, iter_array

BLOCK_BYTES = 8 << 20


SEARCH_BYTES = 1 << 16
"""Bytes searched at a time for the end of a block or of a line."""


_RECORD_END = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")


_LINE_BREAK = re.compile(rb"\}[ \t\r]*\n,[ \t]*\{")


_NOT_BLANK = re.compile(rb"[^ \t\r\n]")


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a source: `n_rows` of them, in the bytes `start`:`end`."""

    first_row: int
    """From 1."""
    n_rows: int
    start: int
    end: int


class ArrayLayout:
    """Records as the elements of one JSON array."""

    def __init__(self, data: ByteSource, file: str) -> None:
        self._data = data
        self._file = file

    def find_start(self) -> int | None:
        """Byte of the first record; None for an empty array."""
        window = Window(self._data, 0, file=self._file)
        window.skip_space()
        if not window.take("["):
            window.fail("not a list of projects", expected="[ and one object a project")
        window.skip_space()
        if not window.take("]"):
            return window.offset
        self._check_end(window)
        return None

    def find_next(self, end: int) -> int | None:
        """Byte of the record behind a block that ended at `end`; None at the array's end."""
        window = Window(self._data, end, file=self._file, size=1 << 12)
        window.skip_space()
        if window.take(","):
            window.skip_space()
            return window.offset
        if not window.take("]"):
            window.fail("not JSON: expected , or ] behind a project")
        self._check_end(window)
        return None

    def _check_end(self, window: Window) -> None:
        window.skip_space()
        if not window.at_end:
            window.fail("data after the end of the document", expected="one JSON list")

    def cut_block(self, start: int) -> tuple[int, bytes | None]:
        """(end, records with commas between), where a record seems to end about BLOCK_BYTES on.

        The guess may be inside a text; then the block does not parse, and is read record by record. Wherever a
        block parses, its end was a true one: JSON is read from left to right in one way only.
        """
        wanted = start + BLOCK_BYTES
        if wanted < len(self._data):
            match = _RECORD_END.search(self._data[wanted : wanted + SEARCH_BYTES])
            if match is None:
                return wanted, None
            end = wanted + match.start() + 1
            return end, self._data[start:end]
        body = self._data[start : len(self._data)]
        closing = body.rfind(b"]")
        return (start + closing, body[:closing]) if closing > 0 else (len(self._data), None)

    def holds(self, body: bytes | None, n_records: int) -> bool:
        """True if a block that parsed may hold that many records: any number but none."""
        return body is not None and n_records > 0

    def iter_records(self, start: int, end: int) -> Iterator[tuple[int, object]]:
        """(end, value) of the records from `start` to the first that ends at or behind `end`."""
        for _, stop, value in iter_array(self._data, start, file=self._file, is_enough=lambda offset: offset >= end):
            yield stop, value


class LinesLayout:
    """Records as lines (NDJSON); blank lines are skipped."""

    def __init__(self, data: ByteSource, file: str) -> None:
        self._data = data
        self._file = file

    def find_start(self) -> int | None:
        Window(self._data, 0, file=self._file, size=1 << 12)
        return self.find_next(0)

    def find_next(self, end: int) -> int | None:
        """Byte of the next line that is not blank."""
        for offset in range(end, len(self._data), SEARCH_BYTES):
            if match := _NOT_BLANK.search(self._data[offset : offset + SEARCH_BYTES]):
                return offset + match.start()
        return None

    def _find_line_end(self, start: int) -> int:
        for offset in range(start, len(self._data), SEARCH_BYTES):
            line_break = self._data[offset : offset + SEARCH_BYTES].find(b"\n")
            if line_break >= 0:
                return offset + line_break
        return len(self._data)

    def cut_block(self, start: int) -> tuple[int, bytes | None]:
        """(end, records with commas between): whole lines, about BLOCK_BYTES of them."""
        end = self._find_line_end(start + BLOCK_BYTES)
        return end, self._data[start:end].strip(b" \t\r\n").replace(b"\n", b"\n,")

    def holds(self, body: bytes | None, n_records: int) -> bool:
        """True if a block that parsed holds one record a line, not two on one or one across two."""
        return body is not None and n_records - 1 == body.count(b"\n,") == len(_LINE_BREAK.findall(body))

    def iter_records(self, start: int, end: int) -> Iterator[tuple[int, object]]:
        """(end, value) of the lines from `start` to the first that ends at or behind `end`."""
        line_start: int | None = start
        while line_start is not None and line_start < end:
            stop = self._find_line_end(line_start)
            window = Window(self._data[line_start:stop], 0, file=self._file, base=line_start)
            value = window.read_value()
            window.skip_space()
            if not window.at_end:
                window.fail("data after the end of the line", expected="one JSON object a line")
            yield stop, value
            line_start = self.find_next(stop)

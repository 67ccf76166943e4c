"""The text of a JSON document as a tree of places, and how it is written: for edits that keep every other character."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagpipe.curation.rewriting.text_runs import Run, most_common, read_run

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


# The text as a tree


@dataclass(frozen=True)
class Node:
    """A value at text[start:end]. keys: of an object's items, (key, where it starts, where it ends)."""

    start: int
    end: int
    value: Any = None
    keys: tuple[tuple[str, int, int], ...] = ()
    items: tuple[Node, ...] = ()

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each item is; an object's with its key."""
        starts = [start for _, start, _ in self.keys] or [item.start for item in self.items]
        return [(start, item.end) for start, item in zip(starts, self.items, strict=True)]

    @cached_property
    def fields(self) -> dict[str, Node]:
        """Of an object: key -> value."""
        return {key: item for (key, _, _), item in zip(self.keys, self.items, strict=True)}


def skip(text: str, at: int) -> int:
    """Where the white space at `at` ends."""
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def scan(text: str, start: int) -> Node:
    """The value that begins at `start`; strict_json has read it before, and bounds the depth."""
    if text[start] not in "[{":
        value, end = _DECODER.raw_decode(text, start)
        return Node(start, end, value)
    keys, items = [], []
    at = skip(text, start + 1)
    while text[at] not in "]}":
        if text[start] == "{":
            key, end = _DECODER.raw_decode(text, at)
            keys.append((key, at, end))
            at = skip(text, skip(text, end) + 1)
        items.append(scan(text, at))
        at = skip(text, items[-1].end)
        at = skip(text, at + 1) if text[at] == "," else at
    return Node(start, at + 1, None, tuple(keys), tuple(items))


def scan_lines(text: str) -> Node:
    """The lines as the items of one value without brackets."""
    items = []
    at = skip(text, 0)
    while at < len(text):
        items.append(scan(text, at))
        at = skip(text, items[-1].end)
    return Node(0, len(text), None, (), tuple(items))


# How it is written


@dataclass(frozen=True)
class Layout:
    """What stands behind the opening bracket, between items, and ahead of the closing one."""

    head: str
    part: str
    tail: str


@dataclass(frozen=True)
class Escapes:
    """How strings are escaped. ascii_only: whatever is not ASCII is. upper: in capitals. slash: / is, too."""

    ascii_only: bool
    upper: bool
    slash: bool

    def quote(self, text: str) -> str:
        """A string, escaped as the file does."""
        quoted = json.dumps(text, ensure_ascii=self.ascii_only)
        if self.upper:
            quoted = re.sub(r"(\\\\)|\\u[0-9a-f]{4}", lambda each: each[1] or "\\u" + each[0][2:].upper(), quoted)
        return quoted.replace("/", "\\/") if self.slash else quoted


def read_escapes(text: str) -> Escapes:
    """How the file escapes what it holds."""
    escapes = re.findall(r"(?<!\\)(?:\\\\)*\\u([0-9A-Fa-f]{4})", text)
    return Escapes(
        any(int(code, 16) > 0x7F for code in escapes) and text.isascii(),
        any(code != code.lower() for code in escapes) and not any(code != code.upper() for code in escapes),
        "\\/" in text,
    )


def bracket(first: str, layout: Layout, items: Sequence[str], last: str) -> str:
    """An object or list of these items; first, last: its brackets."""
    return f"{first}{layout.head}{layout.part.join(items)}{layout.tail}{last}" if items else first + last


def run_of(text: str, node: Node) -> Run:
    """What stands around the items of an object or list, within its brackets if it has any."""
    is_bracketed = text[node.start : node.start + 1] in ("[", "{") and text[node.end - 1] in "]}"
    inset = 1 if is_bracketed else 0
    return read_run(text, node.start + inset, node.end - inset, node.spans)


def read_colon(text: str, nodes: Sequence[Node]) -> str:
    """What most often stands between a key and its value in these objects."""
    return most_common(_find_colons(text, nodes), ": ")


def _find_colons(text: str, nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        ends = [end for _, _, end in node.keys]
        yield from (text[end : item.start] for end, item in zip(ends, node.items, strict=False))


def read_inline(text: str, nodes: Sequence[Node], *, colon: str) -> str:
    """What most often parts items of these on one line; colon: what says it where no line has two items."""
    flat = [part for node in nodes for part in run_of(text, node).between if "\n" not in part]
    return most_common(flat, ", " if colon.endswith(" ") else ",")


def read_layout(text: str, nodes: Sequence[Node], *, inline: str) -> Layout | None:
    """The layout that most of the nodes have; None if there are none. inline: of `read_inline`."""
    runs = [run_of(text, node) for node in nodes]
    head = most_common((run.head for run in runs), "")
    alike = [run for run in runs if run.head == head]
    if not alike:
        return None
    part = most_common((part for run in alike for part in run.between), part_of(head, inline=inline))
    return Layout(head, part, most_common((run.tail for run in alike), ""))


def part_of(head: str, *, inline: str) -> str:
    """What parts items where none show it; head: what stands behind the opening bracket."""
    return f",{head}" if "\n" in head else inline


def one_level_deeper(head: str, *, outer: str) -> Layout:
    """The layout of a list in an object whose fields have lines of their own, where no list of the file shows one.

    head: what stands behind the object's opening bracket; outer: the same of what the object stands in.
    """
    deeper = head + head.removeprefix(outer)
    return Layout(deeper, f",{deeper}", head)

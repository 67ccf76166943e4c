"""The text of a vocabulary in JSON or NDJSON, edited in place: `vocabulary_text` says what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagpipe.core.text_runs import Placed, Run, match_places, most_common, read_run, write_run
from tagpipe.core.vocabulary_entries import Entry

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_LISTS = ("aliases", "parents")


# The text as a tree


@dataclass(frozen=True)
class _Node:
    """A value at text[start:end]. keys: of an object's items, (key, where it starts, where it ends)."""

    start: int
    end: int
    value: Any = None
    keys: tuple[tuple[str, int, int], ...] = ()
    items: tuple[_Node, ...] = ()

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each item is; an object's with its key."""
        starts = [start for _, start, _ in self.keys] or [item.start for item in self.items]
        return [(start, item.end) for start, item in zip(starts, self.items, strict=True)]

    @cached_property
    def fields(self) -> dict[str, _Node]:
        """Of an object: key -> value."""
        return {key: item for (key, _, _), item in zip(self.keys, self.items, strict=True)}


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _scan(text: str, start: int) -> _Node:
    """The value that begins at `start`; strict_json has read it before, and bounds the depth."""
    if text[start] not in "[{":
        value, end = _DECODER.raw_decode(text, start)
        return _Node(start, end, value)
    keys, items = [], []
    at = _skip(text, start + 1)
    while text[at] not in "]}":
        if text[start] == "{":
            key, end = _DECODER.raw_decode(text, at)
            keys.append((key, at, end))
            at = _skip(text, _skip(text, end) + 1)
        items.append(_scan(text, at))
        at = _skip(text, items[-1].end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return _Node(start, at + 1, None, tuple(keys), tuple(items))


def _scan_lines(text: str) -> _Node:
    """The lines as the items of one value without brackets."""
    items = []
    at = _skip(text, 0)
    while at < len(text):
        items.append(_scan(text, at))
        at = _skip(text, items[-1].end)
    return _Node(0, len(text), None, (), tuple(items))


# How the file is written


@dataclass(frozen=True)
class _Layout:
    """What stands behind the opening bracket, between items, and ahead of the closing one."""

    head: str
    part: str
    tail: str


@dataclass(frozen=True)
class _Style:
    """How new things are written. fields: of a new entry, in order. left_out: those that it has not if empty."""

    entry: _Layout
    names: _Layout
    colon: str
    inline: str
    fields: tuple[str, ...]
    left_out: frozenset[str]
    ascii_only: bool
    upper: bool
    slash: bool

    def quote(self, text: str) -> str:
        """A string, escaped as the file does."""
        quoted = json.dumps(text, ensure_ascii=self.ascii_only)
        if self.upper:
            quoted = re.sub(r"(\\\\)|\\u[0-9a-f]{4}", lambda each: each[1] or "\\u" + each[0][2:].upper(), quoted)
        return quoted.replace("/", "\\/") if self.slash else quoted

    def write_names(self, names: Sequence[str]) -> str:
        """A list of names."""
        return _bracket("[", self.names, [self.quote(name) for name in names], "]")

    def write_value(self, value: object) -> str:
        """The value of a field."""
        if isinstance(value, tuple):
            return self.write_names(value)
        return self.quote(value) if isinstance(value, str) else json.dumps(value)

    def write_entry(self, entry: Entry, *, is_keyed: bool) -> str:
        """An entry that the file has not yet. is_keyed: its tag stands ahead of it."""
        order = [name for name in self.fields if getattr(entry, name) or name not in self.left_out]
        shown = {name: getattr(entry, name) for name in order if name != "tag" or not is_keyed}
        members = [self.write_member(name, value) for name, value in (shown | _extras(entry, shown)).items()]
        return _bracket("{", self.entry, members, "}")

    def write_member(self, name: str, value: object) -> str:
        """A field and its value."""
        return f"{self.quote(name)}{self.colon}{self.write_value(value)}"

    def part_of(self, opening: str) -> str:
        """What parts items where none show it; opening: what stands behind the bracket."""
        return f",{opening}" if "\n" in opening else self.inline


def _extras(entry: Entry, shown: Container[str]) -> dict[str, Any]:
    """The fields that an entry must have beside those shown: all that do not say what leaving them out says."""
    return {
        name: value
        for name in ("aliases", "parents", "deprecated", "replaced_by")
        if name not in shown and (value := getattr(entry, name))
    }


def _bracket(first: str, layout: _Layout, items: Sequence[str], last: str) -> str:
    return f"{first}{layout.head}{layout.part.join(items)}{layout.tail}{last}" if items else first + last


def _read_style(text: str, root: _Node) -> _Style:
    entries = [node for node in root.items if node.items]
    lists = [node for entry in entries for node in entry.items if node.items]
    colon = most_common(_find_colons(text, [*entries, root]), ": ")
    flat = [part for node in (*lists, *entries) for part in _run_of(text, node).between if "\n" not in part]
    inline = most_common(flat, ", " if colon.endswith(" ") else ",")
    entry = _read_layout(text, entries, inline) or _Layout("", inline, "")
    names = _read_layout(text, lists, inline) or _guess_names(text, root, entry, inline)
    orders = [
        " ".join(name for name, _, _ in node.keys if name not in ("deprecated", "replaced_by")) for node in entries
    ]
    usual = ("aliases", "parents") if root.keys else ("tag", "aliases", "parents")
    escapes = re.findall(r"(?<!\\)(?:\\\\)*\\u([0-9A-Fa-f]{4})", text)
    return _Style(
        entry,
        names,
        colon,
        inline,
        tuple(most_common(orders, "").split() or usual),
        frozenset(name for name in _LISTS if _is_left_out(name, root)),
        any(int(code, 16) > 0x7F for code in escapes) and text.isascii(),
        any(code != code.lower() for code in escapes) and not any(code != code.upper() for code in escapes),
        "\\/" in text,
    )


def _find_colons(text: str, nodes: Sequence[_Node]) -> Iterator[str]:
    for node in nodes:
        ends = [end for _, _, end in node.keys]
        yield from (text[end : item.start] for end, item in zip(ends, node.items, strict=False))


def _read_layout(text: str, nodes: Sequence[_Node], inline: str) -> _Layout | None:
    """The layout that most of the nodes have; None if there are none."""
    runs = [_run_of(text, node) for node in nodes]
    head = most_common((run.head for run in runs), "")
    alike = [run for run in runs if run.head == head]
    if not alike:
        return None
    part = most_common((part for run in alike for part in run.between), f",{head}" if "\n" in head else inline)
    return _Layout(head, part, most_common((run.tail for run in alike), ""))


def _guess_names(text: str, root: _Node, entry: _Layout, inline: str) -> _Layout:
    """No list of the file has a name: one level deeper than the fields, if those have lines of their own."""
    if "\n" not in entry.head or not root.items:
        return _Layout("", inline, "")
    deeper = entry.head + entry.head.removeprefix(_run_of(text, root).head)
    return _Layout(deeper, f",{deeper}", entry.head)


def _is_left_out(name: str, root: _Node) -> bool:
    has = [name in node.fields for node in root.items]
    n_empty = sum(name in node.fields and not node.fields[name].items for node in root.items)
    return n_empty < len(has) - sum(has)


def _run_of(text: str, node: _Node) -> Run:
    is_bracketed = text[node.start : node.start + 1] in ("[", "{") and text[node.end - 1] in "]}"
    inset = 1 if is_bracketed else 0
    return read_run(text, node.start + inset, node.end - inset, node.spans)


# Edits


def edit_json(
    text: str, suffix: str, old: Sequence[Entry], new: Sequence[Entry], places: Sequence[int | None], *, file: str
) -> str:
    """`text` with the entries `new`; places: which of `old` each of them was. JSON can hold every name."""
    del file
    is_lines = suffix != ".json"
    root = _scan_lines(text) if is_lines else _scan(text, _skip(text, 0))
    writer = _Writer(text, root, _read_style(text, root), is_keyed=not is_lines and text[root.start] == "{")
    items = [
        Placed(writer.write_item(place, None if place is None else old[place], entry), place)
        for place, entry in zip(places, new, strict=True)
    ]
    # What stands around the entries includes both ends of the file.
    inset = 0 if is_lines else 1
    run = read_run(text, 0, len(text), root.spans, at=root.start + inset)
    return write_run(run, items, part=_line_end(text) if is_lines else writer.style.part_of(run.head[root.start + 1 :]))


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


@dataclass(frozen=True)
class _Writer:
    """Items of a file. is_keyed: its entries are named by the keys of an object."""

    text: str
    root: _Node
    style: _Style
    is_keyed: bool

    def write_item(self, place: int | None, old: Entry | None, new: Entry) -> str:
        """A whole entry, with its key where it has one."""
        if place is None or old is None:
            key = f"{self.style.quote(new.tag)}{self.style.colon}" if self.is_keyed else ""
            return key + self.style.write_entry(new, is_keyed=self.is_keyed)
        start, end = self.root.spans[place]
        if old == new:
            return self.text[start:end]
        node = self.root.items[place]
        key = self.text[start : node.start]
        if self.is_keyed and old.tag != new.tag:
            key = self.style.quote(new.tag) + self.text[self.root.keys[place][2] : node.start]
        return key + self._edit_entry(node, old, new)

    def _edit_entry(self, node: _Node, old: Entry, new: Entry) -> str:
        items = []
        for place, (name, start, _) in enumerate(node.keys):
            value, before, after = node.items[place], getattr(old, name), getattr(new, name)
            if before == after:
                items.append(Placed(self.text[start : value.end], place))
            elif after or name in _LISTS:
                items.append(Placed(self.text[start : value.start] + self._edit_value(value, before, after), place))
        shown = {"tag", *node.fields}
        items += [Placed(self.style.write_member(name, value)) for name, value in _extras(new, shown).items()]
        return self._rewrite(node, items, self.style.entry)

    def _edit_value(self, node: _Node, before: object, after: object) -> str:
        if not (isinstance(before, tuple) and isinstance(after, tuple)):
            return self.style.write_value(after)
        items = [
            Placed(
                self.style.quote(name) if place is None else self.text[node.items[place].start : node.items[place].end],
                place,
            )
            for place, name in zip(match_places(before, after), after, strict=True)
        ]
        return self._rewrite(node, items, self.style.names)

    def _rewrite(self, node: _Node, items: Sequence[Placed], layout: _Layout) -> str:
        """An object or list with other items."""
        first, last = self.text[node.start], self.text[node.end - 1]
        if not node.items or not items:
            return _bracket(first, layout, [item.text for item in items], last)
        run = _run_of(self.text, node)
        return first + write_run(run, items, part=self.style.part_of(run.head)) + last

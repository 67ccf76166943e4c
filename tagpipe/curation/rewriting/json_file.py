"""The text of a vocabulary in JSON or NDJSON, edited in place: `vocabulary_text` says what is kept."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from tagpipe.curation.rewriting.json_tree import (
    Escapes,
    Layout,
    Node,
    bracket,
    one_level_deeper,
    part_of,
    read_colon,
    read_escapes,
    read_inline,
    read_layout,
    run_of,
    scan,
    scan_lines,
    skip,
)
from tagpipe.curation.rewriting.text_runs import Placed, match_places, most_common, read_run, write_run
from tagpipe.vocabulary.entries import Entry

_LISTS = ("aliases", "parents")


# How the file is written


@dataclass(frozen=True)
class _Style:
    """How new things are written. fields: of a new entry, in order. left_out: those that it has not if empty."""

    entry: Layout
    names: Layout
    colon: str
    inline: str
    fields: tuple[str, ...]
    left_out: frozenset[str]
    escapes: Escapes

    def quote(self, text: str) -> str:
        """A string, escaped as the file does."""
        return self.escapes.quote(text)

    def write_names(self, names: Sequence[str]) -> str:
        """A list of names."""
        return bracket("[", self.names, [self.quote(name) for name in names], "]")

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
        return bracket("{", self.entry, members, "}")

    def write_member(self, name: str, value: object) -> str:
        """A field and its value."""
        return f"{self.quote(name)}{self.colon}{self.write_value(value)}"

    def part_of(self, head: str) -> str:
        """What parts items where none show it; head: what stands behind the opening bracket."""
        return part_of(head, inline=self.inline)


def _extras(entry: Entry, shown: Container[str]) -> dict[str, Any]:
    """The fields that an entry must have beside those shown: all that do not say what leaving them out says."""
    return {
        name: value
        for name in ("aliases", "parents", "deprecated", "replaced_by")
        if name not in shown and (value := getattr(entry, name))
    }


def _read_style(text: str, root: Node) -> _Style:
    entries = [node for node in root.items if node.items]
    lists = [node for entry in entries for node in entry.items if node.items]
    colon = read_colon(text, [*entries, root])
    inline = read_inline(text, [*lists, *entries], colon=colon)
    entry = read_layout(text, entries, inline=inline) or Layout("", inline, "")
    names = read_layout(text, lists, inline=inline) or _guess_names(text, root, entry, inline)
    orders = [
        " ".join(name for name, _, _ in node.keys if name not in ("deprecated", "replaced_by")) for node in entries
    ]
    usual = ("aliases", "parents") if root.keys else ("tag", "aliases", "parents")
    return _Style(
        entry,
        names,
        colon,
        inline,
        tuple(most_common(orders, "").split() or usual),
        frozenset(name for name in _LISTS if _is_left_out(name, root)),
        read_escapes(text),
    )


def _guess_names(text: str, root: Node, entry: Layout, inline: str) -> Layout:
    """No list of the file has a name: one level deeper than the fields, if those have lines of their own."""
    if "\n" not in entry.head or not root.items:
        return Layout("", inline, "")
    return one_level_deeper(entry.head, outer=run_of(text, root).head)


def _is_left_out(name: str, root: Node) -> bool:
    has = [name in node.fields for node in root.items]
    n_empty = sum(name in node.fields and not node.fields[name].items for node in root.items)
    return n_empty < len(has) - sum(has)


# Edits


def edit_json(
    text: str, suffix: str, old: Sequence[Entry], new: Sequence[Entry], places: Sequence[int | None], *, file: str
) -> str:
    """`text` with the entries `new`; places: which of `old` each of them was. JSON can hold every name."""
    del file
    is_lines = suffix != ".json"
    root = scan_lines(text) if is_lines else scan(text, skip(text, 0))
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
    root: Node
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

    def _edit_entry(self, node: Node, old: Entry, new: Entry) -> str:
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

    def _edit_value(self, node: Node, before: object, after: object) -> str:
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

    def _rewrite(self, node: Node, items: Sequence[Placed], layout: Layout) -> str:
        """An object or list with other items."""
        first, last = self.text[node.start], self.text[node.end - 1]
        if not node.items or not items:
            return bracket(first, layout, [item.text for item in items], last)
        run = run_of(self.text, node)
        return first + write_run(run, items, part=self.style.part_of(run.head)) + last

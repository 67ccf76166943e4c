"""Vocabulary files as people and programs write them, and a second reader of their text, which shares no code.

`documents` gives entries and the bytes of a file that holds them; `raw_entries` gives the text of each entry in a file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.vocabulary import normalize_tag

HOSTILE = [
    'a"b',
    "x\\y",
    "two\nlines",
    "<script>",
    "p@en",
    '"@en',
    "שלום",
    "a\u202eb",
    "é",
    "e\u2028e",
    "\\u0041",
    "a/b",
]
NAMES = ["a", "b", "bb", "c", "c++", "c#", "cpp", "C Sharp", "d-d", "D d", "Deep Learning", "node.js", "zz", *HOSTILE]
"""Names of tags and aliases; two of them compare equal."""

CS = ("c", "c++", "c#")
"""No two of them are ever one tag."""

FILES = [".json", ".ndjson", ".csv"]


@dataclass(frozen=True)
class Document:
    """A file and what stands in it."""

    entries: tuple[Entry, ...]
    data: bytes
    suffix: str


@st.composite
def entry_lists(draw: Any) -> tuple[Entry, ...]:
    """Entries without errors; some parents are unknown, some tags deprecated."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=9, unique_by=normalize_tag))
    n_tags = draw(st.integers(1, len(names)))
    tags, others = names[:n_tags], names[n_tags:]
    if draw(st.booleans()):
        tags = sorted(tags)
    owner = {alias: draw(st.sampled_from(tags)) for alias in others if alias not in CS and not draw(st.booleans())}
    entries = []
    for at, tag in enumerate(tags):
        # Only later tags are parents, and only the last one replaces others: no cycle.
        up = st.sampled_from([*tags[at + 1 :], "nowhere", "No Where"])
        aliases = tuple(alias for alias, of in owner.items() if of == tag)
        gone = tag != tags[-1] and not draw(st.integers(0, 5))
        by = draw(st.sampled_from([None, tags[-1]])) if gone and tag not in CS else None
        entries.append(Entry(tag, aliases, tuple(draw(st.lists(up, max_size=2, unique=True))), gone, by))
    return tuple(entries)


@st.composite
def documents(draw: Any) -> Document:
    """Files of every form, in many hands."""
    suffix = draw(st.sampled_from(FILES))
    entries = draw(entry_lists())
    text = {".json": write_document, ".ndjson": write_lines, ".csv": write_csv}[suffix](entries, draw)
    return Document(entries, text.encode(), suffix)


def fields_of(entry: Entry, draw: Any) -> dict[str, Any]:
    """As JSON has it: what may be left out is, now and then."""
    fields: dict[str, Any] = {"aliases": list(entry.aliases), "parents": list(entry.parents)}
    for name in ("aliases", "parents"):
        if not fields[name] and draw(st.booleans()):
            del fields[name]
    if entry.deprecated or not draw(st.integers(0, 9)):
        fields["deprecated"] = entry.deprecated
    if entry.replaced_by is not None:
        fields["replaced_by"] = entry.replaced_by
    return fields


SEPARATORS = st.sampled_from([None, (",", ":"), (", ", ": "), (" ,", " : ")])


def write_document(entries: tuple[Entry, ...], draw: Any) -> str:
    """JSON, as one object or one list."""
    is_object, ascii_only = draw(st.booleans()), draw(st.booleans())
    rows = [(entry.tag, fields_of(entry, draw)) for entry in entries]
    tail = draw(st.sampled_from(["", "\n", "\n\n", " "]))
    if draw(st.booleans()):
        # An entry a line, as in data/source/vocabulary.json.
        quote = lambda value: json.dumps(value, ensure_ascii=ascii_only)  # noqa: E731
        lines = [f"{quote(tag)}: {quote(f)}" if is_object else quote({"tag": tag, **f}) for tag, f in rows]
        part = draw(st.sampled_from([",\n  ", ",\n\n  ", ",\r\n\t"]))
        first, last = "{}" if is_object else "[]"
        return f"{first}{part[1:]}{part.join(lines)}\n{last}{tail}"
    tree: Any = dict(rows) if is_object else [{"tag": tag, **f} for tag, f in rows]
    indent = draw(st.sampled_from([None, 1, 2, 4, "\t"]))
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only, separators=draw(SEPARATORS) if not indent else None)
    return (text.replace("\n", "\r\n") if draw(st.booleans()) else text) + tail


def write_lines(entries: tuple[Entry, ...], draw: Any) -> str:
    """NDJSON."""
    ascii_only, separators = draw(st.booleans()), draw(SEPARATORS)
    rows = [{"tag": entry.tag, **fields_of(entry, draw)} for entry in entries]
    lines = [json.dumps(row, ensure_ascii=ascii_only, separators=separators) for row in rows]
    part = draw(st.sampled_from(["\n", "\r\n", "\n\n", " \n"]))
    return draw(st.sampled_from(["", "\n"])) + part.join(lines) + draw(st.sampled_from(["", part]))


def write_csv(entries: tuple[Entry, ...], draw: Any) -> str:
    """CSV, by the standard library."""
    needed = [name for name in ("deprecated", "replaced_by") if any(getattr(entry, name) for entry in entries)]
    names = draw(st.permutations(["tag", "aliases", "parents", *needed]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    out = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(out, lineterminator=end, quoting=quoting)
    writer.writerow(names)
    for entry in entries:
        texts = {
            "tag": entry.tag,
            "aliases": "|".join(entry.aliases),
            "parents": "|".join(entry.parents),
            "deprecated": draw(st.sampled_from(["true", "TRUE"])) if entry.deprecated else "",
            "replaced_by": entry.replaced_by or "",
        }
        writer.writerow([texts[name] for name in names])
    text = out.getvalue()
    text = text if draw(st.booleans()) else text.removesuffix(end)
    return draw(st.sampled_from(["", "\ufeff"])) + text


# The second reader


def raw_entries(data: bytes, suffix: str) -> dict[str, str]:
    """tag -> the text of its entry, without what parts it from the others."""
    text = data.decode()
    if suffix == ".csv":
        return dict(raw_rows(text))
    if suffix != ".json":
        return {json.loads(line)["tag"]: line.strip() for line in text.split("\n") if line.strip()}
    chunks = list(split_top(text))
    if text.lstrip().startswith("{"):
        return {next(iter(json.loads("{" + chunk + "}"))): chunk for chunk in chunks}
    return {json.loads(chunk)["tag"]: chunk for chunk in chunks}


def split_top(text: str) -> Iterator[str]:
    """What the commas of the outermost brackets part."""
    depth, begin = 0, 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{},]', text):
        mark = token[0]
        if mark in "]}":
            depth -= 1
        if (mark == "," and depth == 1) or (mark in "]}" and depth == 0):
            if chunk := text[begin : token.start()].strip():
                yield chunk
            begin = token.end()
        if mark in "[{":
            depth += 1
            begin = token.end() if depth == 1 else begin


def raw_rows(text: str) -> Iterator[tuple[str, str]]:
    """(tag, its row) of CSV: a line break within an odd number of quotation marks does not end a row."""
    rows, row = [], ""
    for line in re.split(r"(?<=\n)", text.removeprefix("\ufeff")):
        row += line
        if row.count('"') % 2 == 0:
            rows.append(row.removesuffix("\n").removesuffix("\r"))
            row = ""
    header, *rest = [[*next(csv.reader(io.StringIO(row, newline=""))), row] for row in rows if row]
    yield from ((cells[header.index("tag")], cells[-1]) for cells in rest)

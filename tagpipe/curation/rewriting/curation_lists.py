"""One element more in the text of ignore.json or not-same.json: every other character stays.

An ascending list stays ascending; in any other the element is the last. It is written as the others of the file are.
"""

from __future__ import annotations

from bisect import bisect_left

from tagpipe.curation.rewriting.json_tree import (
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
    skip,
)
from tagpipe.curation.rewriting.text_runs import Placed, write_run


def add_ignored(data: bytes, form: str) -> bytes:
    """`data`, which `parse_ignored` reads, with a normal form more."""
    return _add(data, "tags", (form,))


def add_not_same(data: bytes, first: str, second: str) -> bytes:
    """`data`, which `parse_not_same` reads, with a pair of normal forms more."""
    return _add(data, "pairs", (first, second))


def _add(data: bytes, field: str, names: tuple[str, ...]) -> bytes:
    """With an element more in the list `field`: a name, or the list of two."""
    text = data.decode("utf-8")
    root = scan(text, skip(text, 0))
    node = root.fields[field]
    lists = [each for each in root.items if each.items]
    inline = read_inline(text, [*node.items, *lists, root], colon=read_colon(text, [root]))
    written = [read_escapes(text).quote(name) for name in names]
    pair = read_layout(text, node.items, inline=inline) or Layout("", inline, "")
    element = written[0] if len(names) == 1 else bracket("[", pair, written, "]")
    if node.items:
        run = run_of(text, node)
        items = [Placed(text[start:end], place) for place, (start, end) in enumerate(node.spans)]
        items.insert(_find_place(node, names), Placed(element))
        inner = write_run(run, items, part=part_of(run.head, inline=inline))
        edited = f"[{inner}]"
    else:
        edited = bracket("[", read_layout(text, lists, inline=inline) or _guess_layout(text, root), [element], "]")
    return (text[: node.start] + edited + text[node.end :]).encode("utf-8")


def _find_place(node: Node, names: tuple[str, ...]) -> int:
    present = [tuple(each.value for each in item.items) or (item.value,) for item in node.items]
    return bisect_left(present, names) if present == sorted(present) else len(present)


def _guess_layout(text: str, root: Node) -> Layout:
    """Every list is empty: an element a line, if the fields have lines of their own."""
    head = run_of(text, root).head
    line_end = head[: head.rfind("\n") + 1]
    return one_level_deeper(head, outer=line_end) if line_end else Layout("", "", "")

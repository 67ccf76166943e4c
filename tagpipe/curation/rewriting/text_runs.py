"""Runs of items in a text, such as the entries of a list: other items in, and every other character stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Run:
    """What stands around the items: head ahead of the first, between[i] behind item i, tail behind the last."""

    head: str
    between: tuple[str, ...]
    tail: str


@dataclass(frozen=True)
class Placed:
    """The text of an item, and the index of the old item whose place it takes (None: it is new)."""

    text: str
    place: int | None = None


def read_run(text: str, start: int, end: int, spans: Sequence[tuple[int, int]], *, at: int = 0) -> Run:
    """The run of the items at `spans` within text[start:end]; where there are none, they would stand at `at`."""
    first, last = (spans[0][0], spans[-1][1]) if spans else (at, at)
    return Run(
        text[start:first],
        tuple(text[stop:begin] for (_, stop), (begin, _) in pairwise(spans)),
        text[last:end],
    )


def write_run(run: Run, items: Iterable[Placed], *, part: str) -> str:
    """The run with other items. What stood between two old items still stands ahead of the second; where items between
    them are gone, the longest of it (a blank line between groups stays). What is new is parted as most are, else by
    `part`."""
    usual = most_common(sorted(run.between, key=len), part)
    pieces = [run.head]
    last: int | None = None
    for number, item in enumerate(items):
        if number:
            keeps = item.place is not None and last is not None and item.place > last
            pieces.append(max(run.between[last : item.place], key=len) if keeps else usual)
        pieces.append(item.text)
        last = last if item.place is None else item.place
    return "".join([*pieces, run.tail])


def most_common(texts: Iterable[str], default: str) -> str:
    """The most common text, the first of equals; `default` if there is none."""
    ranked = Counter(texts).most_common(1)
    return ranked[0][0] if ranked else default


def match_places(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[int | None]:
    """For each of `new`, the index of an equal one in `old`, each used once, in order; None if there is none left."""
    left: dict[Hashable, list[int]] = {}
    for place in reversed(range(len(old))):
        left.setdefault(old[place], []).append(place)
    return [places.pop() if (places := left.get(value)) else None for value in new]

"""Tables of cells, which every renderer of a comparison draws. A cell marks which of its text is public.

A renderer escapes what is public in its own way and prints our own words as they are; nothing else decides what is
shown, so that terminal, Markdown and HTML agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

Tone = Literal["", "good", "bad", "dim"]
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST_CHARS = 12
_MAX_LISTED = 5
_MAX_COUNT = 10**15


@dataclass(frozen=True)
class Span:
    """A piece of a cell. is_public: from data, parameters or git, and never to be trusted; else our own words.

    tone: a colour where there are colours; the words say it too.
    """

    text: str
    is_public: bool = False
    tone: Tone = ""


Cell = tuple[Span, ...]


@dataclass(frozen=True)
class Column:
    """A column of a section."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class DiffTable:
    """A table of the comparison.

    n: how many rows there are in all. is_open: never folded away. is_counted: whether the heading says n where all
    rows are shown. notes: lines below. if_empty: said in place of a table without rows; a section with none of these
    is left out.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    n: int
    is_open: bool = False
    notes: tuple[Cell, ...] = ()
    if_empty: str = ""
    is_counted: bool = True

    @property
    def is_shown(self) -> bool:
        return bool(self.rows or self.notes or self.if_empty)

    def heading(self, n_shown: int) -> str:
        """`Tags that left the cut (10 of 66)`."""
        is_cut = n_shown < self.n
        return f"{self.title} ({count_of(n_shown, self.n)})" if is_cut or (self.is_counted and self.n) else self.title


def words(text: str, tone: Tone = "") -> Cell:
    """A cell of our own words."""
    return (Span(text, tone=tone),)


def public(text: str | int) -> Cell:
    """A cell of public text."""
    return (Span(str(text), is_public=True),)


def public_list(texts: Iterable[str | int], *, n: int | None = None, sign: str = "") -> Cell:
    """The first five, and how many more there are (of `n`, if these are not all)."""
    listed = list(texts)
    n = len(listed) if n is None else n
    shown = listed[:_MAX_LISTED]
    parts: list[Span] = []
    for text in shown:
        parts += words(", " if parts else "")
        parts += [*words(sign), *public(text)]
    if n > len(shown):
        parts += words(f"{' and ' if shown else ''}{count(n - len(shown))} more")
    return tuple(part for part in parts if part.text or part.is_public)


def count(number: int) -> str:
    """A count with its thousands parted. Documents come from strangers: no number fills a page."""
    return f"{number:,}" if abs(number) < _MAX_COUNT else "more than 10^15"


def count_of(n_shown: int, n: int) -> str:
    """`10 of 66`, or `66` where all are shown."""
    return count(n) if n_shown >= n else f"{count(n_shown)} of {count(n)}"


def number(value: float) -> str:
    """A count or a measure."""
    return count(value) if isinstance(value, int) else f"{value:.4g}"


def percent(fraction: float) -> str:
    """`62.3 %` of 0.623."""
    return f"{100 * fraction:.1f} %" if abs(fraction) < 1e6 else f"{fraction:.3g} x 100 %"


def signed(change: float, *, is_bad: bool | None = None) -> Cell:
    """`+12`, `-3` or `0`. is_bad: for the colour; None has none."""
    text = f"{'+' if change > 0 else '-' if change < 0 else ''}{number(abs(change))}"
    tone: Tone = "" if is_bad is None or not change else "bad" if is_bad else "good"
    return words(text, tone)


def added_and_removed(n_added: int, n_removed: int) -> tuple[Cell, Cell]:
    """Two cells."""
    return signed(n_added, is_bad=False), signed(-n_removed, is_bad=True)


def value(this: JsonValue, other: JsonValue) -> Cell:
    """One side of a value that differs. Of two lists only what the other one lacks: long ones differ in a word."""
    if this is None:
        return words("none", "dim")
    if isinstance(this, list) and isinstance(other, list):
        return _list_value(this, other)
    if isinstance(this, str):
        is_digest = _DIGEST.fullmatch(this)
        return public(this[:_DIGEST_CHARS]) if is_digest else public(this)
    if isinstance(this, int | float) and not isinstance(this, bool):
        return words(number(this))
    return public(json.dumps(this, ensure_ascii=False))


def _list_value(this: list[JsonValue], other: list[JsonValue]) -> Cell:
    known = {json.dumps(each) for each in other}
    own = [each for each in this if json.dumps(each) not in known]
    texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in own]
    head = words(f"{count(len(this))} values")
    return head + words(", of them only here: ") + public_list(texts) if own else head


def digest(text: str) -> Cell:
    """The beginning of a digest or commit id."""
    return public(text[:_DIGEST_CHARS])

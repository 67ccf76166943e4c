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
    """A piece of a cell."""

    text: str
    is_public: bool = False
    """True for text from data, parameters or git, which is never to be trusted; False for our own words."""
    tone: Tone = ""
    """A colour for renderers that have colours; it only repeats what the words say."""


Cell = tuple[Span, ...]


@dataclass(frozen=True)
class Column:
    """A column of a section."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class DiffTable:
    """A table of the comparison."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    n: int
    """The number of rows in all; `rows` may be the first of them."""
    is_open: bool = False
    """True if it is never folded away."""
    notes: tuple[Cell, ...] = ()
    """Lines below the table."""
    if_empty: str = ""
    """The text in place of a table without rows."""
    is_counted: bool = True
    """True if the heading gives n even when all rows are shown."""

    @property
    def is_shown(self) -> bool:
        """True if there is anything to draw."""
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
    """The first five, and the number of the others. n: the number of all, if `texts` is only their beginning."""
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
    """A count with thousands separators, bounded in length because documents come from strangers."""
    return f"{number:,}" if abs(number) < _MAX_COUNT else "more than 10^15"


def count_of(n_shown: int, n: int) -> str:
    """`10 of 66`, or `66` if all are shown."""
    return count(n) if n_shown >= n else f"{count(n_shown)} of {count(n)}"


def number(value: float) -> str:
    """A count or a measure."""
    return count(value) if isinstance(value, int) else f"{value:.4g}"


def percent(fraction: float) -> str:
    """`62.3 %` of 0.623."""
    return f"{100 * fraction:.1f} %" if abs(fraction) < 1e6 else f"{fraction:.3g} x 100 %"


def signed(change: float, *, is_bad: bool | None = None) -> Cell:
    """`+12`, `-3` or `0`. is_bad: chooses the colour; None means no colour."""
    text = f"{'+' if change > 0 else '-' if change < 0 else ''}{number(abs(change))}"
    tone: Tone = "" if is_bad is None or not change else "bad" if is_bad else "good"
    return words(text, tone)


def added_and_removed(n_added: int, n_removed: int) -> tuple[Cell, Cell]:
    """A cell for each."""
    return signed(n_added, is_bad=False), signed(-n_removed, is_bad=True)


def value(shown: JsonValue, opposite: JsonValue) -> Cell:
    """One side of a value that differs. A list is cut to what the opposite list lacks, as long lists differ little."""
    if shown is None:
        return words("none", "dim")
    if isinstance(shown, list) and isinstance(opposite, list):
        return _list_value(shown, opposite)
    if isinstance(shown, str):
        return public(shown[:_DIGEST_CHARS]) if _DIGEST.fullmatch(shown) else public(shown)
    if isinstance(shown, int | float) and not isinstance(shown, bool):
        return words(number(shown))
    return public(json.dumps(shown, ensure_ascii=False))


def _list_value(shown: list[JsonValue], opposite: list[JsonValue]) -> Cell:
    known = {json.dumps(item) for item in opposite}
    own = [item for item in shown if json.dumps(item) not in known]
    texts = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in own]
    head = words(f"{count(len(shown))} values")
    return head + words(", of them only here: ") + public_list(texts) if own else head


def digest(text: str) -> Cell:
    """The beginning of a digest or commit id."""
    return public(text[:_DIGEST_CHARS])

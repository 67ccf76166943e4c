"""A row of values of one parameter, and what each of them gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SweepRow:
    """What one value of a parameter gives. just_made, just_missed: (tag, support), five of each."""

    value: int
    n_tags_kept: int
    n_labeled: int
    cardinality: float
    just_made: tuple[tuple[str, int], ...]
    just_missed: tuple[tuple[str, int], ...]

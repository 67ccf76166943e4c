"""The tag uses of a ledger as flat arrays, and the times at which each tag is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.ledger import OUTCOMES, read_ledger
from tagpipe.tables.periods import Periods, Spread, spread_uses
from tagpipe.tables.schemas import Outcome
from tagpipe.tables.tag_lists import Bools, Int32s, Int64s, decode_codes, offsets_after, tag_lists_of

N_RECENT = 2
"""Periods at the end that a burst is looked for in."""

_NOT_WRITTEN = [OUTCOMES.index(outcome) for outcome in (Outcome.DUPLICATE, Outcome.IMPLIED)]
_OUT_OF_VOCABULARY = OUTCOMES.index(Outcome.OUT_OF_VOCABULARY)


@dataclass(frozen=True, eq=False)
class Uses:
    """Tags that authors gave, each once a project. rows: the project of each use. codes: its form, into `forms`
    (distinct compared forms, perhaps unused ones among them). is_out: whether the vocabulary lacks it."""

    rows: Int32s
    codes: Int32s
    is_out: Bools
    forms: pa.StringArray

    def count(self, which: Bools | None = None) -> Int64s:
        """Uses of each form; only of `which` uses, if given."""
        return np.bincount(self.codes if which is None else self.codes[which], minlength=len(self.forms))

    @property
    def used_forms(self) -> list[str]:
        """Those of the forms that any use has: a ledger may name others, too."""
        return list(self.forms.take(pa.array(np.flatnonzero(self.count()))).to_pylist())


@dataclass(frozen=True, eq=False)
class Times:
    """When each code (of a form or a tag) is used, as arrays over all codes; 0 where it is on no dated project.

    n_recent: uses in the last N_RECENT periods. score_sums: over its uses, the numbers of their periods. n_busiest:
    uses on its busiest day, the earliest of several. first, last, busiest: days since 1970. entry_codes,
    entry_periods, entry_counts: the uses of each code in each period it is in, by code, then period.
    """

    n_uses: Int64s
    n_days: Int64s
    n_periods: Int64s
    n_recent: Int64s
    score_sums: Int64s
    n_busiest: Int64s
    first: Int64s
    last: Int64s
    busiest: Int64s
    entry_codes: Int64s
    entry_periods: Int64s
    entry_counts: Int64s


def read_uses(ledger: pa.Table, projects: pa.Table) -> tuple[Uses, Uses]:
    """All uses by their compared forms, and by their tags those that have one. Both tables in one order of projects."""
    outcomes, offsets = read_ledger(ledger, projects)
    rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    is_use = ~np.isin(outcomes, _NOT_WRITTEN)
    is_out = outcomes == _OUT_OF_VOCABULARY
    forms, codes = decode_codes(ledger.column("normalized_tag").filter(pa.array(is_use)))
    has_tag = is_use & ~is_out
    tags, tag_codes = decode_codes(ledger.column("tag").filter(pa.array(has_tag)))
    by_form = Uses(rows[is_use], codes, is_out[is_use], forms)
    return by_form, Uses(rows[has_tag], tag_codes, np.zeros(len(tag_codes), dtype=bool), tags)


def find_labeled(projects: pa.Table, kept: pa.StringArray) -> Bools:
    """Which projects have any of the kept tags. projects: with their tags before the cut."""
    lists = tag_lists_of(projects.column("tags"))
    if not len(lists.codes):
        return np.zeros(lists.n_rows, dtype=bool)
    is_kept = np.asarray(pc.is_in(lists.values, value_set=kept), dtype=bool)
    labeled: Bools = np.diff(offsets_after(is_kept[lists.codes], lists.offsets)) > 0
    return labeled


def time_uses(uses: Uses, days: Int32s, periods: Periods) -> Times:
    """When each code of `uses` is used. days: of each project."""
    spread = spread_uses(uses.codes, days[uses.rows])
    n_codes = len(uses.forms)
    numbers = periods.find(spread.days)

    def total(of_entries: Int64s) -> Int64s:
        # Sums of integers below 2 ** 53 are exact as floats, in any order.
        return np.bincount(spread.codes, weights=of_entries, minlength=n_codes).astype(np.int64)

    first, last, busiest, n_busiest = (np.zeros(n_codes, dtype=np.int64) for _ in range(4))
    if len(spread.begins):
        first[spread.used], last[spread.used] = spread.days[spread.begins], spread.days[spread.ends - 1]
        n_busiest[spread.used] = np.maximum.reduceat(spread.counts, spread.begins)
        at = np.flatnonzero(spread.counts == n_busiest[spread.codes])[::-1]
        busiest[spread.codes[at]] = spread.days[at]  # of several the earliest is written last
    entry_codes, entry_periods, entry_counts = _by_period(spread, numbers, max(len(periods), 1))
    return Times(
        n_uses=total(spread.counts),
        n_days=np.bincount(spread.codes, minlength=n_codes),
        n_periods=np.bincount(entry_codes, minlength=n_codes),
        n_recent=total(spread.counts * (numbers >= len(periods) - N_RECENT)),
        score_sums=total(spread.counts * numbers),
        n_busiest=n_busiest,
        first=first,
        last=last,
        busiest=busiest,
        entry_codes=entry_codes,
        entry_periods=entry_periods,
        entry_counts=entry_counts,
    )


def _by_period(spread: Spread, numbers: Int32s, n_periods: int) -> tuple[Int64s, Int64s, Int64s]:
    """(code, period, uses) of each code in each period; days and so periods ascend within a code."""
    packed = spread.codes * n_periods + numbers
    begins = np.flatnonzero(np.append(True, packed[1:] != packed[:-1])[: len(packed)])
    if not len(begins):
        return packed, packed, packed
    codes, of_code = np.divmod(packed[begins], n_periods)
    return codes, of_code, np.add.reduceat(spread.counts, begins)

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
"""The number of periods at the end in which a burst is looked for."""

_NOT_WRITTEN = [OUTCOMES.index(outcome) for outcome in (Outcome.DUPLICATE, Outcome.IMPLIED)]
_OUT_OF_VOCABULARY = OUTCOMES.index(Outcome.OUT_OF_VOCABULARY)


@dataclass(frozen=True, eq=False)
class Uses:
    """Tags that authors gave, each at most once per project."""

    rows: Int32s
    """The project of each use."""
    codes: Int32s
    """The form of each use, as an index into `forms`."""
    is_out: Bools
    """For each use, True if the vocabulary lacks its form."""
    forms: pa.StringArray
    """Distinct compared forms; no use may have some of them."""

    def count(self, which: Bools | None = None) -> Int64s:
        """The number of uses of each form; with `which`, only of the uses where it is True."""
        return np.bincount(self.codes if which is None else self.codes[which], minlength=len(self.forms))

    @property
    def used_forms(self) -> list[str]:
        """The forms that any use has; a ledger may name others, too."""
        return list(self.forms.take(pa.array(np.flatnonzero(self.count()))).to_pylist())


@dataclass(frozen=True, eq=False)
class Times:
    """The times at which each code (of a form or a tag) is used.

    All but the entry arrays have one element per code, which is 0 for a code that no dated project has. The entry
    arrays have one element per code and period in which it is used, by code, then period.
    """

    n_uses: Int64s
    """Uses on dated projects."""
    n_days: Int64s
    n_periods: Int64s
    n_recent: Int64s
    """Uses in the last N_RECENT periods."""
    score_sums: Int64s
    """The sum, over the uses of a code, of the numbers (0, 1, ...) of their periods."""
    n_busiest: Int64s
    """Uses on the busiest day."""
    first: Int64s
    """The first day, in days since 1970."""
    last: Int64s
    """The last day, in days since 1970."""
    busiest: Int64s
    """The busiest day, the earliest of several, in days since 1970."""
    entry_codes: Int64s
    entry_periods: Int64s
    entry_counts: Int64s
    """Uses of the code in the period."""


def read_uses(ledger: pa.Table, projects: pa.Table) -> tuple[Uses, Uses]:
    """(all uses by compared form, the uses that have a tag by tag). Both tables have the same order of projects."""
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
    """For each project, True if it has any of the kept tags. projects: with their tags before the cut."""
    lists = tag_lists_of(projects.column("tags"))
    if not len(lists.codes):
        return np.zeros(lists.n_rows, dtype=bool)
    is_kept = np.asarray(pc.is_in(lists.values, value_set=kept), dtype=bool)
    labeled: Bools = np.diff(offsets_after(is_kept[lists.codes], lists.offsets)) > 0
    return labeled


def time_uses(uses: Uses, days: Int32s, periods: Periods) -> Times:
    """The times at which each code of `uses` is used. days: the day of each project."""
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
        # In reverse, so that the earliest of several busiest days is written last and stays.
        entries = np.flatnonzero(spread.counts == n_busiest[spread.codes])[::-1]
        busiest[spread.codes[entries]] = spread.days[entries]
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
    """(code, period, uses) of each code in each of its periods. Days, and so periods, ascend within a code."""
    packed = spread.codes * n_periods + numbers
    begins = np.flatnonzero(np.append(True, packed[1:] != packed[:-1])[: len(packed)])
    if not len(begins):
        return packed, packed, packed
    codes, of_code = np.divmod(packed[begins], n_periods)
    return codes, of_code, np.add.reduceat(spread.counts, begins)

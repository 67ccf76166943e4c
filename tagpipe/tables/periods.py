"""When tags are used: the calendar in periods with enough projects, and the days of each tag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.tag_lists import Int32s, Int64s

PeriodKind = Literal["month", "quarter", "week"]

UNDATED = -1 << 31
"""The day of a project without `created_on`."""

_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_MONDAY = 3
"""1970-01-01 was a Thursday, three days behind its Monday."""


@dataclass(frozen=True, eq=False)
class Periods:
    """Calendar periods with enough projects, ascending; those with too few are joined."""

    first_day: int
    """Days since 1970, as all days here."""
    of_day: Int32s
    """The period of first_day, of the day after it, and so on."""
    sizes: Int64s
    """Dated projects of each period."""
    names: tuple[str, ...]
    """`2020-02`, or `2020-02..2020-03` where periods are joined."""

    def __len__(self) -> int:
        return len(self.sizes)

    def find(self, days: Int64s) -> Int32s:
        """The period of each day, from the first to the last day that a project has."""
        return self.of_day[days - self.first_day] if len(days) else np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Spread:
    """The days on which codes (of forms or tags) are used: one entry for each code and day, by code, then day."""

    codes: Int64s
    days: Int64s
    counts: Int64s
    """Uses of that code on that day."""
    begins: Int64s
    """The first entry of each code in use."""

    @property
    def used(self) -> Int64s:
        """The codes in use, ascending."""
        return self.codes[self.begins]

    @property
    def ends(self) -> Int64s:
        """One past the last entry of each code in use."""
        return np.append(self.begins[1:], len(self.codes))


def find_days(created_on: pa.ChunkedArray) -> Int32s:
    """The day (UTC, since 1970) of each project; UNDATED if it has no date."""
    us = np.asarray(pc.fill_null(created_on.cast(pa.int64()), 0))
    return np.where(np.asarray(created_on.is_valid()), us // _DAY_US, UNDATED).astype(np.int32)


def make_periods(days: Int32s, kind: PeriodKind, *, min_projects: int) -> Periods:
    """The periods of the dated projects among `days`.

    A period with fewer than min_projects is joined to the one after it, the last one to the one before it. There is
    one period if there are fewer projects than that in all, and none if no project has a date.
    """
    dated = days[days != UNDATED].astype(np.int64)
    if not len(dated):
        return Periods(0, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64), ())
    first, last = int(dated.min()), int(dated.max())
    calendar = _number_calendar(np.arange(first, last + 1), kind)
    per_calendar = np.bincount(calendar[dated - first] - calendar[0])
    groups = _join_small(per_calendar, min_projects)
    sizes = np.bincount(groups, weights=per_calendar).astype(np.int64)
    used = np.flatnonzero(per_calendar)
    names = [_name_joined(used[groups[used] == group] + calendar[0], kind) for group in range(len(sizes))]
    return Periods(first, groups[calendar - calendar[0]], sizes, tuple(names))


def spread_uses(codes: Int32s, days: Int32s) -> Spread:
    """The days of each code. codes, days: of every use; uses of undated projects are left out."""
    dated = days != UNDATED
    codes, days = codes[dated], days[dated]
    first, n_days = (int(days.min()), int(days.max()) - int(days.min()) + 1) if len(days) else (0, 1)
    # One integer for code and day, so that one sort is enough.
    packed, counts = np.unique(codes.astype(np.int64) * n_days + (days - first), return_counts=True)
    of_code, of_day = np.divmod(packed, n_days)
    is_first = np.append(True, of_code[1:] != of_code[:-1])[: len(of_code)]
    return Spread(of_code, of_day + first, counts.astype(np.int64), np.flatnonzero(is_first))


def day_text(day: int) -> str:
    """A day since 1970 as ISO 8601.

    >>> day_text(0), day_text(18_262)
    ('1970-01-01', '2020-01-01')
    """
    return date.fromordinal(_EPOCH + day).isoformat()


def _number_calendar(days: Int64s, kind: PeriodKind) -> Int64s:
    """The calendar period of each day, counted from an arbitrary one."""
    if kind == "week":
        return (days + _MONDAY) // 7
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months if kind == "month" else months // 3


def _join_small(sizes: Int64s, min_projects: int) -> Int32s:
    """The joined period of each calendar period, whose dated projects are `sizes`."""
    groups = np.zeros(len(sizes), dtype=np.int32)
    group = n_projects = 0
    for index, size in enumerate(sizes.tolist()):
        groups[index] = group
        n_projects += size
        if n_projects >= min_projects:
            group, n_projects = group + 1, 0
    return np.minimum(groups, max(group - 1, 0)).astype(np.int32)  # what is left over joins the last one


def _name_joined(numbers: Int64s, kind: PeriodKind) -> str:
    """The name of a joined period: its first and its last calendar period with projects."""
    first, last = (_name_calendar(int(number), kind) for number in (numbers[0], numbers[-1]))
    return first if first == last else f"{first}..{last}"


def _name_calendar(number: int, kind: PeriodKind) -> str:
    if kind == "week":
        year, week, _ = date.fromordinal(_EPOCH + number * 7 - _MONDAY).isocalendar()
        return f"{year}-W{week:02d}"
    if kind == "month":
        return f"{1970 + number // 12}-{number % 12 + 1:02d}"
    return f"{1970 + number // 4}-Q{number % 4 + 1}"

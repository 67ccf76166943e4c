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
    """Calendar periods, the early ones with too few projects joined to the next. of_day: the period of day first_day,
    first_day + 1 and so on (days since 1970). sizes: dated projects of each. names: `2020-02`, or `2020-02..2020-03`.
    """

    first_day: int
    of_day: Int32s
    sizes: Int64s
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sizes)

    def find(self, days: Int64s) -> Int32s:
        """The period of each day; there must be projects of that day."""
        return self.of_day[days - self.first_day] if len(days) else np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Spread:
    """On which days codes (of forms or tags) are used: one entry for each code and day, by code, then day.

    counts: uses of that code on that day. begins: the first entry of each code in use, `used` which code that is.
    """

    codes: Int64s
    days: Int64s
    counts: Int64s
    begins: Int64s

    @property
    def used(self) -> Int64s:
        return self.codes[self.begins]

    @property
    def ends(self) -> Int64s:
        """One behind the last entry of each code in use."""
        return np.append(self.begins[1:], len(self.codes))


def find_days(created_on: pa.ChunkedArray) -> Int32s:
    """Days since 1970 (UTC) of each project; UNDATED where it has no date."""
    us = np.asarray(pc.fill_null(created_on.cast(pa.int64()), 0))
    return np.where(np.asarray(created_on.is_valid()), us // _DAY_US, UNDATED).astype(np.int32)


def make_periods(days: Int32s, kind: PeriodKind, *, min_projects: int) -> Periods:
    """The periods of the dated projects among `days`.

    A period with fewer than min_projects is joined to the one that follows it, the last to the one before it. All of
    them are one period where there are fewer than that in all, and none where no project has a date.
    """
    dated = days[days != UNDATED].astype(np.int64)
    if not len(dated):
        return Periods(0, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64), ())
    first, last = int(dated.min()), int(dated.max())
    calendar = _number(np.arange(first, last + 1), kind)
    per_calendar = np.bincount(calendar[dated - first] - calendar[0])
    groups = _join(per_calendar, min_projects)
    sizes = np.bincount(groups, weights=per_calendar).astype(np.int64)
    used = np.flatnonzero(per_calendar)
    names = [_name(used[groups[used] == group] + calendar[0], kind) for group in range(len(sizes))]
    return Periods(first, groups[calendar - calendar[0]], sizes, tuple(names))


def spread_uses(codes: Int32s, days: Int32s) -> Spread:
    """The days of each code. codes, days: of every use; uses without a day are left out."""
    dated = days != UNDATED
    codes, days = codes[dated], days[dated]
    first, n_days = (int(days.min()), int(days.max()) - int(days.min()) + 1) if len(days) else (0, 1)
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


def _number(days: Int64s, kind: PeriodKind) -> Int64s:
    """The calendar period of each day, counted from an arbitrary one."""
    if kind == "week":
        return (days + _MONDAY) // 7
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months if kind == "month" else months // 3


def _join(sizes: Int64s, min_projects: int) -> Int32s:
    """The joined period of each calendar period."""
    groups = np.zeros(len(sizes), dtype=np.int32)
    group = n_projects = 0
    for at, size in enumerate(sizes.tolist()):
        groups[at] = group
        n_projects += size
        if n_projects >= min_projects:
            group, n_projects = group + 1, 0
    return np.minimum(groups, max(group - 1, 0)).astype(np.int32)  # what is left over has no next one


def _name(numbers: Int64s, kind: PeriodKind) -> str:
    """Of a joined period, by the first and the last calendar period with projects in it."""
    first, last = (_name_calendar(int(number), kind) for number in (numbers[0], numbers[-1]))
    return first if first == last else f"{first}..{last}"


def _name_calendar(number: int, kind: PeriodKind) -> str:
    if kind == "week":
        year, week, _ = date.fromordinal(_EPOCH + number * 7 - _MONDAY).isocalendar()
        return f"{year}-W{week:02d}"
    year, at = divmod(number if kind == "month" else number * 3, 12)
    return f"{1970 + year}-{at + 1:02d}" if kind == "month" else f"{1970 + year}-Q{at // 3 + 1}"

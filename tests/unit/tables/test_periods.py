"""The calendar in periods with enough projects."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from tagpipe.tables.periods import UNDATED, day_text, find_days, make_periods, spread_uses
from tagpipe.tables.schemas import TIMESTAMP


def days_of(*texts: str | None) -> np.ndarray:
    epoch = date(1970, 1, 1).toordinal()
    return np.array(
        [UNDATED if each is None else date.fromisoformat(each).toordinal() - epoch for each in texts], dtype=np.int32
    )


def describe(texts: list[str | None], kind: str, min_projects: int) -> list[tuple[str, int]]:
    days = days_of(*texts)
    periods = make_periods(days, kind, min_projects=min_projects)  # type: ignore[arg-type]
    dated = days[days != UNDATED]
    assert np.bincount(periods.find(dated.astype(np.int64)), minlength=len(periods)).tolist() == periods.sizes.tolist()
    return list(zip(periods.names, periods.sizes.tolist(), strict=True))


TEXTS = ["2020-02-29", "2020-03-01", "2020-03-31", "2020-05-01", "2020-05-02", "2020-12-31", "2021-01-01", None]


@pytest.mark.parametrize(
    ("kind", "min_projects", "expected"),
    [
        ("month", 1, [("2020-02", 1), ("2020-03", 2), ("2020-05", 2), ("2020-12", 1), ("2021-01", 1)]),
        ("month", 2, [("2020-02..2020-03", 3), ("2020-05", 2), ("2020-12..2021-01", 2)]),
        ("month", 3, [("2020-02..2020-03", 3), ("2020-05..2021-01", 4)]),
        ("month", 4, [("2020-02..2021-01", 7)]),  # the last two are too few, and join the one before
        ("month", 100, [("2020-02..2021-01", 7)]),
        ("quarter", 1, [("2020-Q1", 3), ("2020-Q2", 2), ("2020-Q4", 1), ("2021-Q1", 1)]),
        ("quarter", 2, [("2020-Q1", 3), ("2020-Q2", 2), ("2020-Q4..2021-Q1", 2)]),
        ("week", 1, [("2020-W09", 2), ("2020-W14", 1), ("2020-W18", 2), ("2020-W53", 2)]),
    ],
)
def test_small_periods_join_the_next_and_the_last_the_one_before(
    kind: str, min_projects: int, expected: list[tuple[str, int]]
) -> None:
    assert describe(TEXTS, kind, min_projects) == expected


def test_weeks_are_those_of_iso_8601() -> None:
    for text in ("1970-01-01", "2019-12-29", "2019-12-30", "2021-01-03", "2021-01-04", "2199-12-31"):
        year, week, _ = date.fromisoformat(text).isocalendar()
        assert describe([text], "week", 1) == [(f"{year}-W{week:02d}", 1)]


def test_without_dates_there_are_no_periods() -> None:
    assert describe([None, None], "month", 1) == []
    assert describe([], "month", 1) == []


def test_days_are_utc_and_null_has_none() -> None:
    times = [datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC), None]
    days = find_days(pa.chunked_array([pa.array(times, TIMESTAMP)]))
    assert days.tolist() == days_of("2020-01-01", "2020-01-01", None).tolist()
    assert day_text(int(days[0])) == "2020-01-01"
    assert find_days(pa.chunked_array([], TIMESTAMP)).tolist() == []


def test_uses_are_counted_by_code_and_day() -> None:
    codes = np.array([2, 0, 2, 2, 1, 0], dtype=np.int32)
    spread = spread_uses(codes, days_of("2020-01-02", "2020-01-05", "2020-01-02", "2020-01-01", None, "2020-01-05"))
    rows = zip(spread.codes.tolist(), map(day_text, spread.days.tolist()), spread.counts.tolist(), strict=True)
    assert list(rows) == [(0, "2020-01-05", 2), (2, "2020-01-01", 1), (2, "2020-01-02", 2)]
    assert spread.used.tolist() == [0, 2]
    assert spread.ends.tolist() == [1, 3]
    assert len(spread_uses(codes, np.full(6, UNDATED, dtype=np.int32)).used) == 0

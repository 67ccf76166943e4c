"""Times as sources write them: each is read by itself, whatever stands beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds import params_with

from tagpipe.steps.validate.check_rows import validate_projects
from tagpipe.steps.validate.read_projects import read_projects

modest = settings(max_examples=25, deadline=None, derandomize=True)
PARAMS = params_with(
    annotate={"normalize": True, "aliases": True, "exclude": [], "parents": "keep"},
    threshold={"min_projects": 1, "unlabeled": "drop"},
).validate_


def read_times(written: list[str | None]) -> list[datetime | str | None]:
    """For each text the moment that was read, or the reason why its row was rejected."""
    records = [{"id": at, "title": "t", "tags": [], "created_on": text} for at, text in enumerate(written)]
    records.append({"id": len(written), "title": "one good row", "tags": []})
    result = validate_projects(read_projects(json.dumps(records).encode(), ".json", PARAMS, file="f"), PARAMS, file="f")
    moments = {row["id"]: row["created_on"] for row in result.table.to_pylist()}
    reasons = {row["id"]: row["reason"] for row in result.rejected}
    return [moments[at] if at in moments else reasons[at] for at in range(len(written))]


MOMENTS = st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2199-12-30"))
OFFSETS = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
ODD = st.sampled_from(
    [
        "2020-02-30",
        "2020-13-01 00:00:00",
        "2020-01-01 24:00:00",
        "2020-01-01T10:00+05",
        "2020/01/01 10:00:00",
        "2020-01-01x10:00:00",
        "0001-01-01 00:00:00",
        "1969-12-31 23:59:59",
        "2200-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "999999-01-01",
        "now",
        "",
        " 2020-01-01",
        "2020-01-01 ",
        "２０２０-01-01",
        "2020-W01-1",
        "2020-01-01 00:00:00.123456789",
        "1677-09-21 00:12:43",
        "2262-04-12 00:00:00",
    ]
)


@st.composite
def written_times(draw: st.DrawFn) -> tuple[str, datetime]:
    """A moment in one of the forms of ISO 8601 that are read, and what it means."""
    moment = draw(MOMENTS)
    form = draw(st.sampled_from(["date", "minutes", "plain", "seconds", "millis", "micros"]))
    if form == "date":
        return moment.strftime("%Y-%m-%d"), datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if form == "plain":
        moment = moment.replace(microsecond=0)
        return moment.isoformat(sep=" "), moment.replace(tzinfo=UTC)
    spec = {"minutes": "minutes", "seconds": "seconds", "millis": "milliseconds", "micros": "microseconds"}[form]
    aware = moment.replace(tzinfo=draw(OFFSETS))
    text = aware.isoformat(sep=draw(st.sampled_from("T ")), timespec=spec)
    return text, datetime.fromisoformat(text).astimezone(UTC)


@modest
@given(st.lists(written_times(), min_size=1, max_size=5))
def test_times_mean_what_the_standard_library_says(times: list[tuple[str, datetime]]) -> None:
    assert read_times([text for text, _ in times]) == [moment for _, moment in times]


@modest
@given(st.lists(written_times().map(lambda pair: pair[0]) | ODD | st.none(), min_size=1, max_size=5))
def test_a_time_is_read_the_same_alone_and_among_others(written: list[str | None]) -> None:
    assert read_times(written) == [read_times([text])[0] for text in written]

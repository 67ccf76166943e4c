"""How old the published version and its sources are."""

from __future__ import annotations

from datetime import UTC, datetime

from tagpipe.history.freshness import measure_freshness
from tagpipe.history.lock import RecordedLock
from tagpipe.history.versions import RecordedVersion
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ReceivedSource, ValidationReport

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


def version(day: int, projects: str, vocabulary: str = "v") -> RecordedVersion:
    sources = {"projects": ReceivedSource(sha256=projects), "vocabulary": ReceivedSource(sha256=vocabulary)}
    reports = ValidationReport.model_construct(sources=sources), ThresholdReport.model_construct()
    return RecordedVersion(
        f"commit{day}", f"2026-03-{day:02}T12:00:00+00:00", "", RecordedLock(stages={}), *reports, ""
    )


def test_version_is_as_old_as_its_commit_and_a_source_as_its_last_change() -> None:
    ages = measure_freshness([version(1, "a"), version(4, "b"), version(9, "b")], NOW)
    assert [(age.what, age.age_days, age.commit, age.is_bounded) for age in ages] == [
        ("published version", 2.0, "commit9", False),
        ("projects as published", 7.0, "commit4", False),
        ("vocabulary as published", 10.0, "commit1", True),
    ]


def test_source_that_came_back_is_as_old_as_its_return() -> None:
    ages = measure_freshness([version(1, "a"), version(4, "b"), version(8, "a")], NOW)
    assert (ages[1].age_days, ages[1].is_bounded) == (3.0, False)


def test_commit_of_a_clock_that_is_ahead_is_not_younger_than_now() -> None:
    assert measure_freshness([version(12, "a")], NOW)[0].age_days == 0.0

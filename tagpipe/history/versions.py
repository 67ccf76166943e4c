"""The versions along a history: what each holds, and what differs from the one before."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tagpipe.errors import InputError, escape_shown
from tagpipe.history.lock import RecordedLock
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport
from tagpipe.tables.tag_counts import shown_tag


@dataclass(frozen=True)
class RecordedVersion:
    """What git has of one version."""

    commit: str
    committed_at: str
    """UTC, ISO 8601."""
    subject: str
    lock: RecordedLock
    validation: ValidationReport
    threshold: ThresholdReport
    tag_counts: str
    """The text of tag_counts.csv."""


@dataclass(frozen=True)
class LogRow:
    """One version, compared with the one before."""

    commit: str
    committed_at: str
    """UTC, ISO 8601."""
    subject: str
    content_sha256: str
    n_in: int
    """Rows received."""
    n_labeled: int
    n_tags_kept: int
    entered: tuple[str, ...]
    """Tags that are kept now and were not before, ascending; none in the first version."""
    left: tuple[str, ...]
    """Tags that were kept before, ascending."""
    causes: tuple[str, ...]
    """Which of projects, vocabulary, parameters and code differ; `first` in the first version."""


@dataclass(frozen=True)
class HistoryRow:
    """A tag in one version."""

    commit: str
    committed_at: str
    """UTC, ISO 8601."""
    n_projects: int | None
    """With the tag, before the cut; None if the version has not seen it."""
    is_kept: bool
    min_projects: int
    """The cut."""


def describe_versions(versions: Sequence[RecordedVersion]) -> list[LogRow]:
    """One row a version, in their order (the oldest first)."""
    return [_describe_version(before, version) for before, version in zip([None, *versions], versions, strict=False)]


def _describe_version(before: RecordedVersion | None, version: RecordedVersion) -> LogRow:
    kept = _kept_tags(version)
    kept_before = _kept_tags(before or version)
    return LogRow(
        commit=version.commit,
        committed_at=version.committed_at,
        subject=version.subject,
        content_sha256=version.threshold.content_sha256,
        n_in=version.threshold.projects.n_in,
        n_labeled=version.threshold.projects.n_labeled,
        n_tags_kept=version.threshold.tags.n_kept,
        entered=tuple(sorted(kept - kept_before)),
        left=tuple(sorted(kept_before - kept)),
        causes=_find_causes(before, version) if before else ("first",),
    )


def _kept_tags(version: RecordedVersion) -> frozenset[str]:
    return frozenset(tag for tag, _ in version.threshold.tags.kept)


def _find_causes(before: RecordedVersion, version: RecordedVersion) -> tuple[str, ...]:
    old, new = _list_inputs(before), _list_inputs(version)
    return tuple(name for name in new if old[name] != new[name])


def _list_inputs(version: RecordedVersion) -> dict[str, object]:
    return {
        "projects": version.validation.sources.get("projects"),
        "vocabulary": version.validation.sources.get("vocabulary"),
        "parameters": version.lock.params,
        "code": version.lock.code,
    }


def trace_tag(versions: Sequence[RecordedVersion], tag: str) -> list[HistoryRow]:
    """The support of a tag in each version, in their order. Raises InputError if none has seen it."""
    counts = [_read_counts(version) for version in versions]
    shown = shown_tag(tag)
    if not any(shown in of_version for of_version in counts):
        nearest = difflib.get_close_matches(shown, counts[-1], n=1) if counts else []
        raise InputError(
            f"none of {len(counts)} versions has seen this tag",
            field="TAG",
            found=escape_shown(tag),
            expected=f"a tag of the vocabulary, such as {escape_shown(nearest[0])}" if nearest else None,
            fix="Name a canonical tag; aliases are counted under it",
        )
    return [
        _trace_in_version(version, of_version.get(shown)) for version, of_version in zip(versions, counts, strict=True)
    ]


def _trace_in_version(version: RecordedVersion, row: Mapping[str, str] | None) -> HistoryRow:
    return HistoryRow(
        commit=version.commit,
        committed_at=version.committed_at,
        n_projects=int(row["n_projects"]) if row else None,
        is_kept=row is not None and row["kept"] == "true",
        min_projects=version.threshold.min_projects,
    )


def has_seen(version: RecordedVersion, tag: str) -> bool:
    """True if a project of the version has the tag, kept or not."""
    return shown_tag(tag) in _read_counts(version)


def _read_counts(version: RecordedVersion) -> dict[str, dict[str, str]]:
    """Tag as it is shown -> its row of tag_counts.csv."""
    return {row["tag"]: row for row in csv.DictReader(io.StringIO(version.tag_counts, newline=""))}

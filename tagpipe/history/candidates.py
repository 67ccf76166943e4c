"""Candidates along the versions of a history, for data without dates of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tagpipe.tables.reports.monitor import MonitorReport


@dataclass(frozen=True)
class MonitoredVersion:
    """A version and its monitor report."""

    commit: str
    committed_at: str
    """UTC, ISO 8601."""
    report: MonitorReport | None
    """None if the version has no report, or a damaged one."""


@dataclass(frozen=True)
class CandidateTrace:
    """A candidate in each version that has a report."""

    tag: str
    n_projects: tuple[int | None, ...]
    """Its projects, version by version; None where the report does not list it."""

    @property
    def last(self) -> int:
        """Its projects in the last version, 0 if that does not list it."""
        return self.n_projects[-1] or 0


def trace_candidates(versions: Sequence[MonitoredVersion]) -> list[CandidateTrace]:
    """Every candidate of any version: most projects in the last version first, then fewest in the versions before."""
    counts = [
        {candidate.tag: candidate.n_projects for candidate in version.report.candidates}
        for version in versions
        if version.report is not None
    ]
    tags = dict.fromkeys(tag for of_version in counts for tag in of_version)
    traces = [CandidateTrace(tag, tuple(of_version.get(tag) for of_version in counts)) for tag in tags]
    return sorted(traces, key=lambda trace: (-trace.last, [count or 0 for count in trace.n_projects], trace.tag))

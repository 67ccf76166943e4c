"""Candidates along the versions of a history, for data without dates of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tagpipe.tables.reports.monitor import MonitorReport


@dataclass(frozen=True)
class MonitoredVersion:
    """A version and what its monitor found; None where it has no report. committed_at: UTC, ISO 8601."""

    commit: str
    committed_at: str
    report: MonitorReport | None


@dataclass(frozen=True)
class CandidateTrace:
    """A candidate in each version that has a report: its projects, None where that does not list it."""

    tag: str
    n_projects: tuple[int | None, ...]

    @property
    def last(self) -> int:
        """Its projects in the last version, 0 where that does not list it."""
        return self.n_projects[-1] or 0


def trace_candidates(versions: Sequence[MonitoredVersion]) -> list[CandidateTrace]:
    """Every form that any version lists, by its projects in the last version, then by how little it had before."""
    reports = [version.report for version in versions if version.report is not None]
    counts = [{each.tag: each.n_projects for each in report.candidates} for report in reports]
    tags = dict.fromkeys(tag for of_version in counts for tag in of_version)
    traces = [CandidateTrace(tag, tuple(of_version.get(tag) for of_version in counts)) for tag in tags]
    return sorted(traces, key=lambda trace: (-trace.last, [count or 0 for count in trace.n_projects], trace.tag))

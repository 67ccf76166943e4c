"""What became of a dataset along git's history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tagpipe.history.candidates import CandidateTrace, MonitoredVersion
from tagpipe.history.candidates import trace_candidates as trace_candidates_in
from tagpipe.history.versions import HistoryRow, LogRow, describe_versions
from tagpipe.history.versions import trace_tag as trace_tag_in
from tagpipe.io.versions.history import read_monitored, read_versions

MAX_MONITORED_VERSIONS = 50


def list_versions(root: Path, revision: str = "HEAD", *, n_most: int) -> list[LogRow]:
    """The last `n_most` versions, the oldest first, each with what changed since the one before it."""
    # One version more than is shown: the oldest row is described by its difference, too.
    return describe_versions(read_versions(root, revision, n_most=n_most + 1))[-n_most:]


def trace_tag(root: Path, tag: str, revision: str = "HEAD", *, n_most: int) -> list[HistoryRow]:
    """The support of a tag in each of the last `n_most` versions, the oldest first."""
    return trace_tag_in(read_versions(root, revision, n_most=n_most), tag)


def trace_candidates(root: Path) -> tuple[Sequence[MonitoredVersion], list[CandidateTrace]]:
    """The last versions, the oldest first, and the monitor's candidates in each of them, the most used first."""
    versions = read_monitored(root, n_most=MAX_MONITORED_VERSIONS)
    return versions, trace_candidates_in(versions)

"""The versions in git's history: the commits that changed dvc.lock, with their reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tagpipe.errors import ConfigError, InputError, escape_shown
from tagpipe.history.candidates import MonitoredVersion
from tagpipe.history.versions import RecordedVersion
from tagpipe.io.git.commits import read_blobs
from tagpipe.io.repository.curation_files import STAGE as MONITOR
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.repository.programs import ask_git
from tagpipe.tables.reports.monitor import MonitorReport
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport


def read_versions(root: Path, revision: str = "HEAD", *, n_most: int) -> list[RecordedVersion]:
    """The last `n_most` versions along the history of `revision`, the oldest first.

    A commit whose reports are missing or damaged is left out: nobody has built it. Raises InputError if there is no
    such revision, or no version in its history.
    """
    return list(_iter_versions(root, _list_commits(root, revision, n_most=n_most)))[::-1]


def find_versions(root: Path, *, n_most: int) -> list[RecordedVersion]:
    """The versions that `read_versions` gives for HEAD; empty if there is no git, no commit or no version."""
    commits = _find_commits(root, "HEAD", n_most=n_most) if shutil.which("git") else None
    return list(_iter_versions(root, commits))[::-1] if commits else []


def read_monitored(root: Path, revision: str = "HEAD", *, n_most: int) -> list[MonitoredVersion]:
    """The last `n_most` versions along the history of `revision`, the oldest first, with their monitors' reports.

    Raises InputError as `read_versions` does.
    """
    commits = _list_commits(root, revision, n_most=n_most)[::-1]
    layout = repository_layout(root)
    blobs: dict[tuple[str, str], bytes | None] = {}
    path = ""
    if MONITOR in layout.stages:
        path = layout.path_of(*MonitorReport.OUTPUT)
        blobs = read_blobs(root, [(commit, path) for commit, *_ in commits])
    return [
        MonitoredVersion(commit, committed_at, _parse_monitoring(blobs.get((commit, path))))
        for commit, committed_at, _ in commits
    ]


def _parse_monitoring(data: bytes | None) -> MonitorReport | None:
    try:
        return MonitorReport.model_validate(json.loads(data or b"null"))
    except ValueError:  # pydantic's is one, too
        return None


class _Commit(NamedTuple):
    commit: str
    committed_at: str
    subject: str


def _list_commits(root: Path, revision: str, *, n_most: int) -> list[_Commit]:
    """The commits that changed dvc.lock, the newest first. Raises InputError if there is none."""
    commits = _find_commits(root, revision, n_most=n_most)
    if not commits:
        raise InputError(
            "is no revision of this repository" if commits is None else "no commit along its history changed dvc.lock",
            file=f"revision {escape_shown(revision)}",
            fix="Build with `tagpipe run` and commit dvc.lock and data/reports",
        )
    return commits


def _find_commits(root: Path, revision: str, *, n_most: int) -> list[_Commit] | None:
    """The commits that changed dvc.lock, the newest first; None if there is no such revision."""
    log = ask_git(
        root, "log", f"--max-count={n_most}", "--format=%H%x09%ct%x09%s", "--end-of-options", revision, "--", LOCK_FILE
    )
    if log is None:
        return None
    rows = (line.split("\t", 2) for line in log.split("\n") if line)  # a subject may hold other line breaks
    return [
        _Commit(commit, datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds"), subject)
        for commit, seconds, subject in rows
    ]


def _iter_versions(root: Path, commits: list[_Commit]) -> Iterator[RecordedVersion]:
    layout = repository_layout(root)
    paths = (
        LOCK_FILE,
        layout.path_of(*ValidationReport.OUTPUT),
        layout.path_of(*ThresholdReport.OUTPUT),
        layout.path_of("threshold", "tag_counts.csv"),
    )
    blobs = read_blobs(root, [(commit, path) for commit, *_ in commits for path in paths])
    for commit, committed_at, subject in commits:
        lock, validation, threshold, counts = (blobs[commit, path] for path in paths)
        if lock is None or validation is None or threshold is None or counts is None:
            continue
        try:
            version = RecordedVersion(
                commit,
                committed_at,
                subject,
                parse_lock(lock),
                ValidationReport.model_validate(json.loads(validation)),
                ThresholdReport.model_validate(json.loads(threshold)),
                counts.decode("utf-8"),
            )
        except (ValueError, ConfigError):  # pydantic's is a ValueError, too
            continue
        yield version

"""The versions that git has: the commits that changed dvc.lock, with their reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from tagpipe.errors import ConfigError, InputError, escape_shown
from tagpipe.history.candidates import MonitoredVersion
from tagpipe.history.versions import RecordedVersion, is_lock
from tagpipe.io.git.commits import read_blobs
from tagpipe.io.repository.curation_files import STAGE as MONITOR
from tagpipe.io.repository.dvc_lock import LOCK_FILE
from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.repository.programs import ask_git
from tagpipe.io.repository.yaml_file import parse_yaml
from tagpipe.tables.reports.monitor import MonitorReport
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport


def read_versions(root: Path, revision: str = "HEAD", *, n_most: int) -> list[RecordedVersion]:
    """The last `n_most` versions along the history of `revision`, the oldest first.

    A commit whose reports are missing or damaged is left out: nobody has built it. Raises InputError where there is
    no such revision, or no version in it.
    """
    return list(_iter_versions(root, _list_commits(root, revision, n_most=n_most)))[::-1]


def find_versions(root: Path, *, n_most: int) -> list[RecordedVersion]:
    """The last `n_most` versions as `read_versions` gives them; none where there is no git, no commit or no version."""
    log = _read_log(root, "HEAD", n_most=n_most) if shutil.which("git") else None
    return list(_iter_versions(root, log.split("\n")))[::-1] if log else []


def read_monitored(root: Path, revision: str = "HEAD", *, n_most: int) -> list[MonitoredVersion]:
    """The last `n_most` versions along the history of `revision`, the oldest first, with what their monitors found.

    Raises InputError as `read_versions` does.
    """
    commits = [line.split("\t", 2) for line in _list_commits(root, revision, n_most=n_most)]
    reports = _read_monitoring(root, [commit for commit, _, _ in commits])
    return [MonitoredVersion(commit, _utc(int(seconds)), reports[commit]) for commit, seconds, _ in commits][::-1]


def read_monitoring(root: Path, commit: str) -> MonitorReport | None:
    """What the monitor found in the version of a commit; None where that has no report, or a damaged one."""
    return _read_monitoring(root, [commit])[commit]


def _read_monitoring(root: Path, commits: list[str]) -> dict[str, MonitorReport | None]:
    layout = repository_layout(root)
    if MONITOR not in layout.stages:
        return dict.fromkeys(commits)
    path = layout.out(MONITOR, "monitor.json").relative_to(layout.root).as_posix()
    blobs = read_blobs(root, [(commit, path) for commit in commits])
    return {commit: _parse_monitoring(blobs[commit, path]) for commit in commits}


def _parse_monitoring(data: bytes | None) -> MonitorReport | None:
    try:
        return MonitorReport.model_validate(json.loads(data or b"null"))
    except ValueError:  # pydantic's is one, too
        return None


def _list_commits(root: Path, revision: str, *, n_most: int) -> list[str]:
    """`commit TAB seconds TAB subject` of the commits that changed dvc.lock, the newest first."""
    log = _read_log(root, revision, n_most=n_most)
    if not log:
        raise InputError(
            "no commit along its history changed dvc.lock" if log == "" else "is no revision of this repository",
            file=f"revision {escape_shown(revision)}",
            fix="Build with `tagpipe run` and commit dvc.lock and data/reports",
        )
    return log.split("\n")  # a subject may hold other line breaks


def _read_log(root: Path, revision: str, *, n_most: int) -> str | None:
    """The lines of `_list_commits`; empty without a version, None without such a revision."""
    return ask_git(
        root, "log", f"--max-count={n_most}", "--format=%H%x09%ct%x09%s", "--end-of-options", revision, "--", LOCK_FILE
    )


def _iter_versions(root: Path, lines: list[str]) -> Iterator[RecordedVersion]:
    layout = repository_layout(root)
    reports = [
        layout.out(stage, name).relative_to(layout.root).as_posix()
        for stage, name in (
            ("validate", "validation.json"),
            ("threshold", "threshold.json"),
            ("threshold", "tag_counts.csv"),
        )
    ]
    commits = [line.split("\t", 2) for line in lines]
    blobs = read_blobs(root, [(commit, path) for commit, _, _ in commits for path in (LOCK_FILE, *reports)])
    for commit, seconds, subject in commits:
        lock, validation, threshold, counts = (blobs[commit, path] for path in (LOCK_FILE, *reports))
        if lock is None or validation is None or threshold is None or counts is None:
            continue
        try:
            tree = parse_yaml(lock, file=LOCK_FILE)
            version = RecordedVersion(
                commit,
                _utc(int(seconds)),
                subject,
                tree,
                ValidationReport.model_validate(json.loads(validation)),
                ThresholdReport.model_validate(json.loads(threshold)),
                counts.decode("utf-8"),
            )
        except (ValueError, ConfigError):  # pydantic's is a ValueError, too
            continue
        if is_lock(tree):
            yield version


def _utc(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

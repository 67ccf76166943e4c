"""Load a dataset version, its summary, or what its monitor found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tagpipe.dataset.dataset import Dataset
from tagpipe.dataset.summary import Reports, Summary, summarize
from tagpipe.errors import ConfigError
from tagpipe.io.versions.read_whole import read_whole
from tagpipe.io.versions.version import Version, is_on_disk, open_version, read_content
from tagpipe.tables.reports.annotation import AnnotationReport
from tagpipe.tables.reports.monitor import MonitorReport
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport

T = TypeVar("T")


def load(path_or_repo: str | Path = ".", rev: str | None = None) -> Dataset:
    """Load the dataset version in the workspace of a dataset repository or in a folder written by `build`.

    rev: a git revision. The version is then read through DVC's cache and remote, and the repository may also be named
    by its address. What is returned is of one version and has the digests of its manifest. Raises ConfigError or
    InputError if there is no version, IntegrityError if it is damaged or a build is under way.
    """
    return _read(path_or_repo, rev, _read_dataset)


def load_summary(path: str | Path = ".") -> Summary:
    """The summary of what is at `path`, from its reports alone."""
    return summarize(_read(path, None, _read_reports))


def load_monitoring(path: str | Path = ".") -> MonitorReport:
    """The new-tag monitor's report of the dataset repository at `path`.

    Raises ConfigError, InputError or IntegrityError.
    """
    return _read(path, None, _read_monitoring)


def _read(path_or_repo: str | Path, rev: str | None, read: Callable[[Version], T]) -> T:
    if not is_on_disk(path_or_repo, rev):
        return read(open_version(path_or_repo, rev))
    return read_whole(Path(path_or_repo), lambda: read(open_version(path_or_repo)))


def _read_dataset(version: Version) -> Dataset:
    content = read_content(version)
    return Dataset(content.manifest, _read_reports(version), content.projects, content.tags)


def _read_monitoring(version: Version) -> MonitorReport:
    if version.layout.is_build:
        raise ConfigError(
            "has no report of the monitor: `tagpipe build` writes the dataset alone",
            file=str(version.layout.root),
            fix="Make a dataset repository with `tagpipe init`, and `tagpipe run` it",
        )
    return version.read_report(MonitorReport)


def _read_reports(version: Version) -> Reports:
    return Reports(
        version.read_report(ValidationReport),
        version.read_report(AnnotationReport),
        version.read_report(ThresholdReport),
    )

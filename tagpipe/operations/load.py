"""Load a dataset version, its summary, or what its monitor found."""

from __future__ import annotations

from pathlib import Path

from tagpipe.dataset.dataset import Dataset
from tagpipe.dataset.summary import Reports, Summary, summarize
from tagpipe.errors import ConfigError
from tagpipe.io.versions.version import Version, open_version
from tagpipe.tables.reports.annotation import AnnotationReport
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.monitor import MonitorReport
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport


def load(path_or_repo: str | Path = ".", rev: str | None = None) -> Dataset:
    """Load the dataset version in the workspace of a dataset repository or in a folder written by `build`.

    rev: a git revision. The version is then read through DVC's cache and remote, and the repository may also be named
    by its address. Raises ConfigError or InputError if there is no version.
    """
    version = open_version(path_or_repo, rev)
    return Dataset(
        version.read_report(Manifest),
        _read_reports(version),
        version.read_table("threshold/projects"),
        version.read_table("threshold/tags"),
    )


def load_summary(path: str | Path = ".") -> Summary:
    """The summary of what is at `path`, from its reports alone."""
    return summarize(_read_reports(open_version(path)))


def load_monitoring(path: str | Path = ".") -> MonitorReport:
    """The new-tag monitor's report of the dataset repository at `path`. Raises ConfigError or InputError."""
    version = open_version(path)
    if version.layout.is_build:
        raise ConfigError(
            "has no report of the monitor: `tagpipe build` writes the dataset alone",
            file=str(path),
            fix="Make a dataset repository with `tagpipe init`, and `tagpipe run` it",
        )
    return version.read_report(MonitorReport)


def _read_reports(version: Version) -> Reports:
    return Reports(
        version.read_report(ValidationReport),
        version.read_report(AnnotationReport),
        version.read_report(ThresholdReport),
    )

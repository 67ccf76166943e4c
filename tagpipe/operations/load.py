"""The Python API: load a dataset version, build one, ask why a project is labeled as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagpipe.dataset.dataset import Dataset
from tagpipe.dataset.summary import Summary, summarize
from tagpipe.errors import ConfigError
from tagpipe.io.versions.version import Version, open_version

if TYPE_CHECKING:
    from tagpipe.tables.monitor_report import Monitoring


def load(path_or_repo: str | Path = ".", rev: str | None = None) -> Dataset:
    """A dataset version: of a project's workspace or a directory written by `build` (rev None), or of a git
    repository (path or address) at revision `rev`, read through DVC's cache and remote.

    Raises ConfigError or InputError where there is none.
    """
    version = open_version(path_or_repo, rev)
    return Dataset(
        version.read_json("threshold", "manifest.json"),
        _read_reports(version),
        version.read_table("threshold/projects"),
        version.read_table("threshold/tags"),
    )


SUMMARIZED = {"validate": "validation", "annotate": "annotation", "threshold": "threshold"}


def load_summary(path: str | Path = ".") -> Summary:
    """The summary of what is at `path`, from its reports alone."""
    reports = _read_reports(open_version(path))
    return summarize(reports["validation"], reports["annotation"], reports["threshold"])


def load_monitoring(path: str | Path = ".") -> Monitoring:
    """What the new-tag monitor found in the version at `path`, a dataset project. Raises ConfigError or InputError."""
    from tagpipe.tables.monitor_report import load_monitoring as read_monitoring

    version = open_version(path)
    if version.layout.is_build:
        raise ConfigError(
            "has no report of the monitor: `tagpipe build` writes the dataset alone",
            file=str(path),
            fix="Make a project with `tagpipe init`, and `tagpipe run` it",
        )
    return read_monitoring(version.read_json("monitor", "monitor.json"))


def _read_reports(version: Version) -> dict[str, dict[str, Any]]:
    return {name: version.read_json(stage, f"{name}.json") for stage, name in SUMMARIZED.items()}

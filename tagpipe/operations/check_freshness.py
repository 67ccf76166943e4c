"""How fresh the published version is, and what its monitor found. Nothing is built: everything is read from git."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tagpipe.errors import Busy, ConfigError, SourceUnavailable
from tagpipe.history.freshness import Age, measure_freshness
from tagpipe.io.git.commits import find_commit
from tagpipe.io.git.remote import fetch_refs
from tagpipe.io.publication.refs import LOCAL_BRANCH, read_params_at
from tagpipe.io.repository.layout import Layout, repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.io.sources.upstream import check_upstream
from tagpipe.io.versions.history import read_monitored, read_versions
from tagpipe.tables.reports.monitor import MonitorReport

MAX_VERSIONS = 1_000


@dataclass(frozen=True)
class Freshness:
    """What is known of the published version."""

    ages: list[Age]
    """Of the version, then of each of its sources."""
    report: MonitorReport | None
    """What its new-tag monitor found; None if it has no report."""
    upstream: str
    """One line: what upstream has now, or why that is not known."""


def check_freshness(root: Path, now: datetime, *, command: str) -> Freshness:
    """Measure the published version, at its branch, and look upstream.

    command: what the lock names as its holder. Raises ConfigError, InputError or SourceUnavailable.
    """
    layout = repository_layout(root)
    published = _fetch_published(layout)
    ages = measure_freshness(read_versions(root, published, n_most=MAX_VERSIONS), now)
    monitored = read_monitored(root, ages[0].commit, n_most=1)[-1]
    return Freshness(ages, monitored.report, _describe_upstream(layout, published, command))


def _fetch_published(layout: Layout) -> str:
    """The ref that is published, once its remote was asked; HEAD if nothing has been published yet."""
    settings = read_params(layout.params_file).publish
    if settings.to == "local":
        return find_commit(layout.root, f"refs/heads/{LOCAL_BRANCH}") or "HEAD"
    fetch_refs(layout.root, settings.remote, settings.branch)
    return f"refs/remotes/{settings.remote}/{settings.branch}"


def _describe_upstream(layout: Layout, published: str, command: str) -> str:
    params = read_params_at(layout.root, published)
    try:
        with hold_run_lock(layout.scratch, command=command):
            pins = check_upstream(layout, params)
    except (Busy, ConfigError, SourceUnavailable) as error:
        return f"upstream was not looked at: {error.what}"
    moved = [name for name, (old, new) in pins.items() if old != new]
    return f"upstream has other {' and '.join(moved)} now" if moved else "upstream has nothing else now"

"""Say how fresh the published version is, and which tags are new outside its vocabulary, as a Prefect flow.

A version that nobody watches must not grow old unseen. Nothing is built: both are read from git.

python -m flows.monitor      # once, with no server
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.failures import keep_tracebacks_back, outlive_worker
from tagpipe.errors import DEFECT_EXIT_CODE, Busy, ConfigError, SourceUnavailable, TagpipeError
from tagpipe.history.freshness import Age, measure_freshness
from tagpipe.io.git.commits import find_commit
from tagpipe.io.git.remote import fetch_refs
from tagpipe.io.publication.refs import LOCAL_BRANCH, read_params_at
from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.io.sources.upstream import check_upstream
from tagpipe.io.versions.history import read_monitoring, read_versions
from tagpipe.render.monitor import markdown_monitoring, tabulate_candidates
from tagpipe.tables.reports.monitor import MonitorReport

FRESHNESS_KEY = "tagpipe-freshness"
AGES_KEY = "tagpipe-ages"
NEW_TAGS_KEY = "tagpipe-new-tags"
CANDIDATES_KEY = "tagpipe-new-tag-candidates"

MAX_VERSIONS = 1_000
MAX_CANDIDATES = 20
"""On the page; the table has all that the report lists."""


@flow(name="tagpipe-monitor", log_prints=False)
def monitor(root: str = ".") -> State[Any]:
    """Ages of the published version and of its sources, as a page and as a table."""
    keep_tracebacks_back()
    outlive_worker()
    folder = Path(root).resolve()
    try:
        ages = read_freshness(folder, datetime.now(UTC))
        found = read_monitoring(folder, ages[0].commit)
        upstream = tell_upstream(folder)
    except TagpipeError as error:
        return Failed(message=str(error), data=error)
    write_new_tags(found, ages[0].commit)
    page = f"{draw_freshness(ages)}\n{upstream}\n"
    create_markdown_artifact(key=FRESHNESS_KEY, markdown=page, description="How fresh the dataset is")
    create_table_artifact(key=AGES_KEY, table=[_make_row(age) for age in ages], description="Ages in days")
    return Completed(message=f"{tell_freshness(ages)}; {upstream}", data=ages)


def write_new_tags(found: MonitorReport | None, commit: str) -> None:
    """What the published version's monitor found, as a page and as a table; a page that says so where it has none."""
    if found is None:
        page = f"The published version (`{commit[:12]}`) has no report of the new-tag monitor.\n"
    else:
        page = markdown_monitoring(found, n_most=MAX_CANDIDATES)
        create_table_artifact(
            key=CANDIDATES_KEY, table=tabulate_candidates(found), description="Candidates for the vocabulary"
        )
    create_markdown_artifact(key=NEW_TAGS_KEY, markdown=page, description="Tags outside the vocabulary")


def read_freshness(root: Path, now: datetime) -> list[Age]:
    """Measure the published version at its branch. Raises ConfigError, InputError or SourceUnavailable."""
    return measure_freshness(read_versions(root, _find_published(root), n_most=MAX_VERSIONS), now)


def _find_published(root: Path) -> str:
    """The commit that is published, after asking its remote; HEAD where nothing has been published yet."""
    settings = read_params(repository_layout(root).params_file).publish
    if settings.to == "local":
        return find_commit(root, f"refs/heads/{LOCAL_BRANCH}") or "HEAD"
    fetch_refs(root, settings.remote, settings.branch)
    return f"refs/remotes/{settings.remote}/{settings.branch}"


def tell_upstream(root: Path) -> str:
    """One line: whether upstream has gone on since the published version, or why that is not known."""
    layout = repository_layout(root)
    params = read_params_at(root, _find_published(root))
    try:
        with hold_run_lock(layout.scratch, command="the flow tagpipe-monitor"):
            pins = check_upstream(layout, params)
    except (Busy, ConfigError, SourceUnavailable) as error:
        return f"upstream was not looked at: {error.what}"
    moved = [name for name, (old, new) in pins.items() if old != new]
    return f"upstream has other {' and '.join(moved)} now" if moved else "upstream has nothing else now"


def tell_freshness(ages: Sequence[Age]) -> str:
    """One line."""
    return "; ".join(f"{age.what}: {_days(age)}" for age in ages)


def draw_freshness(ages: Sequence[Age]) -> str:
    """The ages as a Markdown table."""
    rows = [f"| {age.what} | {_days(age)} | {age.since} | `{age.commit[:12]}` |" for age in ages]
    return "\n".join(["| | age | since (UTC) | commit |", "|---|---:|---|---|", *rows]) + "\n"


def _days(age: Age) -> str:
    return f"{'more than ' if age.is_bounded else ''}{age.age_days:.1f} days"


def _make_row(age: Age) -> dict[str, Any]:
    return {
        "what": age.what,
        "age_days": round(age.age_days, 2),
        "since": age.since,
        "commit": age.commit,
        "or older": age.is_bounded,
    }


def main() -> int:
    """Run the flow once; the ages are one line."""
    state = monitor(str(Path.cwd()), return_state=True)
    if state.is_completed():
        print(state.message)
        return 0
    error = state.result(raise_on_failure=False)
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code if isinstance(error, TagpipeError) else DEFECT_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())

"""Say how fresh the published version is, and which tags are new outside its vocabulary, as a Prefect flow.

    python -m flows.monitor      # once, with no server

A version that nobody watches must not grow old unseen. Nothing is built.
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

from flows.failures import keep_tracebacks_back, outlive_worker, print_outcome
from tagpipe.errors import TagpipeError
from tagpipe.history.freshness import Age
from tagpipe.operations.check_freshness import check_freshness
from tagpipe.render.monitor import markdown_monitoring, tabulate_candidates
from tagpipe.tables.reports.monitor import MonitorReport

FRESHNESS_KEY = "tagpipe-freshness"
AGES_KEY = "tagpipe-ages"
NEW_TAGS_KEY = "tagpipe-new-tags"
CANDIDATES_KEY = "tagpipe-new-tag-candidates"

MAX_CANDIDATES = 20
"""On the page; the table has every candidate of the report."""


@flow(name="tagpipe-monitor", log_prints=False)
def monitor(root: str = ".") -> State[Any]:
    """Write the ages of the published version and its sources, and its new tags, as pages and tables."""
    keep_tracebacks_back()
    outlive_worker()
    folder = Path(root).resolve()
    try:
        freshness = check_freshness(folder, datetime.now(UTC), command="the flow tagpipe-monitor")
    except TagpipeError as error:
        return Failed(message=str(error), data=error)
    ages = freshness.ages
    write_new_tags(freshness.report, ages[0].commit)
    page = f"{render_ages(ages)}\n{freshness.upstream}\n"
    create_markdown_artifact(key=FRESHNESS_KEY, markdown=page, description="How fresh the dataset is")
    create_table_artifact(key=AGES_KEY, table=[_make_row(age) for age in ages], description="Ages in days")
    return Completed(message=f"{list_ages(ages)}; {freshness.upstream}", data=ages)


def write_new_tags(report: MonitorReport | None, commit: str) -> None:
    """Write what the published version's monitor found as a page and a table, or a page that says it has no report."""
    if report is None:
        page = f"The published version (`{commit[:12]}`) has no report of the new-tag monitor.\n"
    else:
        page = markdown_monitoring(report, n_most=MAX_CANDIDATES)
        create_table_artifact(
            key=CANDIDATES_KEY, table=tabulate_candidates(report), description="Candidates for the vocabulary"
        )
    create_markdown_artifact(key=NEW_TAGS_KEY, markdown=page, description="Tags outside the vocabulary")


def list_ages(ages: Sequence[Age]) -> str:
    """The ages in one line."""
    return "; ".join(f"{age.what}: {_days(age)}" for age in ages)


def render_ages(ages: Sequence[Age]) -> str:
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
    return print_outcome(state, lambda _ages: str(state.message))


if __name__ == "__main__":
    sys.exit(main())

"""Build the dataset as a Prefect flow: one task a DVC stage, each `tagpipe run STAGE` in a process of its own.

    python -m flows.build        # once, with no server

The stages and their order come from DVC's own graph. One lock is held around all of them, so that no other build
gets between two stages.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.artifacts import list_tags
from flows.failures import ExpectedFailure, has_retries_left, keep_tracebacks_back, outlive_worker, print_outcome
from flows.run_command import CommandResult, run_command
from tagpipe.errors import SourceUnavailable, TagpipeError
from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.repository.lock import HeldLock, hold_run_lock
from tagpipe.io.repository.run_stage import LAST_ERROR, read_last_error
from tagpipe.io.runs.last_good import forget_begun
from tagpipe.operations.load import load_summary
from tagpipe.render.summary import markdown_summary

FETCH_RETRIES = 3
FETCH_RETRY_DELAYS_S = [10.0, 30.0, 90.0]

SUMMARY_KEY = "tagpipe-summary"
TAG_COUNTS_KEY = "tagpipe-tag-counts"


class StageFailed(ExpectedFailure):
    """A stage's own error in one line, with its exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, exit_code)
        self.message = message
        self.exit_code = exit_code

    def __str__(self) -> str:
        return self.message


def list_stages(root: Path) -> list[str]:
    """Names of the stages in DVC's graph, each after those that it depends on."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        graph = repo.index.graph  # an edge leads from a stage to one that it depends on
        stages = sorted(graph, key=lambda stage: stage.addressing)  # so that the order is the same every time
        order = TopologicalSorter({stage: graph[stage] for stage in stages}).static_order()
        return [str(stage.name) for stage in order]  # an addressing would be relative to where we are


@task(
    task_run_name="{stage}",
    retry_condition_fn=lambda _task, _run, state: _may_pass(state.result(raise_on_failure=False)),
)
def run_stage(stage: str, root: str, environment: dict[str, str], fds: tuple[int, ...]) -> State[Any]:
    """Bring one stage up to date; the name of the completed state is Ran, Cached or Skipped.

    A failure is a failed state with the stage's own one-line error. It is raised only to be retried, where the
    source was unavailable: Prefect logs a traceback of whatever is raised and not retried.
    """
    try:
        status = _run_command(stage, Path(root), environment, fds)
    except StageFailed as failure:
        if _may_pass(failure) and has_retries_left():
            raise
        return Failed(message=failure.message, data=failure)
    return Completed(name=status.title(), message=f"{stage}: {status}")


@flow(name="tagpipe-build", log_prints=False)
def build(root: str = ".") -> dict[str, str] | State[Any]:
    """Run every stage of the dataset repository at `root`; stage -> ran, cached or skipped.

    An expected failure (a stage's, or Busy) is a failed state whose data is the error.
    """
    keep_tracebacks_back()
    outlive_worker()
    folder = Path(root).resolve()
    try:
        layout = repository_layout(folder)
        with hold_run_lock(layout.scratch, command="the flow tagpipe-build") as lock:
            statuses = {stage: _run_task(stage, folder, lock) for stage in list_stages(folder)}
            forget_begun(layout)
            publish_artifacts(folder)
    except (StageFailed, TagpipeError) as error:
        return Failed(message=str(error), data=error)
    return statuses


def _run_task(stage: str, root: Path, lock: HeldLock) -> str:
    """What DVC did for the stage. Raises StageFailed."""
    retries = FETCH_RETRIES if stage == "fetch" else 0
    named = run_stage.with_options(name=stage, retries=retries, retry_delay_seconds=FETCH_RETRY_DELAYS_S)
    state = named(stage, str(root), lock.environment, (lock.fd,), return_state=True)
    if not state.is_completed():
        failure = state.result(raise_on_failure=False)
        raise failure if isinstance(failure, Exception) else StageFailed(str(state.message), 1)
    return str(state.name).lower()


def _may_pass(failure: object) -> bool:
    """True if what failed may succeed the next time, which a defect never does."""
    return isinstance(failure, StageFailed) and failure.exit_code == SourceUnavailable.exit_code


def _run_command(stage: str, root: Path, environment: Mapping[str, str], fds: tuple[int, ...]) -> str:
    """Run `tagpipe run STAGE`, its lines streamed into the run's log; returns what DVC did for that stage.

    Called under the lock: the last error that is removed belongs to an ended run, and one that is there afterwards
    to this one.
    """
    (repository_layout(root).scratch / LAST_ERROR).unlink(missing_ok=True)
    command = [sys.executable, "-m", "tagpipe", "run", stage, "--json"]
    result = run_command(command, cwd=root, environment=environment, fds=fds)
    if result.exit_code != 0:
        raise StageFailed(_describe_failure(root, stage, result), result.exit_code)
    runs = {run["stage"]: run["status"] for run in json.loads(result.stdout)["stages"]}
    return str(runs[stage])


def _describe_failure(root: Path, stage: str, result: CommandResult) -> str:
    failed, error = read_last_error(repository_layout(root).scratch) or (None, None)
    if error is not None and (failed, error.exit_code) == (stage, result.exit_code):
        return f"{stage}: {error.headline}"
    return f"{stage}: exit code {result.exit_code}: {result.last_line}"


def publish_artifacts(root: Path) -> None:
    """Write the summary as Markdown and the tag counts as a table; each run adds a version under the same key."""
    summary = load_summary(root)
    create_markdown_artifact(key=SUMMARY_KEY, markdown=markdown_summary(summary), description="The dataset version")
    create_table_artifact(key=TAG_COUNTS_KEY, table=list_tags(summary), description="Kept tags, by projects")


def main() -> int:
    """Run the flow once; an expected failure is one line and the stage's exit code."""
    state = build(str(Path.cwd()), return_state=True)
    return print_outcome(state, lambda statuses: ", ".join(f"{stage} {status}" for stage, status in statuses.items()))


if __name__ == "__main__":
    sys.exit(main())

"""Follow upstream as a Prefect flow: look, build beside the published version, publish it by one ref update, or not.

    python -m flows.publish      # once, with no server

`tagpipe.operations.publish.publish` does the work, in a process of its own; this module gives it states, retries,
artifacts and an event. Two runs are kept apart by the dataset repository's lock, and the second one ends at once as
Busy: a Prefect concurrency limit would stay taken for minutes after a kill.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.announcements import announce
from flows.artifacts import write_artifacts
from flows.failures import ExpectedFailure, has_retries_left, keep_tracebacks_back, outlive_worker, print_outcome
from flows.publish_once import parse_answer
from flows.run_command import run_command
from tagpipe.errors import Busy, SourceUnavailable, TagpipeError
from tagpipe.operations.publish import Publication
from tagpipe.render.text import visible

RETRY_DELAYS_S = (30.0, 120.0, 300.0)
"""On top of `source.download.attempts`, the tries within one run: a source that restarts is back by then."""

CODE_ROOT = Path(__file__).resolve().parents[1]


class DatasetRefused(ExpectedFailure):
    """A gate failed: nothing was published, and a person is to look at the candidate."""

    exit_code = 1

    def __init__(self, publication: Publication) -> None:
        super().__init__(publication)
        self.publication = publication

    def __str__(self) -> str:
        return self.publication.reason


Outcome = Publication | TagpipeError | ExpectedFailure


@task(
    name="publish",
    task_run_name="look upstream, build, judge, publish",
    retry_condition_fn=lambda _task, _run, state: isinstance(state.result(raise_on_failure=False), SourceUnavailable),
)
def publish_once(root: str) -> State[Any]:
    """One try. An expected error is a failed state, raised only to be retried: Prefect logs tracebacks of the rest."""
    outcome = _run_process(root)
    if isinstance(outcome, SourceUnavailable) and has_retries_left():
        raise outcome
    return make_state(outcome)


@task(task_run_name="{stage}")
def show_stage(stage: str, status: str) -> State[Any]:
    """What DVC did for a stage of the candidate, for people to see; it was done in `publish_once`."""
    return Completed(name=status.title(), message=f"{stage}: {status}")


@flow(name="tagpipe-publish", log_prints=False)
def publish(root: str = ".", retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S) -> State[Any]:
    """Look upstream and publish what has changed in the dataset repository at `root`, as `publish` in params.yaml says.

    Ends as Unchanged, Published, Proposed or Busy (completed), as Refused (failed: a person is to look at the
    candidate), or as Failed with one line. Only an unavailable source is tried again, after each of `retry_delays_s`.
    """
    keep_tracebacks_back()
    outlive_worker()
    folder = Path(root).resolve()
    with_retries = publish_once.with_options(retries=len(retry_delays_s), retry_delay_seconds=list(retry_delays_s) or 0)
    outcome = _unwrap(with_retries(str(folder), return_state=True))
    if isinstance(outcome, Publication):
        _report(folder, outcome)
    return make_state(outcome)


def make_state(outcome: Outcome) -> State[Any]:
    """The state that tells people and automations what happened, in its name and one line."""
    match outcome:
        case Publication(outcome="refused"):
            return Failed(name="Refused", message=outcome.reason, data=DatasetRefused(outcome))
        case Publication():
            return Completed(name=outcome.outcome.title(), message=outcome.reason, data=outcome)
        case Busy():
            return Completed(name="Busy", message=str(outcome), data=outcome)
        case _:
            return Failed(message=str(outcome), data=outcome)


def _run_process(root: str) -> Outcome:
    result = run_command([sys.executable, "-m", "flows.publish_once", root], cwd=CODE_ROOT)
    answer = parse_answer(result.exit_code, result.stdout)
    return answer or ExpectedFailure(f"publish: exit code {result.exit_code}: {result.last_line}")


def _unwrap(state: State[Any]) -> Outcome:
    """The outcome in the task's state, or a failure in place of the exception of a task that crashed."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, DatasetRefused):
        return result.publication
    return result if isinstance(result, Outcome) else ExpectedFailure(f"publish: {state.message}")


def _report(root: Path, publication: Publication) -> None:
    """Event, stages and artifacts. What is published is published: a report that cannot be made is a warning."""
    try:
        announce(root, publication)
        for done in publication.stages:
            show_stage.with_options(name=done.stage)(done.stage, done.status, return_state=True)
        write_artifacts(root, publication)
    except Exception as error:  # noqa: BLE001 - the server may be gone; the next run announces what this one could not
        get_run_logger().warning("not everything could be reported: %s", visible(str(error))[:300])


def main() -> int:
    """Run the flow once; the outcome is one line, and the exit code that `tagpipe publish` has for it."""
    state = publish(str(Path.cwd()), return_state=True)
    return print_outcome(state, lambda publication: f"{publication.outcome}: {publication.reason}")


if __name__ == "__main__":
    sys.exit(main())

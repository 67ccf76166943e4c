"""Expected failures: one line in a state, and no traceback in the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.logging.handlers import PrefectConsoleHandler

from tagpipe.errors import DEFECT_EXIT_CODE, TagpipeError


class ExpectedFailure(Exception):
    """An error that the state of a flow run tells in one line."""

    exit_code = DEFECT_EXIT_CODE
    """Of the flow where it is run as a command."""


def print_outcome(state: State[Any], describe: Callable[[Any], str]) -> int:
    """Print in one line how a flow ended, and return its exit code. describe: called with the result of a success."""
    outcome = state.result(raise_on_failure=False)
    if not isinstance(outcome, Exception):
        print(describe(outcome))
        return 0
    print(f"error: {outcome}", file=sys.stderr)
    return outcome.exit_code if isinstance(outcome, ExpectedFailure | TagpipeError) else DEFECT_EXIT_CODE


def has_retries_left() -> bool:
    """True if the running task would be retried if it failed."""
    context = TaskRunContext.get()
    return context is not None and context.task_run.run_count <= context.task.retries


class _NoTraceback(logging.Filter):
    """Drops the traceback of an expected failure, and the `NoneType: None` of a record that has no exception."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        if kind is None:
            record.exc_info = None
            return True
        return not issubclass(kind, ExpectedFailure | TagpipeError)


_NO_TRACEBACK = _NoTraceback()


def keep_tracebacks_back() -> None:
    """Keep tracebacks of expected failures out of the log of this process's runs.

    prefect 3.8 raises the data of a failed state after the flow has ended, and logs sixty lines of its own engine as
    `Engine execution exited with unexpected exception`.
    """
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_NO_TRACEBACK)


def outlive_worker() -> None:
    """Let this process finish after its worker was killed.

    The console log then goes to a broken pipe, and rich 14 raises SystemExit over it: the work would be done, but its
    state, artifacts and event never sent. Nothing is lost by silencing the console, for the server gets the log, too.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.console.on_broken_pipe = partial(setattr, handler.console, "quiet", True)  # type: ignore[method-assign]

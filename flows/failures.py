"""Failures that are expected: one line in a state, no traceback in the log, and no end because nobody reads it."""

from __future__ import annotations

import logging
from functools import partial

from prefect.context import TaskRunContext
from prefect.logging.handlers import PrefectConsoleHandler

from tagpipe.errors import TagpipeError


class ExpectedFailure(Exception):
    """What a flow's own state tells in one line."""


def has_retries_left() -> bool:
    """Whether the task that is running would be run again if it failed."""
    context = TaskRunContext.get()
    return context is not None and context.task_run.run_count <= context.task.retries


class _NoTraceback(logging.Filter):
    """Keeps back the traceback of an expected failure, and `NoneType: None` where there is none to show."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        if kind is None:
            record.exc_info = None
            return True
        return not issubclass(kind, ExpectedFailure | TagpipeError)


_NO_TRACEBACK = _NoTraceback()


def keep_tracebacks_back() -> None:
    """For this process's runs. prefect 3.8 raises the data of a failed state when the flow has long ended, and logs
    sixty lines of its own engine under `Engine execution exited with unexpected exception`."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_NO_TRACEBACK)


def outlive_worker() -> None:
    """For this process: a worker that was killed has left a broken pipe where the log goes, and rich 14 ends a program
    over one (SystemExit), here with its work done, and its state, artifacts and event untold. The log goes to the
    server as well."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.console.on_broken_pipe = partial(setattr, handler.console, "quiet", True)  # type: ignore[method-assign]

"""`tagpipe run` and DVC in this process, for tests that need what they do and not that they are processes.

A process of DVC's takes a second to start, and one of a stage almost as long; a run starts seven of them. Here the
command lines of DVC and tagpipe are called, and where DVC would start a stage, the stage is called. Everything else is
as it is in a real run: dvc.lock, DVC's cache, run cache and locks, what is printed, exit codes.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support.commands import Ended
from tagpipe.cli import main as tagpipe_main
from tagpipe.errors import TagpipeError
from tagpipe.io.repository import programs
from tagpipe.io.repository.lock import HeldLock
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.io.runs import last_good, rebuild, run_dvc

STAGE = "python -m tagpipe.stages."
run_program = programs.run_program


def build(root: Path) -> None:
    """`tagpipe run`."""
    ended = run_tagpipe(root, "run")
    assert ended.exit_code == 0, ended.stderr


def run_tagpipe(folder: Path, *arguments: str) -> Ended:
    """`tagpipe ARGUMENT...`."""
    out, err = io.StringIO(), io.StringIO()
    with runs_in_process():
        ended = _call_tagpipe(folder, arguments, os.environ, out, err)
    return Ended(ended[0], out.getvalue(), err.getvalue(), ended[1])


def dvc(root: Path, *arguments: str) -> str:
    """What `dvc ARGUMENT...` prints; it must work."""
    out, err = io.StringIO(), io.StringIO()
    exit_code = _call_dvc(root, arguments, os.environ, out, err)
    assert exit_code == 0, err.getvalue()
    return out.getvalue()


@contextmanager
def runs_in_process() -> Iterator[None]:
    """In the block, DVC, its stages and `tagpipe run` in other work trees are called, not started."""
    with ExitStack() as patches:
        for module in (programs, rebuild):
            patches.enter_context(patch.object(module, "run_program", _run_program))
        for module in (run_dvc, last_good):
            patches.enter_context(patch.object(module, "start_dvc", _start_dvc))
        yield


def _run_program(
    command: Sequence[str], root: Path, *, environment: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """As `run_program`. A work tree that has a tagpipe of its own needs a process of its own."""
    if list(command[:2]) != [sys.executable, "-m"] or (root / "tagpipe").exists():
        return run_program(command, root, environment=environment, **options)
    out, err = io.StringIO(), io.StringIO()
    surroundings = os.environ if environment is None else environment
    if command[2] == "dvc":
        exit_code = _call_dvc(root, command[3:], surroundings, out, err)
    else:
        assert command[2] == "tagpipe", command
        exit_code, _ = _call_tagpipe(root, command[3:], surroundings, out, err)
    return subprocess.CompletedProcess(command, exit_code, out.getvalue().encode(), err.getvalue().encode())


class EndedProcess:
    """What `start_dvc` gives, after all of it was printed."""

    def __init__(self, exit_code: int, printed: str) -> None:
        self.stdout = io.StringIO(printed)
        self.exit_code = exit_code

    def wait(self) -> int:
        return self.exit_code


def _start_dvc(root: Path, *arguments: str, lock: HeldLock) -> EndedProcess:
    both = io.StringIO()
    exit_code = _call_dvc(root, arguments, {**os.environ, **lock.environment}, both, both)
    return EndedProcess(exit_code, both.getvalue())


@contextmanager
def _as_a_process(root: Path, environment: Mapping[str, str], out: io.StringIO, err: io.StringIO) -> Iterator[None]:
    with (
        warnings.catch_warnings(action="ignore"),  # in a process of its own they concern nobody
        chdir(root),
        patch.dict(os.environ, dict(environment), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        yield


def _call_tagpipe(
    root: Path, arguments: Sequence[str], environment: Mapping[str, str], out: io.StringIO, err: io.StringIO
) -> tuple[int, TagpipeError | None]:
    with _as_a_process(root, environment, out, err), patch.object(sys, "argv", ["tagpipe", *arguments]):
        try:
            tagpipe_main()
        except SystemExit as ended:
            cause = ended.__context__
            return int(ended.code or 0), cause if isinstance(cause, TagpipeError) else None
    return 0, None


def _call_dvc(
    root: Path, arguments: Sequence[str], environment: Mapping[str, str], out: io.StringIO, err: io.StringIO
) -> int:
    from dvc.cli import main as dvc_main
    from dvc.ui import ui

    with (
        _as_a_process(root, environment, out, err),
        patch("dvc.stage.run._run", _call_stage),
        patch.object(ui, "enable"),
        _logged_to(out, err),
    ):
        return int(dvc_main(list(arguments)))


@contextmanager
def _logged_to(out: io.StringIO, err: io.StringIO) -> Iterator[None]:
    """DVC's loggers write to what standard output and error were when DVC was imported, which may be closed by now."""
    loggers = [logging.getLogger(name) for name in ("dvc", "dvc_objects", "dvc_data")]
    handlers = {handler for logger in loggers for handler in logger.handlers}
    with ExitStack() as patches:
        for handler in handlers:
            if isinstance(handler, logging.StreamHandler):
                stream = err if handler.level >= logging.WARNING else out
                patches.enter_context(patch.object(handler, "stream", stream))  # setStream would flush a closed one
        yield


def _call_stage(_shell: str | None, command: str, **surroundings: Any) -> None:
    from dvc.stage.exceptions import StageCmdFailedError

    assert command.startswith(STAGE), command
    name = command.removeprefix(STAGE)
    work: Callable[..., str] = getattr(importlib.import_module(f"tagpipe.stages.{name}"), name)
    with chdir(surroundings["cwd"]):
        exit_code = run_stage(name, work)
    if exit_code:
        raise StageCmdFailedError(command, exit_code)

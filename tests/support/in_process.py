"""`tagpipe run` and DVC in this process, for tests that need what they do and not that they are processes.

A process of DVC's takes a second to start, and one of a stage almost as long; a run starts seven of them. Here DVC's
own command line is called, and where it would start a stage, the stage is called. Everything else is as it is in a
real run: dvc.lock, DVC's cache, run cache and locks, what is said, exit codes.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from support.commands import Ended
from tagpipe.cli import main
from tagpipe.io.repository.layout import Layout, project_layout
from tagpipe.io.repository.lock import ENVIRONMENT, HeldLock
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.io.repository.secrets import without_tokens
from tagpipe.io.runs import last_good, rebuild, run_dvc
from tagpipe.io.runs.reproduce import reproduce
from tagpipe.io.runs.run_dvc import StageRun
from tagpipe.operations import publish

STAGE = "python -m tagpipe.stages."


class EndedProcess:
    """What `start_dvc` gives, when all of it has been said."""

    def __init__(self, exit_code: int, said: str) -> None:
        self.stdout = io.StringIO(said)
        self.exit_code = exit_code

    def wait(self) -> int:
        return self.exit_code


def call_dvc(root: Path, arguments: Sequence[str], environment: Mapping[str, str] = {}) -> tuple[int, str]:
    """(exit code, what is said) of `dvc ARGUMENT...`; its stages are called, too."""
    from dvc.cli import main as dvc_main
    from dvc.ui import ui

    said = io.StringIO()
    with (
        warnings.catch_warnings(action="ignore"),  # in a process of its own they are nobody's
        chdir(root),
        patch.dict(os.environ, environment),
        patch("dvc.stage.run._run", _call_stage),
        patch.object(ui, "enable"),
        _logged_to(said),
        redirect_stdout(said),
        redirect_stderr(said),
    ):
        exit_code = dvc_main(list(arguments))
    return exit_code, said.getvalue()


@contextmanager
def _logged_to(said: io.StringIO) -> Iterator[None]:
    """DVC's loggers write where standard output was when DVC was imported."""
    handlers = {handler for name in ("dvc", "dvc_objects", "dvc_data") for handler in logging.getLogger(name).handlers}
    before = [(handler, handler.setStream(said)) for handler in handlers if isinstance(handler, logging.StreamHandler)]
    try:
        yield
    finally:
        for handler, stream in before:
            handler.setStream(stream)


def _call_stage(_shell: str | None, command: str, **surroundings: Any) -> None:
    from dvc.stage.exceptions import StageCmdFailedError

    assert command.startswith(STAGE), command
    name = command.removeprefix(STAGE)
    work = getattr(importlib.import_module(f"tagpipe.stages.{name}"), name)
    with chdir(surroundings["cwd"]):
        exit_code = run_stage(name, work)
    if exit_code:
        raise StageCmdFailedError(command, exit_code)


def _start_dvc(layout: Layout, arguments: list[str], lock: HeldLock) -> EndedProcess:
    return EndedProcess(*call_dvc(layout.root, arguments, lock.environment))


def _run_there(tree: Path) -> tuple[StageRun, ...]:
    """`tagpipe run` of the installed tagpipe: only a project of `tagpipe init` may be built so."""
    assert not (tree / "tagpipe").exists()
    environment = {name: value for name, value in without_tokens().items() if name != ENVIRONMENT}
    with patch.dict(os.environ, environment, clear=True), chdir(tree):
        return tuple(reproduce(project_layout(tree), None, echo=lambda _line: None))


@contextmanager
def runs_in_process() -> Iterator[None]:
    """In the block, nothing of a run is a process of its own, in other work trees neither."""
    with ExitStack() as patches:
        for module in (run_dvc, last_good):
            patches.enter_context(patch.object(module, "start_dvc", _start_dvc))
        for module in (rebuild, publish):
            patches.enter_context(patch.object(module, "run_there", _run_there))
        yield


def build(root: Path) -> None:
    """`tagpipe run`."""
    ended = run_tagpipe(root, "run")
    assert ended.exit_code == 0, ended.stderr


def dvc(root: Path, *arguments: str) -> str:
    """What `dvc ARGUMENT...` says; it must work."""
    exit_code, said = call_dvc(root, arguments)
    assert exit_code == 0, said
    return said


def run_tagpipe(folder: Path, *arguments: str) -> Ended:
    """`tagpipe ARGUMENT...` by its real entry point, and the runs that it starts, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        runs_in_process(),
        warnings.catch_warnings(action="ignore"),
        chdir(folder),
        patch.object(sys, "argv", ["tagpipe", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())

"""Real commands in a folder of a test, with the tools of this Python, and programs that run beside the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest


def run(root: Path, *command: str) -> str:
    """Standard output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(root: Path, *arguments: str) -> str:
    """Standard output, without white space around it."""
    return run(root, "git", *arguments).strip()


def commit(root: Path, subject: str) -> str:
    """Everything as a commit; its id."""
    git(root, "add", "-A")
    git(root, "commit", "-qm", subject)
    return git(root, "rev-parse", "HEAD")


def add_hook(root: Path, name: str, command: str) -> Path:
    """A hook that runs the command and leaves its exit code in the file that is returned."""
    log = root.parent / f"{name}.log"
    hook = root / git(root, "rev-parse", "--git-common-dir") / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n{command} >"{log}" 2>&1\necho "exit $?" >>"{log}"\nexit 0\n', encoding="utf-8")
    hook.chmod(0o755)
    return log


class Start(Protocol):
    def __call__(self, command: Sequence[str], folder: Path, **options: Any) -> subprocess.Popen[str]: ...


def start_programs() -> Iterator[Start]:
    """A function that starts programs. In the end, however the test ends, they are killed with all that they started,
    and reaped: a Popen that nobody has waited for is a ResourceWarning in some later test."""
    started: list[subprocess.Popen[str]] = []

    def start(command: Sequence[str], folder: Path, **options: Any) -> subprocess.Popen[str]:
        # A shell ignores SIGINT for what it starts in the background, which programs inherit; handlers they do not.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            started.append(subprocess.Popen(command, cwd=folder, text=True, **options))
        finally:
            signal.signal(signal.SIGINT, before)
        return started[-1]

    yield start
    for process in started:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Kill a program with all that it started, unless it has ended, and reap it."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family)
    with process:  # closes its pipes
        pass


# DVC 3.67 never closes the repository of a clone and leaves files of a revision to the collector.
OPENS_REVISIONS = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected"),
]

"""Run a command in a process of its own, with its standard error streamed into the log of the flow run."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from prefect import get_run_logger

from tagpipe.io.repository.git_variables import without_git_variables
from tagpipe.render.text import visible

STOP_TIMEOUT_S = 30.0
"""How long an interrupted command may take to clean up before it is killed."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended."""

    exit_code: int
    stdout: str
    last_line: str
    """The last line of its standard error; after an error, the line that begins the error."""


def run_command(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None, fds: tuple[int, ...] = ()
) -> CommandResult:
    """Run a command to its end; if the flow run is cancelled meanwhile, interrupt it, and wait."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**without_git_variables(os.environ), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=fds,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    stdout: list[str] = []
    with _interrupting(process):
        # A thread, because a process whose full pipe nobody reads never ends.
        reader = threading.Thread(target=_read_all, args=(process.stdout, stdout), daemon=True)
        reader.start()
        last_line = _stream(process.stderr)
        reader.join()
        return CommandResult(process.wait(), "".join(stdout), last_line)


@contextmanager
def _interrupting(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _read_all(stream: IO[str], into: list[str]) -> None:
    into.append(stream.read())
    stream.close()


def _stream(stream: IO[str]) -> str:
    """Log every line; return the last one, or the last that begins an error, since its details follow it."""
    logger = get_run_logger()
    last = ""
    with stream:
        for line in stream:
            shown = visible(line.rstrip("\n"))
            logger.info(shown)
            if shown.startswith("error: ") or (shown and not last.startswith("error: ")):
                last = shown
    return last

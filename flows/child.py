"""A command in a process of its own: what it says is streamed into the run's log, what it answers is returned."""

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

from tagpipe.render.text import visible

STOP_TIMEOUT_S = 30.0
"""How long an interrupted command may take to put things right, before it is killed."""


@dataclass(frozen=True)
class Ended:
    """How a command ended. answer: its standard output. last_line: the last thing it said, or the last error."""

    exit_code: int
    answer: str
    last_line: str


def run_child(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None, fds: tuple[int, ...] = ()
) -> Ended:
    """Run a command to its end. A run that is cancelled meanwhile interrupts it, and waits."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
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
    answer: list[str] = []
    with _interrupted_at_the_end(process):
        reader = threading.Thread(target=_read_all, args=(process.stdout, answer), daemon=True)
        reader.start()
        last_line = _stream(process.stderr)
        reader.join()
        return Ended(process.wait(), "".join(answer), last_line)


@contextmanager
def _interrupted_at_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
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
    """Log every line; the last one is returned, or the last that begins an error, for its details follow it."""
    logger = get_run_logger()
    last = ""
    with stream:
        for line in stream:
            shown = visible(line.rstrip("\n"))
            logger.info(shown)
            if shown.startswith("error: ") or (shown and not last.startswith("error: ")):
                last = shown
    return last

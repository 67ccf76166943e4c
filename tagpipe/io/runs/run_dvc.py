"""One `dvc repro`, and what its output says of each stage."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from subprocess import Popen
from typing import Literal

from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.lock import HeldLock
from tagpipe.io.repository.programs import start_dvc
from tagpipe.io.repository.secrets import without_secrets

Status = Literal["ran", "cached", "skipped"]


Echo = Callable[[str], None]


_PATTERNS: tuple[tuple[re.Pattern[str], Status], ...] = (
    (re.compile(r"^Running stage '(?P<stage>[^']+)'"), "ran"),
    (re.compile(r"^Stage '(?P<stage>[^']+)' is cached"), "cached"),
    (re.compile(r"^Stage '(?P<stage>[^']+)' didn't change"), "skipped"),
)


BLOCKED_BY = "  (PID "
"""How DVC begins a line, below its error, that names the process it is blocked by."""


# What DVC says that its users need and those of `tagpipe run` do not.
_NOISE = re.compile(
    r"^(\s*$|> |Updating lock file|Generating lock file|To track the changes|To enable auto staging|Use `dvc push`"
    r"|If there are no processes with such PIDs"
    r"|\s+git add|\s+dvc config|Data and pipelines are up to date|WARNING: '.*' is empty|Verifying data sources)"
)


@dataclass(frozen=True)
class StageRun:
    """What DVC did for one stage."""

    stage: str
    status: Status


def run_dvc(layout: Layout, stage: str | None, lock: HeldLock, echo: Echo) -> tuple[list[StageRun], int, list[str]]:
    """(what DVC did, its exit code, its own error lines)."""
    runs: list[StageRun] = []
    complaint: list[str] = []
    process = start_dvc(layout.root, "repro", *([stage] if stage else []), lock=lock)
    with contextlib.closing(iter_lines(process)) as lines:
        for line in lines:
            matches = ((pattern.match(line), status) for pattern, status in _PATTERNS)
            found = next(((match, status) for match, status in matches if match), None)
            if found:
                runs.append(StageRun(found[0]["stage"], found[1]))
                if found[1] != "ran":
                    echo(f"{found[0]['stage']}: {'nothing changed' if found[1] == 'skipped' else 'from the run cache'}")
            elif line.startswith(("ERROR: ", BLOCKED_BY)):
                complaint.append(without_secrets(line.removeprefix("ERROR: ").strip()))
            elif not _NOISE.match(line):
                echo(without_secrets(line))
    return runs, process.wait(), complaint


def iter_lines(process: Popen[str]) -> Generator[str]:
    """Every line that DVC and its stages say; closed early, it waits for their end, which is the pipe's end."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            yield line.rstrip("\n")
    finally:
        for _ in process.stdout:
            pass
        process.stdout.close()
        process.wait()

"""Run `dvc repro`, and read from its output what it did for each stage."""

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

_PROGRESS = re.compile(r"(Running stage|Stage) '([^']+)'( is cached| didn't change)?")
_STATUSES: dict[tuple[str, str | None], Status] = {
    ("Running stage", None): "ran",
    ("Stage", " is cached"): "cached",
    ("Stage", " didn't change"): "skipped",
}

BLOCKED_BY = "  (PID "
"""The beginning of a line, below DVC's error, that names the process it is blocked by."""

# Lines of DVC 3.67 that are of no use to users of `tagpipe run`.
_NOISE = re.compile(
    r"^(\s*$|> |Updating lock file|Generating lock file|To track the changes|To enable auto staging|Use `dvc push`"
    r"|If there are no processes with such PIDs"
    r"|\s+git add|\s+dvc config|Data and pipelines are up to date|WARNING: '.*' is empty|Verifying data sources)"
)


@dataclass(frozen=True)
class StageRun:
    """A stage of a run, and what DVC did for it."""

    stage: str
    status: Status


def run_dvc(
    layout: Layout, stage: str | None, lock: HeldLock, echo: Echo, *, with_run_cache: bool = True
) -> tuple[list[StageRun], int, list[str]]:
    """Run `dvc repro`: (what DVC did for each stage, its exit code, its own error lines)."""
    runs: list[StageRun] = []
    errors: list[str] = []
    options = [] if with_run_cache else ["--no-run-cache"]
    process = start_dvc(layout.root, "repro", *options, *([stage] if stage else []), lock=lock)
    with contextlib.closing(iter_lines(process)) as lines:
        for line in lines:
            if (run := _parse_progress(line)) is not None:
                runs.append(run)
                if run.status != "ran":
                    echo(f"{run.stage}: {'nothing changed' if run.status == 'skipped' else 'from the run cache'}")
            elif line.startswith(("ERROR: ", BLOCKED_BY)):
                errors.append(without_secrets(line.removeprefix("ERROR: ").strip()))
            elif not _NOISE.match(line):
                echo(without_secrets(line))
    return runs, process.wait(), errors


def _parse_progress(line: str) -> StageRun | None:
    if (match := _PROGRESS.match(line)) is None or (status := _STATUSES.get((match[1], match[3]))) is None:
        return None
    return StageRun(match[2], status)


def iter_lines(process: Popen[str]) -> Generator[str]:
    """The lines that DVC and its stages print. If closed early, it waits until all of them have closed the pipe."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            yield line.rstrip("\n")
    finally:
        for _ in process.stdout:
            pass
        process.stdout.close()
        process.wait()

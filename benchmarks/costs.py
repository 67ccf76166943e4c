"""What a process costs: each measured program is one of its own, and this one stays small."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = ROOT / "benchmarks" / "out"
MIB = 1 << 20
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""The unit of ru_maxrss."""


@dataclass(frozen=True)
class Cost:
    """What one run took: user and system CPU seconds, wall seconds, the largest resident set in bytes."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


def median_of(costs: Sequence[Cost]) -> Cost:
    """The median of each quantity by itself."""
    return Cost(
        statistics.median(cost.cpu_s for cost in costs),
        statistics.median(cost.wall_s for cost in costs),
        int(statistics.median(cost.peak_bytes for cost in costs)),
    )


def run_module(module: str, *arguments: str, python: str = sys.executable) -> Cost:
    """Run `python -m module arguments` and measure it. Raises CalledProcessError if it fails.

    Linux counts the resident set of the process that starts another one into the other's peak, so this one must
    stay small: nothing here imports a library or reads a result.
    """
    command = [python, "-m", module, *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=child_environment())
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss * _RSS_BYTES)


def child_environment() -> dict[str, str]:
    """This environment, with compiled modules kept (in out/) even where it forbids that: parsing the source of
    pandas anew in each run costs 1.4 s, which is nobody's work.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(OUT / "pycache")}


def read_once(path: Path) -> None:
    """Read a file, so that it is in the page cache."""
    with path.open("rb", buffering=0) as file:
        while file.read(MIB):
            pass


def render_cost(cost: Cost, reference: Cost | None) -> tuple[str, ...]:
    """CPU seconds, wall seconds and MiB as cells of a table, then the ratios to the reference."""
    ratios = (f"{cost.cpu_s / reference.cpu_s:.2f}", f"{cost.wall_s / reference.wall_s:.2f}") if reference else ("", "")
    return f"{cost.cpu_s:.2f}", f"{cost.wall_s:.2f}", f"{cost.peak_bytes / MIB:,.0f}", *ratios


def render_setting(libraries: Sequence[str]) -> str:
    """The cores, the machine and the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, {versions}"


def show(line: str) -> None:
    """Progress, apart from the result."""
    print(line, file=sys.stderr, flush=True)

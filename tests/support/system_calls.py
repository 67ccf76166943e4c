"""The system calls of a fork that write in one folder, and what strace makes of one of them: an error, or a kill."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.forked_commands import Fork

WRITING = (
    *("openat", "write", "pwrite64", "writev", "pwritev", "sendfile", "copy_file_range", "fallocate", "ftruncate"),
    *("fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "chmod", "fchmod", "fchmodat"),
)
EFFECTS = {"ENOSPC": "error=ENOSPC", "EIO": "error=EIO", "SIGKILL": "signal=SIGKILL"}
"""Name -> what strace is to do."""

_OPENS_TO_WRITE = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TRUNC")
_LINE = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
_PATH = re.compile(r'<(/[^>]*)>|"([^"]*)"')


@dataclass(frozen=True)
class Point:
    """The nth call of a name, in any thread of the process. path: what it writes, relative to the folder."""

    name: str
    nth: int
    path: str


@dataclass(frozen=True)
class Traced:
    """How a command ended. points: the calls that wrote in the folder; hit: those that were disturbed."""

    exit_code: int
    said: str
    points: tuple[Point, ...]
    hit: tuple[Point, ...]


def require_strace() -> None:
    """Skip the test where there is no strace; under CI=true that is a failure."""
    if shutil.which("strace") is None:
        said = "strace is not installed: no system call can be made to fail (apt-get install strace)"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)


def trace(fork: Fork, root: Path, log: Path, *, at: Point | None = None, effect: str = "") -> Traced:
    """Let the fork run to its end with strace attached; `effect`, if any, meets the call `at` of every thread of it.

    Programs that the fork starts (git) are let go where they begin.
    """
    command = ["strace", "-f", "-b", "execve", "-y", "-s", "0", "-e", "signal=none", "-o", str(log)]
    command += ["-e", f"trace={','.join(WRITING)}"]
    if at is not None:
        command += ["-e", f"inject={at.name}:{EFFECTS[effect]}:when={at.nth}"]
    with subprocess.Popen([*command, "-p", str(fork.pid)], stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        while "TracerPid:\t0\n" in Path(f"/proc/{fork.pid}/status").read_text(encoding="ascii"):
            assert strace.poll() is None, f"strace cannot attach: {strace.stderr.read()}"
            time.sleep(0.005)
        exit_code, said = fork.go_on()
        strace.communicate()
    calls = list(_read_calls(log, root))
    points = tuple(dict.fromkeys(point for point, _ in calls))
    hit = [point for point, is_hit in calls if is_hit]
    if effect == "SIGKILL" and exit_code == -9:
        hit = [point for point, _ in calls if at and (point.name, point.nth) == (at.name, at.nth)]
    return Traced(exit_code, said, points, tuple(hit))


def _read_calls(log: Path, root: Path) -> Iterator[tuple[Point, bool]]:
    """(a call that writes under `root`, whether it was disturbed)."""
    n_seen: dict[tuple[str, str], int] = {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if not (match := _LINE.match(line)):
            continue
        pid, name, rest = match["pid"], match["name"], match["rest"]
        nth = n_seen[pid, name] = n_seen.get((pid, name), 0) + 1
        if name == "openat" and not _OPENS_TO_WRITE.search(rest):
            continue
        if (path := _path_under(root, rest)) is not None:
            yield Point(name, nth, path), "(INJECTED)" in rest


def _path_under(root: Path, arguments: str) -> str | None:
    """What a call names under `root`, relative to it; a relative path is one, for the command works in there."""
    arguments = re.sub(r"AT_FDCWD<[^>]*>", "AT_FDCWD", arguments.rpartition(" = ")[0] or arguments)
    names = [each for pair in _PATH.findall(arguments) for each in pair if each]
    whole = [name if name.startswith("/") else f"{root}/{name}" for name in names]
    for name in whole:
        if name.startswith(f"{root}/"):
            return name.removeprefix(f"{root}/")
    return None

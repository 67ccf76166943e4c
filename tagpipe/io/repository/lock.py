"""Two locks of the operating system's own (flock): one a run holds, one each stage holds.

The lock file names its holder (PID, when that process began, a token), only to tell people and to tell a living
holder from a dead one whose orphaned child inherited the lock. The kernel frees a lock with its last holder, so
none is ever left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tagpipe.errors import Busy, ConfigError

ENVIRONMENT = "TAGPIPE_LOCK"
"""`FD:TOKEN` of a lock that the parent process holds for us (the Prefect flow's, around all its stages)."""

POLL_S = 0.1
ORPHAN_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: process, when it began (UTC, ISO 8601; and as the system counts it), and what runs."""

    pid: int
    started_at: str
    create_time: float
    token: str
    command: str

    @property
    def is_alive(self) -> bool:
        """Whether that very process (not another one with its PID) still runs."""
        return find_birth(self.pid) == self.create_time


@dataclass(frozen=True)
class HeldLock:
    """A lock that is held. Children that get `fd` keep it held until the last of them ends."""

    fd: int
    token: str
    is_inherited: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What a child needs to work under this lock; pass `fd` on to it as well."""
        return {ENVIRONMENT: f"{self.fd}:{self.token}"}


def find_birth(pid: int) -> float | None:
    """When the process began, as the system counts it; None if there is none, or only a zombie.

    A killed orphan stays a zombie until PID 1 asks for it, which that of many containers does late or never.
    """
    try:
        process = psutil.Process(pid)
        birth: float = process.create_time()
        return None if process.status() == psutil.STATUS_ZOMBIE else birth
    except psutil.Error:
        return None


@contextlib.contextmanager
def hold_run_lock(scratch: Path, *, command: str) -> Iterator[HeldLock]:
    """Hold the project's one run lock.

    Raises Busy (exit 6) at once where a living run holds it. Where the holder is dead, what it left behind is
    waited for.
    """
    path = scratch / "run.lock"
    if inherited := _inherited_lock(path):
        yield inherited
        return
    with _open_lock(path) as fd:
        deadline = time.monotonic() + ORPHAN_TIMEOUT_S
        told = False
        while not _try_lock(fd):
            holder = _read_holder(path)
            if holder is None or holder.is_alive or time.monotonic() > deadline:
                raise _busy(path, holder)
            if not told:
                print(f"waiting for what the killed run {holder.pid} left behind", file=sys.stderr, flush=True)
                told = True
            time.sleep(POLL_S)
        yield HeldLock(fd, _write_holder(fd, command).token)


@contextlib.contextmanager
def hold_stage_lock(scratch: Path, *, stage: str) -> Iterator[None]:
    """Hold the lock of the running stage, waiting for one that outlived its killed parent."""
    path = scratch / "stage.lock"
    with _open_lock(path) as fd:
        deadline = time.monotonic() + ORPHAN_TIMEOUT_S
        while not _try_lock(fd):
            if time.monotonic() > deadline:
                raise _busy(path, _read_holder(path))
            time.sleep(POLL_S)
        _write_holder(fd, stage)
        yield


def _busy(path: Path, holder: Holder | None) -> Busy:
    who = f"process {holder.pid} ({holder.command}), begun {holder.started_at}," if holder else "another process"
    return Busy(f"{who} is at work in this project", file=str(path), fix="Wait for it to end and run the command again")


@contextlib.contextmanager
def _open_lock(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ConfigError(
            f"cannot be opened as a lock: {(error.strerror or str(error)).lower()}",
            file=str(path),
            fix=f"Make {path.parent} a folder that you may write to",
        ) from None
    try:
        yield fd
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_holder(fd: int, command: str) -> Holder:
    create_time = psutil.Process().create_time()
    started_at = datetime.fromtimestamp(create_time, UTC).isoformat(timespec="seconds")
    holder = Holder(os.getpid(), started_at, create_time, secrets.token_hex(16), command)
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(asdict(holder)).encode("utf-8"), 0)
    return holder


def _read_holder(path: Path) -> Holder | None:
    """The holder, or None where the file does not tell (it may just be being written; tried for a second)."""
    for _ in range(10):
        try:
            return Holder(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            time.sleep(POLL_S)
    return None


def _inherited_lock(path: Path) -> HeldLock | None:
    """The lock that our parent holds for us, if it says so and the lock file agrees."""
    fd, _, token = os.environ.get(ENVIRONMENT, "").partition(":")
    holder = _read_holder(path) if token and path.exists() else None
    if holder is None or holder.token != token or not fd.isdecimal():
        return None
    try:
        ours, theirs = os.fstat(int(fd)), path.stat()
    except OSError:
        return None
    return (
        HeldLock(int(fd), token, is_inherited=True)
        if (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)
        else None
    )

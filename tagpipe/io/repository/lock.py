"""The two locks of a dataset repository, by flock: a run holds one, each stage the other.

A lock file also names its holder, for messages and to distinguish a living holder from a dead one whose orphaned
child inherited the lock. The kernel frees a lock when its last holder ends, so none is ever left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
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

from tagpipe.errors import Busy, ConfigError, reason_of
from tagpipe.io.repository.files import unwritable

ENVIRONMENT = "TAGPIPE_LOCK"
"""Environment variable with `FD:TOKEN` of a lock that the parent process (the Prefect flow) holds for this one."""

POLL_S = 0.1
ORPHAN_TIMEOUT_S = 900.0
"""Time to wait for what a killed run left behind: a stage over a million projects may take minutes."""

_N_READS = 10


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock; what the lock file contains."""

    pid: int
    started_at: str
    """UTC, ISO 8601."""
    create_time: float
    """The same moment, in psutil's seconds: distinguishes the process from a later one with its PID."""
    token: str
    """Random: shows that a child was given this very lock."""
    command: str
    """The command or stage at work, in words."""

    @property
    def is_alive(self) -> bool:
        """True if this very process still runs."""
        return find_birth(self.pid) == self.create_time

    @property
    def in_words(self) -> str:
        return f"process {self.pid} ({self.command}), begun {self.started_at}"


@dataclass(frozen=True)
class HeldLock:
    """A lock that this process holds."""

    fd: int
    """Of the lock file. Children that get it keep the lock held until the last of them ends."""
    token: str
    is_inherited: bool = False
    """True if the parent process holds it for this one."""

    @property
    def environment(self) -> dict[str, str]:
        """The variable that lets a child work under this lock; it needs `fd` as well."""
        return {ENVIRONMENT: f"{self.fd}:{self.token}"}


def find_birth(pid: int) -> float | None:
    """The time at which a process began, in psutil's seconds; None if there is no such process, or only a zombie.

    A killed orphan stays a zombie until PID 1 reaps it, which in many containers happens late or never.
    """
    try:
        process = psutil.Process(pid)
        birth: float = process.create_time()
        return None if process.status() == psutil.STATUS_ZOMBIE else birth
    except psutil.Error:
        return None


@contextlib.contextmanager
def hold_run_lock(scratch: Path, *, command: str, wait_s: float = 0.0) -> Iterator[HeldLock]:
    """Hold the run lock of the dataset repository.

    Raises Busy if a living process holds it for longer than `wait_s`. If its holder is dead, waits for the processes
    that it left behind.
    """
    path = scratch / "run.lock"
    if inherited := _inherited_lock(path):
        yield inherited
        return
    with _open_lock(path) as fd:
        patience_ends = time.monotonic() + wait_s
        is_announced = False
        for _ in iter_polls(ORPHAN_TIMEOUT_S):
            if _try_lock(fd):
                break
            holder = read_holder(path)
            if holder is None or holder.is_alive:
                if time.monotonic() >= patience_ends:
                    raise _busy(path)
            elif not is_announced:
                print(f"waiting for what the killed run {holder.pid} left behind", file=sys.stderr, flush=True)
                is_announced = True
        else:
            raise _busy(path)
        # The file keeps its content when the lock is freed: it then tells who held it last.
        yield HeldLock(fd, _write_holder(fd, path, command).token)


@contextlib.contextmanager
def hold_stage_lock(scratch: Path, *, stage: str) -> Iterator[None]:
    """Hold the lock of the running stage, waiting for one that outlived its killed parent."""
    path = scratch / "stage.lock"
    with _open_lock(path) as fd:
        if not any(_try_lock(fd) for _ in iter_polls(ORPHAN_TIMEOUT_S)):
            raise _busy(path)
        _write_holder(fd, path, stage)
        yield


def iter_polls(timeout_s: float) -> Iterator[int]:
    """0, 1, 2, ... every POLL_S, the last after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    for n_polls in itertools.count():
        yield n_polls
        if time.monotonic() > deadline:
            return
        time.sleep(POLL_S)


def _busy(path: Path) -> Busy:
    holder = read_holder(path)
    return Busy(
        f"{f'{holder.in_words},' if holder else 'another process'} is at work in this dataset repository",
        file=str(path),
        fix="Wait for it to end and run the command again",
    )


def is_locked(path: Path) -> bool:
    """True if some process holds the flock of a file.

    Tried by taking it, shared, and giving it back at once; a run that begins at that moment tries again.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def read_holder(path: Path) -> Holder | None:
    """The process that a lock file names; None if there is no such file, or it names none.

    It is read again for a second, because its holder may be writing it just now.
    """
    for _ in range(_N_READS if path.exists() else 0):
        try:
            return Holder(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            time.sleep(POLL_S)
    return None


@contextlib.contextmanager
def _open_lock(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ConfigError(
            f"cannot be opened as a lock: {reason_of(error)}",
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


def _write_holder(fd: int, path: Path, command: str) -> Holder:
    create_time = psutil.Process().create_time()
    started_at = datetime.fromtimestamp(create_time, UTC).isoformat(timespec="seconds")
    holder = Holder(os.getpid(), started_at, create_time, secrets.token_hex(16), command)
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(asdict(holder)).encode("utf-8"), 0)
    except OSError as error:  # a full disk, too
        raise unwritable(path, error) from None
    return holder


def _inherited_lock(path: Path) -> HeldLock | None:
    """The lock that the parent process holds for this one, if the environment says so and the lock file agrees."""
    fd, _, token = os.environ.get(ENVIRONMENT, "").partition(":")
    holder = read_holder(path) if token else None
    if holder is None or holder.token != token or not fd.isdecimal():
        return None
    try:
        # The variable outlives the lock: the descriptor may be closed by now, or be another file's.
        is_same_file = os.path.samestat(os.fstat(int(fd)), path.stat())
    except OSError:
        return None
    return HeldLock(int(fd), token, is_inherited=True) if is_same_file else None

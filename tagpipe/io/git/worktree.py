"""Temporary work trees: each is removed at its end, or after a kill by the next publication; in use by nobody then."""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

from tagpipe.errors import Busy, InputError, escape_shown, visible
from tagpipe.io.repository.lock import ORPHAN_TIMEOUT_S, POLL_S
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git, disk_full, says_disk_full

_BLOCK_BYTES = 4096


@contextmanager
def temporary_worktree(root: Path, commit: str, *, prefix: str = "tagpipe-") -> Iterator[Path]:
    """The project at `commit` in a detached work tree of its own, removed at the end; HEAD is never touched.

    Raises InputError where git cannot make one, ConfigError where the disk is full, Busy where somebody still works in
    it at the end. SIGTERM ends the program behind it, not in the middle.
    """
    top = ask_git(root, "rev-parse", "--show-toplevel")
    with _sigterm_as_exit():
        folder = Path(tempfile.mkdtemp(prefix=_own_prefix(root, prefix))).resolve()
        tree = folder / "tree"
        try:
            with _sigterm_held():  # a work tree that git is making cannot be removed yet
                _add(root, tree, commit)
            yield tree / root.resolve().relative_to(Path(str(top)).resolve())
        finally:
            _remove(root, folder)


def _add(root: Path, tree: Path, commit: str) -> None:
    try:
        call_git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
    except GitFailed as error:
        n_free, n_needed = shutil.disk_usage(tree.parent).free, _measure_worktree(root, commit)
        if says_disk_full(str(error)) or n_free < n_needed:  # git 2.39 says `unable to write file`, and not why
            said = f"{n_free} bytes are left, and a work tree of {commit[:12]} takes {n_needed}"
            raise disk_full(said, file=str(tree.parent.parent)) from None
        raise InputError(
            f"cannot be checked out in a work tree of its own: {visible(str(error))}",
            file=f"revision {escape_shown(commit)[1:-1]}",
            fix="Mend what git says, and run it again",
        ) from None


def _measure_worktree(root: Path, commit: str) -> int:
    """Bytes on the disk of the files of a commit, whole blocks each."""
    listed = (ask_git(root, "ls-tree", "-r", "-l", "--full-tree", commit) or "").splitlines()
    sizes = (line.split("\t")[0].split()[-1] for line in listed)  # MODE TYPE OBJECT SIZE, of submodules `-`
    return sum(-(-int(size) // _BLOCK_BYTES) * _BLOCK_BYTES for size in sizes if size.isdecimal())


def clear_worktrees(root: Path, prefix: str) -> None:
    """Remove what kills have left behind of the project's work trees called `prefix`.

    Called under the lock that everybody holds who makes one. What still works in one (a run, its DVC, a stage, git)
    is waited for. Raises Busy where it does not end.
    """
    for folder in _find_left_behind(root, _own_prefix(root, prefix)):
        _remove(root, folder)


def _own_prefix(root: Path, prefix: str) -> str:
    """Other projects, in the same repository too, have locks of their own: their work trees are not ours to remove."""
    return f"{prefix}{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]}-"


def _find_left_behind(root: Path, own_prefix: str) -> list[Path]:
    """Folders in git's list, and those that it does not have in it yet or any more."""
    listed = (ask_git(root, "worktree", "list", "--porcelain") or "").splitlines()
    trees = [Path(line.removeprefix("worktree ")) for line in listed if line.startswith("worktree ")]
    known = {tree.parent for tree in trees if tree.name == "tree" and tree.parent.name.startswith(own_prefix)}
    return sorted(known | set(Path(tempfile.gettempdir()).resolve().glob(f"{own_prefix}*")))


def _remove(root: Path, folder: Path) -> None:
    _wait_for_workers(folder)
    with _sigterm_held():
        shutil.rmtree(folder, ignore_errors=True)
        # Forced twice: a work tree is locked while git makes it, and stays so if git is killed then.
        ask_git(root, "worktree", "remove", "--force", "--force", str(folder / "tree"))


def _wait_for_workers(folder: Path) -> None:
    """Wait for every process at work in the folder. Raises Busy, naming them, after ORPHAN_TIMEOUT_S."""
    deadline = time.monotonic() + ORPHAN_TIMEOUT_S
    told = False
    while workers := _find_workers(folder):
        if time.monotonic() > deadline:
            raise Busy(
                "a killed run has left behind what does not end",
                file=str(folder),
                found=", ".join(workers),
                fix="End it, and run the command again",
            )
        if not told:
            print(f"waiting for what was left behind: {', '.join(workers)}", file=sys.stderr, flush=True)
            told = True
        time.sleep(POLL_S)


def _find_workers(folder: Path) -> list[str]:
    """`process PID (command)` of each process whose working directory is in the folder.

    More than the holders of its locks: a stage, `tagpipe run` and git hold none while they start.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError, ValueError):  # it has ended, or is not ours to look at
            if Path(process.cwd()).is_relative_to(folder):
                program, *arguments = process.cmdline()
                command = escape_shown(" ".join([Path(program).name, *arguments]))
                found.append(f"process {process.pid} ({command[1:-1]})")
    return found


@contextmanager
def _sigterm_held() -> Iterator[None]:
    """SIGTERM comes at the end of the block, not in it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """A cancelled CI job sends SIGTERM, which by itself would leave the work tree behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""Temporary work trees, removed when they are done with, or after a kill by the next publication."""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

from tagpipe.errors import Busy, InputError, escape_shown, visible
from tagpipe.io.repository.lock import ORPHAN_TIMEOUT_S, iter_polls
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git, disk_full, says_disk_full

_BLOCK_BYTES = 4096


@contextmanager
def temporary_worktree(root: Path, commit: str, *, prefix: str = "tagpipe-") -> Iterator[Path]:
    """The dataset repository at `commit` in a detached work tree, removed at the end; HEAD is never touched.

    Raises InputError if git cannot make one, ConfigError if the disk is full, Busy if a process still works in it at
    the end. SIGTERM becomes SystemExit, so that the work tree is removed before the program ends.
    """
    top = ask_git(root, "rev-parse", "--show-toplevel", is_path=True)
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
            reason = f"{n_free} bytes are left, and a work tree of {commit[:12]} takes {n_needed}"
            raise disk_full(reason, file=str(tree.parent.parent)) from None
        raise InputError(
            f"cannot be checked out in a work tree of its own: {visible(str(error))}",
            file=f"revision {escape_shown(commit)[1:-1]}",
            fix="Mend what git says, and run it again",
        ) from None


def _measure_worktree(root: Path, commit: str) -> int:
    """Bytes that the files of a commit take on the disk, in whole blocks."""
    lines = (ask_git(root, "ls-tree", "-r", "-l", "--full-tree", commit) or "").splitlines()
    sizes = (line.split("\t")[0].split()[-1] for line in lines)  # MODE TYPE OBJECT SIZE; for a submodule SIZE is `-`
    return sum(-(-int(size) // _BLOCK_BYTES) * _BLOCK_BYTES for size in sizes if size.isdecimal())


def clear_worktrees(root: Path, prefix: str) -> None:
    """Remove the work trees called `prefix` that killed commands of this dataset repository have left behind.

    Call it under the run lock, which is held wherever one is made. Waits for processes that still work in one (a run,
    its DVC, a stage, git). Raises Busy if they do not end.
    """
    for folder in _find_left_behind(root, _own_prefix(root, prefix)):
        _remove(root, folder)


def _own_prefix(root: Path, prefix: str) -> str:
    # Another dataset repository, even in the same git repository, has its own lock: its work trees may be in use.
    return f"{prefix}{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]}-"


def _find_left_behind(root: Path, own_prefix: str) -> list[Path]:
    """The folders in git's list, and those that a kill left behind without an entry there."""
    trees = [Path(tree["worktree"]) for tree in list_worktrees(root)]
    known = {tree.parent for tree in trees if tree.name == "tree" and tree.parent.name.startswith(own_prefix)}
    return sorted(known | set(Path(tempfile.gettempdir()).resolve().glob(f"{own_prefix}*")))


def list_worktrees(root: Path) -> list[dict[str, str]]:
    """The work trees that git knows, each as its attributes -> values (`git worktree list --porcelain`)."""
    blocks = (ask_git(root, "worktree", "list", "--porcelain", is_path=True) or "").split("\n\n")
    trees = [dict(line.partition(" ")[::2] for line in block.splitlines()) for block in blocks]
    return [tree for tree in trees if "worktree" in tree]


def _remove(root: Path, folder: Path) -> None:
    _wait_for_workers(folder)
    with _sigterm_held():
        shutil.rmtree(folder, ignore_errors=True)
        # Forced twice: git locks a work tree while it makes it, and leaves it locked if it is killed then.
        ask_git(root, "worktree", "remove", "--force", "--force", str(folder / "tree"))


def _wait_for_workers(folder: Path) -> None:
    """Wait for the processes at work in the folder to end. Raises Busy, naming them, after ORPHAN_TIMEOUT_S."""
    workers = ""
    for n_polls in iter_polls(ORPHAN_TIMEOUT_S):
        if not (workers := ", ".join(_find_workers(folder))):
            return
        if n_polls == 0:
            print(f"waiting for what was left behind: {workers}", file=sys.stderr, flush=True)
    raise Busy(
        "a killed run has left behind processes that do not end",
        file=str(folder),
        found=workers,
        fix="End it, and run the command again",
    )


def _find_workers(folder: Path) -> list[str]:
    """`process PID (command)` of each process whose working directory is in the folder.

    Locks would not show them all: a stage, `tagpipe run` and git hold none while they start.
    """
    workers = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError, ValueError):  # it has ended, or is another user's
            if Path(process.cwd()).is_relative_to(folder):
                program, *arguments = process.cmdline()
                command = escape_shown(" ".join([Path(program).name, *arguments]))
                workers.append(f"process {process.pid} ({command[1:-1]})")
    return workers


@contextmanager
def _sigterm_held() -> Iterator[None]:
    """Hold SIGTERM back until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Make SIGTERM raise SystemExit, so that a cancelled CI job leaves no work tree behind."""
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

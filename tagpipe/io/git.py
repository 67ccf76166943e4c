"""What tagpipe asks git for: commits, the merge base, history, and a temporary work tree."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tagpipe.errors import ConfigError, InputError, escape_shown

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


def ask_git(root: Path, *arguments: str) -> str | None:
    """What a git command answers, without the line's end; None if it fails. Raises ConfigError without git."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ConfigError("git is not installed", fix="Install git; versions are kept in it") from None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def find_commit(root: Path, revision: str) -> str | None:
    """The commit that a branch, tag or expression (`HEAD~3`) names; None if there is none."""
    return ask_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def find_default_base(root: Path) -> str:
    """The merge base of HEAD with the default branch; HEAD itself where there is no such branch.

    The default branch is what the remote `origin` says, else main, else master. Raises InputError without a commit, or
    where the history does not reach back to the merge base: then nothing would be compared.
    """
    head = find_commit(root, "HEAD")
    if head is None:
        raise InputError(
            "there is no commit to compare with",
            file=str(root),
            fix="Commit a version first, or name two directories written by `tagpipe build`",
        )
    if ask_git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise _no_base("the repository is shallow, so the merge base may not be there")
    for branch in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
        if commit := find_commit(root, branch):
            if base := ask_git(root, "merge-base", head, commit):
                return base
            raise _no_base(f"HEAD has no commit in common with {branch}")
    return head


def _no_base(what: str) -> InputError:
    return InputError(what, field="BASE", fix="Run `git fetch --unshallow`, or name BASE")


def read_blobs(root: Path, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes | None]:
    """(commit, path in the project) -> the file's bytes, None where it has none; one git process for all."""
    names = "".join(f"{commit}:./{path}\n" for commit, path in wanted)
    done = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=root, input=names.encode("utf-8"), capture_output=True, check=True
    )
    found: dict[tuple[str, str], bytes | None] = {}
    at = 0
    for key in wanted:
        end = done.stdout.index(b"\n", at)
        *_, kind, size = done.stdout[at:end].split(b" ")
        if kind == b"blob":
            found[key] = done.stdout[end + 1 : end + 1 + int(size)]
            at = end + 1 + int(size) + 1
        else:  # `NAME missing`
            found[key] = None
            at = end + 1
    return found


def call_git(
    root: Path,
    *arguments: str,
    text: str | None = None,
    identity: bool = False,
    settings: Sequence[str] = (),
    timeout_s: float | None = None,
) -> str:
    """What a git command answers. Raises GitFailed with its last line, or where it takes longer than `timeout_s`.

    text: its standard input. identity: with the user's name, or tagpipe's where git knows none. settings: NAME=VALUE.
    Hooks and signatures are left out, for they are made for people's commits.
    """
    options = [*_NO_HOOKS, "-c", "commit.gpgSign=false", *(part for each in settings for part in ("-c", each))]
    if identity and ask_git(root, "var", "GIT_COMMITTER_IDENT") is None:
        options += ["-c", "user.name=tagpipe", "-c", "user.email=tagpipe@localhost"]
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=root,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git {arguments[0]} had no answer within {timeout_s:.0f} seconds") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("hint:")]
        raise GitFailed(lines[-1] if lines else f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout.rstrip("\n")


class GitFailed(Exception):
    """A git command failed; the text is what git said last."""


def clear_worktrees(root: Path, prefix: str) -> None:
    """Remove the work trees called `prefix` that a kill has left behind; nobody else's may have that name."""
    for line in (ask_git(root, "worktree", "list", "--porcelain") or "").splitlines():
        tree = Path(line.removeprefix("worktree "))
        if line.startswith("worktree ") and tree.name == "tree" and tree.parent.name.startswith(prefix):
            ask_git(root, "worktree", "remove", "--force", str(tree))
            shutil.rmtree(tree.parent, ignore_errors=True)


@contextmanager
def temporary_worktree(root: Path, commit: str, *, prefix: str = "tagpipe-") -> Iterator[Path]:
    """The project at `commit` in a detached work tree of its own, removed at the end; HEAD is never touched.

    Raises InputError where git cannot make one. SIGTERM ends the program behind it, not in the middle.
    """
    top = ask_git(root, "rev-parse", "--show-toplevel")
    with _sigterm_as_exit(), tempfile.TemporaryDirectory(prefix=prefix) as folder:
        tree = Path(folder).resolve() / "tree"
        try:
            with _sigterm_held():  # a work tree that git is making cannot be removed yet
                added = top and ask_git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
            if added is None or top is None:
                raise InputError(f"cannot be checked out in a work tree of its own: {escape_shown(commit)}")
            yield tree / root.resolve().relative_to(Path(top).resolve())
        finally:
            with _sigterm_held():
                ask_git(root, "worktree", "remove", "--force", str(tree))


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

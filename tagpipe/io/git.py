"""What tagpipe asks git for: commits, the merge base, history, and a temporary work tree."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tagpipe.errors import ConfigError, InputError, escape_shown


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
    """The merge base of HEAD with the default branch, else HEAD itself. Raises InputError without a commit.

    The default branch is what the remote `origin` says, else main, else master.
    """
    head = find_commit(root, "HEAD")
    if head is None:
        raise InputError(
            "there is no commit to compare with",
            file=str(root),
            fix="Commit a version first, or name two directories written by `tagpipe build`",
        )
    for branch in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
        if (commit := find_commit(root, branch)) and (base := ask_git(root, "merge-base", head, commit)):
            return base
    return head


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


@contextmanager
def temporary_worktree(root: Path, commit: str) -> Iterator[Path]:
    """The project at `commit` in a detached work tree of its own, removed at the end; HEAD is never touched.

    Raises InputError where git cannot make one.
    """
    top = ask_git(root, "rev-parse", "--show-toplevel")
    with tempfile.TemporaryDirectory(prefix="tagpipe-") as folder:
        tree = Path(folder).resolve() / "tree"
        added = top and ask_git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            if added is None or top is None:
                raise InputError(f"cannot be checked out in a work tree of its own: {escape_shown(commit)}")
            yield tree / root.resolve().relative_to(Path(top).resolve())
        finally:
            ask_git(root, "worktree", "remove", "--force", str(tree))
            ask_git(root, "worktree", "prune")

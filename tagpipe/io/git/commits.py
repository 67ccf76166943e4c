"""Commits of a git repository: their names, the merge base, their files."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from tagpipe.errors import InputError
from tagpipe.io.repository.programs import ask_git, run_git

DEFAULT_BRANCHES = tuple(
    f"refs/{name}"
    for name in ("remotes/origin/HEAD", "remotes/origin/main", "remotes/origin/master", "heads/main", "heads/master")
)
"""The refs at which the default branch is looked for, in this order; a tag `main` is not one."""


def is_ancestor(root: Path, commit: str, revision: str) -> bool:
    """True if `commit` is `revision` or in its history; False if there is no such revision."""
    return ask_git(root, "merge-base", "--is-ancestor", commit, revision) is not None


def find_author(root: Path) -> str:
    """The author that git would write in a commit now, as `Name <address>`; `unknown` if git has none."""
    ident = ask_git(root, "var", "GIT_AUTHOR_IDENT")
    return ident.rsplit(" ", 2)[0] if ident else "unknown"  # the rest: seconds and time zone


def find_commit(root: Path, revision: str) -> str | None:
    """The commit that a branch, tag or expression (`HEAD~3`) names; None if there is none."""
    if "\0" in revision:
        return None
    found = ask_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return found if found is not None and re.fullmatch("[0-9a-f]{40,64}", found) else None  # `^HEAD` gives ^COMMIT


def find_default_base(root: Path) -> str:
    """The merge base of HEAD with the default branch; HEAD itself if there is no such branch.

    The default branch is the one of the remote `origin`, else main, else master. Raises InputError if there is no
    commit, or if the history does not reach back to a merge base: nothing would be compared then.
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
    for branch in DEFAULT_BRANCHES:
        if commit := find_commit(root, branch):
            if base := ask_git(root, "merge-base", head, commit):
                return base
            raise _no_base(f"HEAD has no commit in common with {branch.removeprefix('refs/').partition('/')[2]}")
    return head


def _no_base(reason: str) -> InputError:
    return InputError(reason, field="BASE", fix="Run `git fetch --unshallow`, or name BASE")


def read_blob(root: Path, commit: str, path: str) -> bytes | None:
    """The bytes of a file (its path in the dataset repository) at a commit; None if it is not there."""
    return read_blobs(root, [(commit, path)])[commit, path]


def read_blobs(root: Path, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes | None]:
    """(commit, path in the dataset repository) -> the file's bytes, None if it is not there.

    One git process for all of them: a history of hundreds of versions would otherwise start one for every report.
    """
    lines = "".join(f"{commit}:./{path}\n" for commit, path in names)
    output = io.BytesIO(run_git(root, "cat-file", "--batch", stdin=os.fsencode(lines)).stdout)
    blobs: dict[tuple[str, str], bytes | None] = dict.fromkeys(names)
    for name in names:
        header = output.readline().split()  # OBJECT TYPE SIZE, or NAME `missing`
        if header[-2:-1] == [b"blob"] and header[-1].isdigit():
            blobs[name] = output.read(int(header[-1]))
            output.read(1)  # the line break after the bytes
    return blobs

"""What tagpipe asks git for: commits, the merge base, history."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tagpipe.errors import ConfigError, InputError
from tagpipe.io.repository.secrets import without_secrets

_REASONS = ("fatal: ", "error: ", "remote: ", "! ")
_MAX_REASONS = 3
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


def find_author(root: Path) -> str:
    """`Name <address>` of whoever works here, as git would write it; `unknown` where git knows none."""
    ident = ask_git(root, "var", "GIT_AUTHOR_IDENT")
    return ident.rsplit(" ", 2)[0] if ident else "unknown"  # behind it: seconds and time zone


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
    """What a git command answers. Raises GitFailed with git's reason, as it may be shown, or after `timeout_s`.

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
        raise GitFailed(
            _find_reason(without_secrets(done.stderr)) or f"git {arguments[0]} ended with {done.returncode}"
        )
    return done.stdout.rstrip("\n")


def _find_reason(said: str) -> str:
    """The lines in which git, or the other side, says what is wrong; else the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    reasons = [line for line in lines if line.startswith(_REASONS) and not line.startswith("error: failed to push")]
    return "; ".join(reasons[:_MAX_REASONS] or lines[-1:])


class GitFailed(Exception):
    """A git command failed; the text is what git said of it."""

"""The refs of a dataset repository that follows upstream: what is published, proposed and refused."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tagpipe.errors import ConfigError, SourceUnavailable, visible
from tagpipe.io.git.commits import find_commit, read_blob
from tagpipe.io.git.remote import fetch_refs, list_refs, push_ref
from tagpipe.io.git.worktree import list_worktrees
from tagpipe.io.repository.files import remove_file
from tagpipe.io.repository.layout import PARAMS_FILE
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git
from tagpipe.io.repository.yaml_file import parse_yaml
from tagpipe.params import Params, PublishParams, parse_params

LOCAL_BRANCH = "dataset"
CANDIDATE_BRANCH = "refresh/upstream"
REFUSED = "refused"

_HEADS = "refs/heads/"
_NO_COMMIT = "0" * 40
_STALE_LOCK_S = 60.0
"""A ref's lock file that is older belongs to a killed git; a living one holds it for milliseconds."""


class Moved(Exception):
    """The published branch is no longer at the commit that the candidate was built on."""


@dataclass(frozen=True)
class Refs:
    """The commits that are published, proposed and refused now."""

    base: str
    """The commit that is published."""
    candidate: str | None
    """The tip of CANDIDATE_BRANCH; None if there is none."""
    refused: dict[str, str]
    """Branch -> its commit."""
    expected: str
    """The commit that the ref to be moved must still have when it is moved; zeros if there was no such ref."""


def read_refs(root: Path, where: PublishParams) -> Refs:
    """The refs of the repository (`local`) or of its remote. Raises SourceUnavailable or ConfigError."""
    return _read_local(root) if where.to == "local" else _read_remote(root, where)


def _read_local(root: Path) -> Refs:
    dataset = find_commit(root, _HEADS + LOCAL_BRANCH)
    base = dataset or find_commit(root, "HEAD")
    if base is None:
        raise ConfigError("there is no version to begin from", file=str(root), fix="Commit a first one")
    refuse_checked_out(root)
    output = ask_git(root, "for-each-ref", "--format=%(objectname)\t%(refname)", f"{_HEADS}{REFUSED}/") or ""
    heads = {name: commit for commit, _, name in (line.partition("\t") for line in output.splitlines())}
    return Refs(base, None, _find_refused(heads), dataset or _NO_COMMIT)


def _read_remote(root: Path, where: PublishParams) -> Refs:
    heads = list_refs(root, where.remote, _HEADS + where.branch, _HEADS + CANDIDATE_BRANCH, f"{_HEADS}{REFUSED}/*")
    if _HEADS + where.branch not in heads:
        raise ConfigError(
            "the remote has no such branch", field="publish.branch", found=where.branch, fix="Push it, or name another"
        )
    # Only a proposal has a candidate: an old branch of that name means nothing to the other ways of publishing.
    has_candidate = where.to == "pull-request" and _HEADS + CANDIDATE_BRANCH in heads
    fetch_refs(root, where.remote, where.branch, *([CANDIDATE_BRANCH] if has_candidate else []))
    tracked = f"refs/remotes/{where.remote}/"
    base = find_commit(root, tracked + where.branch)
    assert base is not None, "it has just been fetched"
    candidate = find_commit(root, tracked + CANDIDATE_BRANCH) if has_candidate else None
    expected = (candidate or _NO_COMMIT) if where.to == "pull-request" else base
    return Refs(base, candidate, _find_refused(heads), expected)


def _find_refused(heads: dict[str, str]) -> dict[str, str]:
    names = ((name.removeprefix(_HEADS), commit) for name, commit in heads.items())
    return {name: commit for name, commit in names if name.startswith(f"{REFUSED}/")}


def refuse_checked_out(root: Path) -> None:
    """Raise ConfigError if LOCAL_BRANCH is checked out: moving it would make the whole work tree look edited."""
    if any(tree.get("branch") == _HEADS + LOCAL_BRANCH for tree in list_worktrees(root)):
        raise ConfigError(
            "is checked out, and publishing would move it under the work tree",
            file=f"branch {LOCAL_BRANCH}",
            fix="Check another branch out, or look at it in a detached work tree",
        )


def keep_refused(root: Path, where: PublishParams, refs: Refs, commit: str, digest: str) -> tuple[str, str, str]:
    """Keep a refused candidate: (its branch, the commit there, why it is not on the remote, or empty).

    Each digest has one branch, which stays at the first candidate that had it.
    """
    for name, known in refs.refused.items():
        if name.endswith(f"-{digest[:12]}"):
            return name, known, ""
    name = f"{REFUSED}/{datetime.now(UTC):%Y-%m-%d}-{digest[:12]}"
    call_git(root, "update-ref", _HEADS + name, commit)  # else git would remove the commit one day
    if where.to == "local":
        return name, commit, ""
    try:
        push_ref(root, where.remote, f"{commit}:{_HEADS}{name}")
    except SourceUnavailable as error:
        return name, commit, f"kept here only: {error.what}"
    return name, commit, ""


def move_published(root: Path, where: PublishParams, refs: Refs, commit: str) -> str:
    """Publish the commit (with pull-request, propose it) in one step; the branch that now has it.

    Raises Moved if it has moved meanwhile, SourceUnavailable or ConfigError if the branch cannot be moved.
    """
    if where.to == "local":
        _move_local(root, refs, commit)
        return LOCAL_BRANCH
    branch, options = where.branch, []
    if where.to == "pull-request":
        branch = CANDIDATE_BRANCH
        options = [f"--force-with-lease={branch}:{refs.candidate or ''}"]
    try:
        push_ref(root, where.remote, f"{commit}:{_HEADS}{branch}", *options)
    except SourceUnavailable:
        tip = list_refs(root, where.remote, _HEADS + branch).get(_HEADS + branch, _NO_COMMIT)
        if tip == commit:
            return branch  # it was taken, and only the answer was lost
        if tip != refs.expected:
            raise Moved from None
        raise
    return branch


def _move_local(root: Path, refs: Refs, commit: str) -> None:
    refuse_checked_out(root)
    ref = _HEADS + LOCAL_BRANCH
    try:
        _update_ref(root, ref, commit, refs.expected)
    except GitFailed as error:
        if (find_commit(root, ref) or _NO_COMMIT) != refs.expected:
            raise Moved from None
        raise ConfigError(
            f"cannot be moved: {visible(str(error))}",
            file=f"branch {LOCAL_BRANCH}",
            fix="See whether its disk has room; if no git is at work, a .lock file that is named may be removed",
        ) from None


def _update_ref(root: Path, ref: str, commit: str, expected: str) -> None:
    """Update a ref, removing a lock file that a killed git has left. Raises GitFailed."""
    try:
        call_git(root, "update-ref", ref, commit, expected)
    except GitFailed:
        lock = root / (ask_git(root, "rev-parse", "--git-path", f"{ref}.lock", is_path=True) or "")
        if not lock.is_file() or time.time() - lock.stat().st_mtime < _STALE_LOCK_S:
            raise
        remove_file(lock)
        call_git(root, "update-ref", ref, commit, expected)


def drop_candidate(root: Path, where: PublishParams, candidate: str) -> None:
    """Remove CANDIDATE_BRANCH from the remote if it is still at the commit that was read."""
    lease = f"--force-with-lease={CANDIDATE_BRANCH}:{candidate}"
    push_ref(root, where.remote, f":{_HEADS}{CANDIDATE_BRANCH}", lease)


def read_params_at(root: Path, commit: str, *, with_gates: bool = False) -> Params:
    """The parameters of a version. Raises ConfigError if it has none, or if this tagpipe cannot read them.

    with_gates: also raise it if they have no gates.
    """
    data = read_blob(root, commit, PARAMS_FILE)
    if data is None:
        raise ConfigError("the published version has no params.yaml", file=f"revision {commit[:12]}")
    tree = parse_yaml(data, file=PARAMS_FILE)
    params = parse_params(tree)
    if with_gates and "gates" not in tree:
        raise ConfigError(
            "the published version has no gates, so anything would be published",
            file=f"{PARAMS_FILE} of revision {commit[:12]}",
            field="gates",
            fix="Add the section (tagpipe's docs/parameters.md), commit it, and run it again",
        )
    return params

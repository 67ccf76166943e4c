"""The data of a candidate in DVC's remote, where everybody else reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tagpipe.errors import ConfigError, IntegrityError
from tagpipe.io.checks.verify_objects import verify_deep
from tagpipe.io.runs.dvc_remote import has_remote, transfer_data
from tagpipe.io.runs.rebuild import shared_worktree

WORKTREE_PREFIX = "tagpipe-publish-"
"""Begins the name of every work tree of a publication, so that the next run finds what a killed one left."""


def share_data(root: Path, commit: str, to: Literal["local", "branch", "pull-request"]) -> None:
    """Push the data of a commit, and check that a clean clone can pull it bit for bit.

    Without a DVC remote, nothing is done where `to` (publish.to) is local. Raises ConfigError, SourceUnavailable or
    IntegrityError.
    """
    if not has_remote(root):
        if to == "local":
            return
        raise ConfigError(
            "there is no DVC remote, so nobody else could read the version",
            field="publish.to",
            found=to,
            fix="Add one with `dvc remote add -d NAME URL`, or publish to local",
        )
    push_commit_data(root, commit)
    with shared_worktree(root, commit, prefix=WORKTREE_PREFIX, has_cache=False) as clean:
        transfer_data(clean, "pull")
        check = verify_deep(clean, with_remote=False)
    if check.error is not None:
        raise check.error
    damaged = [stored.paths[0] for stored in check.objects if stored.is_damaged]
    if damaged:
        raise IntegrityError(
            f"what a clean clone pulls is not what was built: {damaged[0]}",
            file="the DVC remote",
            fix="`tagpipe verify --deep` says which object is damaged, and how to heal it",
        )


def push_commit_data(root: Path, commit: str) -> None:
    """Push the data of a commit to DVC's remote. Raises SourceUnavailable."""
    with shared_worktree(root, commit, prefix=WORKTREE_PREFIX) as tree:
        transfer_data(tree, "push")

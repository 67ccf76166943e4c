"""A git remote: its refs, fetching and pushing. Every request to it has a time limit."""

from __future__ import annotations

from pathlib import Path

from tagpipe.errors import ConfigError, SourceUnavailable, escape_shown, visible
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git, says_disk_full

TIMEOUT_S = 600.0
_SHOWN_CHARS = 300
_SLOW = ("http.lowSpeedLimit=1000", "http.lowSpeedTime=60")
"""git gives up a server that sends less than 1000 bytes a second for a minute."""


def list_refs(root: Path, remote: str, *patterns: str) -> dict[str, str]:
    """Full name -> commit of the remote's refs that match one of `patterns`.

    Raises ConfigError if there is no such remote, SourceUnavailable if it does not answer.
    """
    if ask_git(root, "remote", "get-url", remote) is None:
        raise ConfigError(
            "there is no such git remote",
            field="publish.remote",
            found=escape_shown(remote),
            fix="Name one of `git remote`, or add it",
        )
    output = _ask(root, remote, "cannot be read", "ls-remote", remote, *patterns)
    return {name: commit for commit, _, name in (line.partition("\t") for line in output.splitlines())}


def fetch_refs(root: Path, remote: str, *branches: str) -> None:
    """Fetch branches of the remote to refs/remotes/REMOTE/BRANCH, also where they were rewritten."""
    refspecs = [f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}" for branch in branches]
    _ask(root, remote, "cannot be fetched", "fetch", "--quiet", "--no-tags", remote, *refspecs)


def push_ref(root: Path, remote: str, refspec: str, *options: str) -> None:
    """Push one ref. Raises SourceUnavailable if the remote does not take it."""
    _ask(root, remote, "does not take the push", "push", "--quiet", *options, remote, refspec)


def _ask(root: Path, remote: str, failure: str, *arguments: str) -> str:
    try:
        return call_git(root, *arguments, identity=True, settings=_SLOW, timeout_s=TIMEOUT_S)
    except GitFailed as error:
        if says_disk_full(str(error)):  # this machine's; not the remote's fault
            raise
        raise SourceUnavailable(
            f"the git remote {failure}: {visible(str(error))[:_SHOWN_CHARS]}",
            file=remote,
            fix="Look at the remote and at what it allows, or try again later",
        ) from None

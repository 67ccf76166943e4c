"""The one pull request that carries an upstream refresh."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.io.publication.github import GitHub, Pull, ask_github
from tagpipe.io.publication.github_requests import Done
from tagpipe.io.repository.programs import ask_git

_GITHUB = re.compile(
    r"(?:https://(?:[^/@]*@)?|git@|ssh://git@)github\.com[:/]([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?"
)


def find_repository(root: Path, remote: str) -> str | None:
    """OWNER/NAME of a remote on github.com; None for a remote elsewhere."""
    match = _GITHUB.fullmatch(ask_git(root, "remote", "get-url", remote) or "")
    return match[1] if match else None


@dataclass(frozen=True)
class Proposal:
    """The pull request from the branch `head` into `base`: at most one is open at a time."""

    root: Path
    remote: str
    head: str
    base: str

    def check(self) -> None:
        """Raise ConfigError if the environment does not allow opening one; GitHub is not asked."""
        self._ask(lambda _github: None)

    def find(self, sha: str) -> Pull | None:
        """The open one, else the one that a person closed while its head was `sha`; None if there is neither."""
        pulls = self._ask(lambda github: github.list_pulls_of_branch(self.head, self.base))
        opened = [pull for pull in pulls if pull.state == "open"]
        closed = [pull for pull in pulls if pull.state != "open" and pull.head_sha == sha and pull.merged_at is None]
        return next(iter([*opened, *closed]), None)

    def write(self, title: str, body: str) -> int:
        """Open one, or replace title and text of the open one, and return its number."""
        return self._ask(lambda github: self._write(github, title, body))

    def close(self, number: int, why: str) -> None:
        """Close it, with a comment that says why."""
        self._ask(lambda github: github.create_comment(number, why))
        self._ask(lambda github: github.close_pull(number))

    def _write(self, github: GitHub, title: str, body: str) -> int:
        for pull in github.list_pulls_of_branch(self.head, self.base):
            if pull.state == "open":
                github.update_pull(pull.number, title, body)
                return pull.number
        return github.create_pull(self.head, self.base, title, body)

    def _ask(self, operation: Callable[[GitHub], Done]) -> Done:
        """The result of `operation` on the repository that GITHUB_REPOSITORY names, else on the remote's.

        Raises ConfigError and SourceUnavailable.
        """
        repository = os.environ.get("GITHUB_REPOSITORY") or find_repository(self.root, self.remote)
        if repository is None:
            raise ConfigError(
                "the remote is no repository of GitHub, so there is nowhere to open a pull request",
                field="GITHUB_REPOSITORY",
                expected="OWNER/NAME",
                fix="Set it, or publish to a branch",
            )
        return ask_github(repository, operation)

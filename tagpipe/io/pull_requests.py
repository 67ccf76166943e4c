"""The one pull request that carries an upstream refresh."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.io.git import ask_git
from tagpipe.io.github import GitHub, retry_all

_GITHUB = re.compile(r"github\.com[:/](?P<name>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)(\.git)?/?$")


def open_pull_request(root: Path, remote: str, *, head: str, base: str, title: str, body: str) -> int:
    """Open the pull request from `head` into `base`, or write the open one anew; its number.

    GITHUB_REPOSITORY names the repository, or the remote's address does; GITHUB_TOKEN holds the token. Raises
    ConfigError and SourceUnavailable as `GitHub` does.
    """
    address = ask_git(root, "remote", "get-url", remote) or ""
    match = _GITHUB.search(address)
    repository = os.environ.get("GITHUB_REPOSITORY") or (match["name"] if match else None)
    if repository is None:
        raise ConfigError(
            "the remote is no repository of GitHub, so there is nowhere to open a pull request",
            field="GITHUB_REPOSITORY",
            expected="OWNER/NAME",
            fix="Set it, or publish to a branch",
        )
    api_url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    with GitHub(api_url, os.environ.get("GITHUB_TOKEN", ""), repository) as github:
        return retry_all(lambda: _open(github, head, base, title, body))


def _open(github: GitHub, head: str, base: str, title: str, body: str) -> int:
    number = github.find_pull_of_branch(head, base)
    if number is None:
        return github.create_pull(head, base, title, body)
    github.update_pull(number, title, body)
    return number

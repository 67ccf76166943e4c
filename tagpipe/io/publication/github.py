"""Pull requests and comments of a repository on GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from typing import Annotated

from pydantic import AliasPath, BaseModel, Field

from tagpipe.io.publication.github_requests import Done, RepositoryApi, retry_all


class Pull(BaseModel):
    """A pull request."""

    number: Annotated[int, Field(gt=0)]
    head_sha: str = Field(validation_alias=AliasPath("head", "sha"))
    """The commit that it asks to merge."""
    head_repository: str = Field("", validation_alias=AliasPath("head", "repo", "full_name"))
    """OWNER/NAME of where that commit is; empty if the fork is gone."""
    state: str = "open"
    """`open` or `closed`."""
    merged_at: str | None = None
    """None unless it was merged."""


class Comment(BaseModel):
    """A comment on a pull request."""

    id: Annotated[int, Field(gt=0)]
    body: str | None = None
    author: str = Field("", validation_alias=AliasPath("user", "login"))
    """Empty if the account is gone."""


class GitHub(RepositoryApi):
    """The requests that tagpipe makes of one repository."""

    def find_pulls(self, head_sha: str, head_repository: str) -> list[int]:
        """Numbers, ascending, of the open pull requests whose head is that commit in that repository.

        All open ones are read: GitHub's own look-up by commit does not find those of forks.
        """
        numbers = set()
        for pull in self.iter_pages("pulls", {"state": "open", "sort": "updated", "direction": "desc"}, Pull):
            if pull.head_sha == head_sha and pull.head_repository.casefold() == head_repository.casefold():
                numbers.add(pull.number)  # a set: a pull request updated meanwhile is on two pages
        return sorted(numbers)

    def find_comment(self, number: int, marker: str, author: str) -> int | None:
        """Id of the oldest comment that begins with `marker` and was written by `author`; None if there is none.

        Both are compared: anybody can paste the marker, and the author writes other comments too.
        """
        for comment in self.iter_pages(f"issues/{number}/comments", {}, Comment):
            if comment.author == author and (comment.body or "").lstrip().startswith(marker):
                return comment.id
        return None

    def create_comment(self, number: int, body: str) -> None:
        """Write a new comment on a pull request."""
        self.send("POST", f"issues/{number}/comments", {"body": body}, Comment)

    def update_comment(self, comment_id: int, body: str) -> None:
        """Replace the text of a comment."""
        self.send("PATCH", f"issues/comments/{comment_id}", {"body": body}, Comment)

    def list_pulls_of_branch(self, head: str, base: str) -> list[Pull]:
        """Every pull request, open and closed, from the repository's own branch `head` into `base`, newest first."""
        owner = self.repository.split("/")[0]
        query = {"state": "all", "head": f"{owner}:{head}", "base": base, "sort": "created", "direction": "desc"}
        return list(self.iter_pages("pulls", query, Pull))

    def create_pull(self, head: str, base: str, title: str, body: str) -> int:
        """Open a pull request, and return its number."""
        return self.send("POST", "pulls", {"head": head, "base": base, "title": title, "body": body}, Pull).number

    def update_pull(self, number: int, title: str, body: str) -> None:
        """Replace the title and text of a pull request."""
        self.send("PATCH", f"pulls/{number}", {"title": title, "body": body}, Pull)

    def close_pull(self, number: int) -> None:
        """Close a pull request without merging it."""
        self.send("PATCH", f"pulls/{number}", {"state": "closed"}, Pull)


def ask_github(repository: str, operation: Callable[[GitHub], Done]) -> Done:
    """The result of `operation`, done with GITHUB_TOKEN at GITHUB_API_URL and repeated as `retry_all` does.

    Raises ConfigError if one of the two cannot be used, or if GitHub refuses, and SourceUnavailable.
    """
    api_url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    with closing(GitHub(api_url, os.environ.get("GITHUB_TOKEN", ""), repository)) as github:
        return retry_all(lambda: operation(github))

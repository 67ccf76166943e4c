"""A project that follows a scripted upstream, published once, for the tests of `tagpipe publish`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.http_server import Reply, Server, answer
from support.processes import git
from tagpipe.io.versions.verify_version import verify_version
from tagpipe.io.versions.version import open_version
from tagpipe.operations.publish import Publication

Rows = list[dict[str, Any]]
PATH = "/projects.json"
VOCABULARY_PATH = "/vocabulary.json"
TIMEOUT_S = 12.0
"""Of a download, less than tagpipe waits for one read: a server that is silent is asked once."""


@dataclass(frozen=True)
class World:
    """A project whose projects come from `server`, built and committed on main; nothing is published yet.

    temp: the folder for temporary files of its runs, which must be empty behind them.
    """

    root: Path
    server: Server
    rows: Rows
    temp: Path

    def answer(self, rows: Rows) -> None:
        """What upstream says from now on, with an ETag, and 304 where it has not moved."""
        self.script(reply_with(rows))

    def script(self, *replies: Reply, path: str = PATH) -> None:
        """What upstream says from now on: one a request, the last of them again and again."""
        self.server.requests.clear()
        self.server.script[path] = replies

    def more(self, n: int = 3) -> Rows:
        """As upstream is, with some projects more."""
        return [*self.rows, *({**self.rows[0], "id": 900_000 + at, "title": f"new {at}"} for at in range(n))]

    def tip(self, ref: str = "dataset", root: Path | None = None) -> str:
        return git(root or self.root, "rev-parse", ref)

    @property
    def vocabulary(self) -> bytes:
        return (self.root / "data/source/vocabulary.json").read_bytes()


def reply_with(rows: Rows) -> Reply:
    return reply_with_bytes(json.dumps(rows).encode())


def reply_with_bytes(body: bytes) -> Reply:
    return answer(body, etag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')


def pin(url: str, body: bytes) -> dict[str, str]:
    """What params.yaml has for a source."""
    return {"url": url, "sha256": hashlib.sha256(body).hexdigest()}


def state(root: Path) -> tuple[str, ...]:
    """What must not change: HEAD, the branch, the work tree, the list of work trees."""
    asked = (("rev-parse", "HEAD"), ("symbolic-ref", "HEAD"), ("status", "--porcelain"), ("worktree", "list"))
    return tuple(git(root, *arguments) for arguments in asked)


def published(found: Publication) -> Publication:
    assert found.outcome == "published", found.reason
    return found


@contextmanager
def intact(world: World, *, ref: str = "dataset") -> Iterator[None]:
    """What is published, the workspace and the temporary folder are behind the block as they were ahead of it, and
    the published version is whole."""
    before = (state(world.root), world.tip(ref))
    yield
    assert (state(world.root), world.tip(ref)) == before
    verify_version(open_version(world.root, ref))
    assert list(world.temp.iterdir()) == []

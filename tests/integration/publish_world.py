"""A project that follows a scripted upstream, published once; as a plugin, for the tests of `tagpipe publish`."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from http_server import Reply, Server, answer, serve
from processes import build, dvc, git

from tagpipe.io.repository.yaml_file import set_values
from tagpipe.io.versions.version import open_version, verify_version
from tagpipe.operations.init_repository import init_repository
from tagpipe.operations.publish import Publication

Rows = list[dict[str, Any]]
PATH = "/projects.json"
VOCABULARY_PATH = "/vocabulary.json"
TIMEOUT_S = 2.0


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


@pytest.fixture(scope="session")
def upstream() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def built(upstream: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose projects are pinned to `upstream`, built and committed on main."""
    root = tmp_path_factory.mktemp("publish") / "template"
    init_repository(root)
    body = json.dumps(json.loads((root / "data/source/projects.json").read_text(encoding="utf-8"))).encode()
    upstream.script[PATH] = [reply_with_bytes(body)]
    set_values(
        root / "params.yaml",
        {
            ("source", "projects"): pin(upstream.url(PATH), body),
            ("source", "download", "allow_private"): True,
            ("source", "download", "attempts"): 2,
            ("source", "download", "timeout_s"): TIMEOUT_S,
        },
    )
    build(root)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "the first version")
    git(root, "branch", "-M", "main")
    return root


@pytest.fixture
def world(built: Path, upstream: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    root, temp = tmp_path / "project", tmp_path / "temp"
    shutil.copytree(built, root, symlinks=True)
    temp.mkdir()
    monkeypatch.setenv("TMPDIR", str(temp))
    monkeypatch.setattr(tempfile, "tempdir", None)
    rows = json.loads((root / "data/source/projects.json").read_text(encoding="utf-8"))
    upstream.script.clear()
    found = World(root, upstream, rows, temp)
    found.answer(rows)
    return found


@pytest.fixture
def published_world(world: World) -> World:
    """Its first version is what is published."""
    git(world.root, "branch", "dataset")
    return world


@pytest.fixture
def pair(published_world: World) -> World:
    """As published_world, with the vocabulary from upstream, too."""
    world = published_world
    url = world.server.url(VOCABULARY_PATH)
    set_values(world.root / "params.yaml", {("source", "vocabulary"): pin(url, world.vocabulary)})
    world.script(reply_with_bytes(world.vocabulary), path=VOCABULARY_PATH)
    build(world.root)
    git(world.root, "commit", "-qam", "both from upstream")
    git(world.root, "branch", "-f", "dataset")
    return world


@pytest.fixture
def remotes(world: World, tmp_path: Path) -> Path:
    """A bare git remote and a DVC remote beside it; publishing goes to its branch main."""
    dvc(world.root, "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    set_values(world.root / "params.yaml", {("publish", "to"): "branch"})
    git(world.root, "commit", "-qam", "remotes")
    dvc(world.root, "push")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(world.root), str(bare))
    git(world.root, "remote", "add", "origin", str(bare))
    return bare

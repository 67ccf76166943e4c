"""Projects that follow a scripted upstream, in the states that publishing finds them in."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.http_server import Server, serve
from support.in_process import build, dvc
from support.processes import git
from support.publish_world import PATH, TIMEOUT_S, VOCABULARY_PATH, World, pin, reply_with_bytes

from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.init_repository import init_repository


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

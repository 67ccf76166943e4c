"""`tagpipe publish` with a real git remote, a real DVC remote and an upstream whose answers are scripted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.github_server import REPOSITORY, TOKEN, serve_github
from support.http_server import head, raw
from support.in_process import dvc
from support.processes import add_hook, git
from support.publish_world import PATH, World, published, state

import tagpipe
from tagpipe.errors import Busy, ConfigError, SourceUnavailable
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations import publish as publication
from tagpipe.operations.init_repository import init_repository
from tagpipe.operations.publish import publish

pytestmark = pytest.mark.usefixtures("in_process")


def test_an_unchanged_upstream_costs_one_conditional_request(world: World) -> None:
    assert publish(world.root).outcome == "unchanged"
    world.server.script[PATH] = [raw(head(304))]
    assert publish(world.root).outcome == "unchanged"
    assert "if-none-match" in {name.lower() for name in world.server.requests[-1][1]}


def test_a_change_becomes_one_commit_on_the_local_branch(world: World) -> None:
    before = state(world.root)
    world.answer(world.more())
    found = published(publish(world.root))
    assert (found.ref, found.commit) == ("dataset", world.tip())
    assert state(world.root) == before
    assert git(world.root, "log", "--format=%s", f"main..{world.tip()}") == (
        "Follow upstream: 3 projects added, 6 labels changed"
    )
    changed = set(git(world.root, "diff", "--name-only", "main", "dataset").splitlines())
    assert {"params.yaml", "dvc.lock", "data/reports/threshold.json"} <= changed
    assert all(name in ("params.yaml", "dvc.lock") or name.startswith("data/reports/") for name in changed)
    assert "### " in git(world.root, "log", "-1", "--format=%b", "dataset")
    version = tagpipe.load(world.root, rev="dataset")
    assert version.content_sha256 == found.content_sha256
    assert len(version.manifest.sources["projects"]) == 64
    assert publish(world.root).outcome == "unchanged"
    world.answer(world.more(4))
    parent = published(publish(world.root)).commit
    assert git(world.root, "rev-parse", f"{parent}^") == found.commit


@pytest.mark.slow
def test_a_publication_in_a_hook_leaves_the_commit_under_way_as_it_is(world: World) -> None:
    """Git's variables in a hook name the index and the repository of that commit."""
    world.answer(world.more())
    log = add_hook(world.root, "pre-commit", "tagpipe publish")
    with (world.root / "README.md").open("a", encoding="utf-8") as file:
        file.write("another line\n")
    git(world.root, "commit", "--quiet", "--all", "-m", "Another line")
    assert log.read_text(encoding="utf-8").startswith("published: ")
    assert git(world.root, "show", "--format=", "--unified=0", "HEAD").endswith("+another line")
    assert git(world.root, "show", "--format=", "--name-only", "HEAD") == "README.md"
    assert git(world.root, "status", "--porcelain") == ""
    assert git(world.root, "log", "-1", "--format=%s", "dataset").startswith("Follow upstream: 3 projects added")


@pytest.mark.slow
def test_a_checked_out_branch_is_not_moved(world: World) -> None:
    git(world.root, "checkout", "-qb", "dataset")
    world.answer(world.more())
    with pytest.raises(ConfigError, match="is checked out"):
        publish(world.root)


def test_a_second_publication_is_busy(world: World) -> None:
    with hold_run_lock(world.root / ".tagpipe", command="another"), pytest.raises(Busy):
        publish(world.root)


def test_a_project_without_a_url_has_no_upstream(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    init_repository(root)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "no upstream")
    with pytest.raises(ConfigError, match="no upstream to follow"):
        publish(root)


# With remotes


@pytest.mark.slow
def test_a_branch_is_pushed_and_a_clean_clone_can_pull_it(world: World, remotes: Path, tmp_path: Path) -> None:
    before = state(world.root)
    world.answer(world.more())
    found = published(publish(world.root))
    assert world.tip("main", remotes) == found.commit
    assert state(world.root) == before
    git(tmp_path, "clone", "-q", str(remotes), "clone")
    dvc(tmp_path / "clone", "pull")
    assert tagpipe.load(tmp_path / "clone").content_sha256 == found.content_sha256


@pytest.mark.slow
def test_a_branch_that_moved_is_built_on(world: World, remotes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody pushes while the first candidate is built; the second begins where they ended, and nothing is forced."""
    moved: list[str] = []
    really_run = publication.run_in_worktree

    def run_and_move(tree: Path) -> None:
        really_run(tree)
        if not moved:
            (world.root / "NOTES").write_text("from somebody else", encoding="utf-8")
            git(world.root, "add", "NOTES")
            git(world.root, "commit", "-qm", "somebody else's")
            git(world.root, "push", "-q", "origin", "HEAD:main")
            moved.append(git(world.root, "rev-parse", "HEAD"))

    monkeypatch.setattr(publication, "run_in_worktree", run_and_move)
    world.answer(world.more())
    found = published(publish(world.root))
    assert world.tip("main", remotes) == found.commit
    assert git(remotes, "rev-parse", "main^") == moved[0]


@pytest.mark.slow
def test_a_refused_push_publishes_nothing(world: World, remotes: Path) -> None:
    hook = remotes / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    before = world.tip("main", remotes)
    world.answer(world.more())
    with pytest.raises(SourceUnavailable, match="does not take the push"):
        publish(world.root)
    assert world.tip("main", remotes) == before
    hook.unlink()
    published(publish(world.root))


@pytest.mark.slow
def test_without_a_reachable_store_nothing_is_published(world: World, remotes: Path, tmp_path: Path) -> None:
    before = world.tip("main", remotes)
    (tmp_path / "store").rename(tmp_path / "moved")
    (tmp_path / "store").write_text("no folder", encoding="utf-8")
    world.answer(world.more())
    with pytest.raises(SourceUnavailable, match="dvc push failed"):
        publish(world.root)
    assert world.tip("main", remotes) == before
    (tmp_path / "store").unlink()
    (tmp_path / "moved").rename(tmp_path / "store")
    published(publish(world.root))


@pytest.mark.slow
def test_a_git_remote_that_is_gone_is_unavailable(world: World, remotes: Path) -> None:
    remotes.rename(remotes.with_name("elsewhere.git"))
    with pytest.raises(SourceUnavailable, match="the git remote cannot be read"):
        publish(world.root)


@pytest.mark.slow
def test_one_pull_request_is_opened_and_then_written_anew(
    world: World, remotes: Path, monkeypatch: pytest.MonkeyPatch, tagpipe: Callable[..., Any]
) -> None:
    set_values(world.root / "params.yaml", {("publish", "to"): "pull-request"})
    git(world.root, "commit", "-qam", "by pull request")
    git(world.root, "push", "-q", "origin", "HEAD:main")
    monkeypatch.chdir(world.root)
    with serve_github() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        world.answer(world.more())
        ended = tagpipe("publish", "--json")
        first = json.loads(ended.stdout)
        assert (first["outcome"], first["ref"]) == ("proposed", "refresh/upstream")
        assert world.tip("refresh/upstream", remotes) == first["commit"]
        assert tagpipe("publish").stdout.startswith("unchanged: the candidate of pull request #70 has")
        world.answer(world.more(5))
        second = json.loads(tagpipe("publish", "--json").stdout)
        assert second["pull_request"] == first["pull_request"]
        assert world.tip("refresh/upstream", remotes) == second["commit"]
        assert [method for method, _ in server.written] == ["POST", "PATCH"]
        assert TOKEN not in ended.stdout + ended.stderr
    assert TOKEN not in git(world.root, "log", "--all", "--format=%B")

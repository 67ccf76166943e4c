"""The one pull request of `publish.to: pull-request`, with a real git remote and a server that plays GitHub's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.github_server import REPOSITORY, TOKEN, Fault, GitHubServer, serve_github
from support.in_process import build, dvc
from support.processes import git
from support.publish_world import World

from tagpipe.errors import ConfigError
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.publish import publish

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_process")]
BRANCH = "refresh/upstream"


@pytest.fixture
def github(world: World, remotes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    """GitHub's API for the project, which publishes by pull request."""
    set_values(world.root / "params.yaml", {("publish", "to"): "pull-request"})
    git(world.root, "commit", "-qam", "by pull request")
    git(world.root, "push", "-q", "origin", "HEAD:main")
    with serve_github() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield server


def test_pull_request_that_could_not_be_opened_is_opened_later(
    world: World, remotes: Path, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.answer(world.more())
    with monkeypatch.context() as without:
        without.setenv("GITHUB_TOKEN", "")
        with pytest.raises(ConfigError, match="GITHUB_TOKEN"):
            publish(world.root)
    assert git(remotes, "branch", "--list", BRANCH) == "", "nothing is pushed that nobody could be shown"
    github.faults.append(Fault(422, method="POST"))
    with pytest.raises(ConfigError, match="status 422"):
        publish(world.root)
    pushed = world.tip(BRANCH, remotes)
    found = publish(world.root)
    assert (found.outcome, found.commit, found.pull_request) == ("proposed", pushed, 70)
    assert github.opened[0]["title"] == "Follow upstream: 3 projects added, 6 labels changed"
    assert "### " in github.opened[0]["body"]
    assert publish(world.root).outcome == "unchanged"
    # A person closes it: that is an answer, and the same candidate is not proposed again.
    github.opened[0] |= {"state": "closed", "sha": pushed}
    found = publish(world.root)
    assert (found.outcome, found.pull_request) == ("unchanged", 70)
    assert "was closed" in found.reason
    assert len(github.opened) == 1


def test_candidate_goes_with_its_base_and_with_upstream(world: World, remotes: Path, github: GitHubServer) -> None:
    world.answer(world.more())
    first = publish(world.root)
    assert first.outcome == "proposed"
    (world.root / "NOTES").write_text("no input of a version", encoding="utf-8")
    git(world.root, "add", "NOTES")
    git(world.root, "commit", "-qm", "notes")
    git(world.root, "push", "-q", "origin", "HEAD:main")
    assert publish(world.root).outcome == "unchanged", "the base has the same inputs"
    set_values(world.root / "params.yaml", {("threshold", "min_projects"): 13})
    build(world.root)
    git(world.root, "commit", "-qam", "another cut")
    dvc(world.root, "push", "-q")
    git(world.root, "push", "-q", "origin", "HEAD:main")
    second = publish(world.root)
    assert second.outcome == "proposed"
    assert git(remotes, "rev-parse", f"{BRANCH}^") == world.tip("main", remotes)
    assert second.pull_request == first.pull_request
    # Upstream takes its new bytes back.
    world.answer(world.rows)
    found = publish(world.root)
    assert (found.outcome, github.opened[0]["state"]) == ("unchanged", "closed")
    assert "taken back" in found.reason
    assert "Upstream is again" in github.comments[0]["body"]
    assert git(remotes, "branch", "--list", BRANCH) == ""
    assert publish(world.root).outcome == "unchanged"


def test_other_bytes_of_the_same_dataset_are_no_change(world: World, remotes: Path, github: GitHubServer) -> None:
    world.answer(world.rows[::-1])
    found = publish(world.root)
    assert found.outcome == "unchanged"
    assert "other bytes" in found.reason
    assert github.opened == []

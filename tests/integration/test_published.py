"""The one ref update of a publication, and what is read before it, with a real repository and a bare remote."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from support.paths import REPO
from support.processes import git

from tagpipe.errors import ConfigError, SourceUnavailable
from tagpipe.io.git import remote as remote_module
from tagpipe.io.git.remote import list_refs
from tagpipe.io.publication.refs import (
    Moved,
    Refs,
    drop_candidate,
    keep_refused,
    move_published,
    read_params_at,
    read_refs,
)
from tagpipe.params import PublishParams

LOCAL = PublishParams(to="local", branch="main", remote="origin")
BRANCH = PublishParams(to="branch", branch="main", remote="origin")
PROPOSED = PublishParams(to="pull-request", branch="main", remote="origin")
ZEROS = "0" * 40
DIGEST = "ab" * 32


def make_commit(root: Path, name: str, *parents: str) -> str:
    return git(root, "commit-tree", "-m", name, *(part for each in parents for part in ("-p", each)), "HEAD^{tree}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit, and the bare remote `origin` that has it."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "test")
    git(folder, "config", "user.email", "test@localhost")
    (folder / "file").write_text("content", encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", "--bare", str(folder), str(tmp_path / "bare.git"))
    git(folder, "remote", "add", "origin", str(tmp_path / "bare.git"))
    return folder


@pytest.fixture
def first(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")


def move_local(root: Path, expected: str, commit: str) -> None:
    move_published(root, LOCAL, Refs(expected, None, {}, expected), commit)


def test_local_branch_that_somebody_moved_is_not_overwritten(root: Path, first: str) -> None:
    theirs, ours = make_commit(root, "theirs"), make_commit(root, "ours")
    refs = read_refs(root, LOCAL)
    assert (refs.base, refs.expected) == (first, ZEROS)
    git(root, "branch", "dataset", theirs)
    with pytest.raises(Moved):
        move_published(root, LOCAL, refs, ours)
    assert git(root, "rev-parse", "dataset") == theirs
    move_published(root, LOCAL, read_refs(root, LOCAL), ours)
    assert git(root, "rev-parse", "dataset") == ours


def test_ref_that_git_cannot_move_is_no_branch_that_moved(root: Path, first: str) -> None:
    git(root, "branch", "dataset/of-somebody")
    with pytest.raises(ConfigError, match="branch dataset: cannot be moved"):
        move_local(root, ZEROS, first)


def test_lock_of_a_killed_git_is_removed_once_it_is_old(root: Path, first: str) -> None:
    move_local(root, ZEROS, first)
    lock = root / ".git/refs/heads/dataset.lock"
    lock.touch()
    after = make_commit(root, "after", first)
    with pytest.raises(ConfigError, match=r"dataset\.lock"):
        move_local(root, first, after)
    os.utime(lock, times=(time.time() - 3600,) * 2)
    move_local(root, first, after)
    assert git(root, "rev-parse", "dataset") == after
    assert not lock.exists()


def test_push_whose_answer_was_lost_is_done(root: Path, first: str) -> None:
    ours = make_commit(root, "ours", first)
    refs = read_refs(root, BRANCH)
    hook = root.parent / "bare.git/hooks/post-receive"
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n", encoding="utf-8")  # the ref has moved, and git says nothing of it
    hook.chmod(0o755)
    assert move_published(root, BRANCH, refs, ours) == "main"
    assert list_refs(root, "origin", "refs/heads/main") == {"refs/heads/main": ours}


def test_branch_of_the_remote_that_somebody_moved_is_not_overwritten(root: Path, first: str) -> None:
    refs = read_refs(root, BRANCH)
    theirs = make_commit(root, "theirs", first)
    git(root, "push", "-q", "origin", f"{theirs}:refs/heads/main")
    with pytest.raises(Moved):
        move_published(root, BRANCH, refs, make_commit(root, "ours", first))
    assert read_refs(root, BRANCH).base == theirs


def test_candidate_that_somebody_moved_is_not_overwritten(root: Path, first: str) -> None:
    assert move_published(root, PROPOSED, read_refs(root, PROPOSED), make_commit(root, "one", first)) == (
        "refresh/upstream"
    )
    refs = read_refs(root, PROPOSED)
    theirs = make_commit(root, "theirs", first)
    git(root, "push", "-qf", "origin", f"{theirs}:refs/heads/refresh/upstream")
    with pytest.raises(Moved):
        move_published(root, PROPOSED, refs, make_commit(root, "two", first))
    with pytest.raises(SourceUnavailable):
        drop_candidate(root, PROPOSED, str(refs.candidate))
    drop_candidate(root, PROPOSED, str(read_refs(root, PROPOSED).candidate))
    assert read_refs(root, PROPOSED).candidate is None


def test_a_refused_digest_has_one_branch_whoever_looks(root: Path, first: str, tmp_path: Path) -> None:
    ours = make_commit(root, "refused", first)
    name, commit, trouble = keep_refused(root, BRANCH, read_refs(root, BRANCH), ours, DIGEST)
    assert (commit, trouble) == (ours, "")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(tmp_path / "bare.git"), str(clone))
    again = keep_refused(clone, BRANCH, read_refs(clone, BRANCH), first, DIGEST)
    assert again == (name, ours, "")
    assert keep_refused(root, LOCAL, read_refs(root, LOCAL), first, DIGEST)[:2] == (name, ours)


def test_a_refused_candidate_that_the_remote_does_not_take_is_kept_here(root: Path, first: str) -> None:
    hook = root.parent / "bare.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho not here >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    name, commit, trouble = keep_refused(root, BRANCH, read_refs(root, BRANCH), first, DIGEST)
    assert git(root, "rev-parse", name) == commit
    assert "not here" in trouble


def test_what_the_remote_does_not_have_is_a_setting_not_an_outage(root: Path) -> None:
    with pytest.raises(ConfigError, match="no such branch"):
        read_refs(root, BRANCH.model_copy(update={"branch": "nightly"}))
    with pytest.raises(ConfigError, match="no such git remote"):
        read_refs(root, BRANCH.model_copy(update={"remote": "upstream"}))


def test_a_remote_that_never_answers_is_given_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "TIMEOUT_S", 0.5)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
    git(root, "remote", "set-url", "origin", "ext::sleep 60")
    with pytest.raises(SourceUnavailable, match="had no answer within"):
        read_refs(root, BRANCH)


def test_a_version_without_gates_publishes_nothing(root: Path) -> None:
    text = (REPO / "params.yaml").read_text(encoding="utf-8")
    head, _, _ = text.partition("monitor:")
    (root / "params.yaml").write_text(re.sub("schema: [0-9]", "schema: 1", head), encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "form 1")
    with pytest.raises(ConfigError, match="no gates"):
        read_params_at(root, git(root, "rev-parse", "HEAD"), with_gates=True)

"""Git as people have it: repositories that it refuses, names in other encodings, settings and line endings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.in_process import build, dvc
from support.processes import OPENS_REVISIONS, commit, git, run
from support.small_repository import PROJECTS, build_small, init_small

from tagpipe.errors import ConfigError, InputError
from tagpipe.operations.compare import compare
from tagpipe.operations.load import load

pytestmark = OPENS_REVISIONS
Tagpipe = Callable[..., Any]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("surroundings") / "template"
    build_small(root)
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


# A repository that git refuses


def belong_to_somebody_else(_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def be_too_new(root: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "config", "core.repositoryFormatVersion", "99")


def have_an_unknown_extension(root: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "config", "core.repositoryFormatVersion", "1")
    git(root, "config", "extensions.tomorrow", "true")


def have_an_empty_object(root: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    name = git(root, "rev-parse", "HEAD")
    path = root / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"")


def have_a_damaged_head(root: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".git/HEAD").write_bytes(b"\0" * 20)


def have_a_broken_setting(root: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    with (root / ".git/config").open("a", encoding="utf-8") as file:
        file.write("[core\n")


REFUSED = [
    (belong_to_somebody_else, "detected dubious ownership", "git config --global --add safe.directory"),
    (be_too_new, "repo version", "Use a newer git"),
    (have_an_unknown_extension, "extension", "Use a newer git"),
    (have_an_empty_object, "is empty", "git fsck"),
    (have_a_damaged_head, "is damaged", "another clone"),
    (have_a_broken_setting, "bad config line", "Correct that setting"),
]


@pytest.mark.parametrize("arguments", [("diff", "v1", "workspace"), ("log",), ("doctor",)], ids=lambda args: args[0])
@pytest.mark.parametrize(("spoil", "reason", "fix"), REFUSED, ids=[spoil.__name__ for spoil, *_ in REFUSED])
def test_the_reason_why_git_refuses_a_repository_is_passed_on(
    project: Path,
    tagpipe: Tagpipe,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    spoil: Callable[..., None],
    reason: str,
    fix: str,
) -> None:
    spoil(project, monkeypatch)
    ended = tagpipe(*arguments)
    assert ended.exit_code == 2, ended.stderr
    said = " ".join((ended.stdout + ended.stderr).split())
    assert reason in said
    assert fix in said
    assert "is no revision" not in said
    assert "git init" not in said


# Text in other encodings


@pytest.fixture
def latin(project: Path) -> Path:
    """Everything in git's text that can be in Latin-1: author, subject, body, a file name, a branch."""
    git(project, "config", "user.name", os.fsdecode(b"Zo\xeb"))
    (project / os.fsdecode(b"na\xefve.txt")).write_text("x", encoding="utf-8")
    git(project, "add", "-A")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_AUTHOR", "GIT_COMM"))}
    environment |= {"GIT_AUTHOR_EMAIL": "zoe@example.org", "GIT_COMMITTER_EMAIL": "zoe@example.org"}
    parameters = project / "params.yaml"
    parameters.write_text(parameters.read_text(encoding="utf-8").replace("min_projects: 1", "min_projects: 2"))
    build(project)
    message = b"Caf\xe9 au lait\n\nBr\xfbl\xe9\n"
    subprocess.run(["git", "commit", "-qaF", "-"], cwd=project, input=message, env=environment, check=True)
    git(project, "branch", os.fsdecode(b"caf\xe9"))
    return project


def test_a_name_in_another_encoding_is_written_readably(
    latin: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.delenv(name)
    ended = tagpipe("vocab", "add", "pottery", "--yes")
    assert ended.exit_code == 0, ended.stderr
    (line,) = (latin / "data/curation/vocabulary-log.jsonl").read_bytes().splitlines()
    assert json.loads(line)["who"].startswith("Zo\ufffd <")


@pytest.mark.parametrize(
    "arguments",
    [
        ("log",),
        ("log", "--json"),
        ("history", "ocr", "--json"),
        ("diff", "v1", os.fsdecode(b"caf\xe9")),
        ("diff", "v1", os.fsdecode(b"caf\xe9"), "--json"),
        ("doctor",),
        ("doctor", "--json"),
    ],
    ids=lambda args: args[0],
)
def test_text_in_another_encoding_never_ends_a_command(latin: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tagpipe", *arguments]
    done = subprocess.run(command, cwd=latin, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert b"Traceback" not in done.stderr
    if "--json" in arguments:
        tree = json.loads(done.stdout)
        assert arguments[0] != "log" or "Caf" in str(tree)


# Names that are no revision

ODD_NAMES = [
    "^HEAD", "HEAD..v1", "HEAD...v1", "a" * 5_000, "a\0b", " ", "HEAD^{tree}", "v1:params.yaml", "@{u}", "HEAD@{100}",
    ":/None", "-x", "refs/exps/none", "*", "a\nb", "HEAD^99", "HEAD~999", "stash@{0}", "/", "..",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_that_is_no_revision_is_refused_in_words(project: Path, tagpipe: Tagpipe, name: str) -> None:
    for sides in ((name, "workspace"), ("v1", name)):
        ended = tagpipe("diff", "--", *sides)
        assert ended.exit_code == 2, ended.stderr
        assert ended.stderr.startswith("error: ")
        assert len(ended.stderr) < 1_000
    with pytest.raises((InputError, ConfigError)):
        load(project, rev=name)


@pytest.mark.parametrize("name", ["@", "v1^0", "v1^{}", "HEAD", "main", "refs/heads/main", ".", "workspace"])
def test_what_git_takes_for_a_revision_is_one(project: Path, tagpipe: Tagpipe, name: str) -> None:
    assert tagpipe("diff", "--", name, "workspace").exit_code == 0


# Settings of people's own

SETTINGS = """[user]
    name = Ann
    email = ann@example.org
[color]
    ui = always
[log]
    showSignature = true
    decorate = full
    date = raw
    follow = true
[diff]
    external = false
    noprefix = true
    mnemonicPrefix = true
    renames = copies
[core]
    autocrlf = true
    quotePath = true
    fsmonitor = true
    pager = false
[commit]
    gpgSign = true
[gpg]
    program = false
[format]
    pretty = fuller
[alias]
    log = status
    rev-parse = status
[status]
    short = true
    branch = true
[push]
    followTags = true
[init]
    defaultBranch = trunk
[help]
    autoCorrect = immediate
"""


def test_settings_of_people_change_no_result(
    project: Path, tagpipe: Tagpipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = project / "params.yaml"
    parameters.write_text(parameters.read_text(encoding="utf-8").replace("min_projects: 1", "min_projects: 2"))
    build(project)
    commit(project, "A higher cut, Größe 2")

    def results() -> list[str]:
        commands = (["diff", "v1", "HEAD", "--json"], ["log", "--json"], ["doctor", "--json"])
        return [tagpipe(*arguments).stdout for arguments in commands]

    before = results()
    (tmp_path / "gitconfig").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    shutil.rmtree(project / ".dvc/cache")
    assert results()[1:] == before[1:]
    rebuilt = json.loads(tagpipe("diff", "v1", "HEAD", "--rebuild", "--json").stdout)
    assert rebuilt == json.loads(before[0])


# Line endings


@pytest.mark.parametrize("autocrlf", ["input", "true"])
def test_what_is_hashed_keeps_its_bytes_in_every_clone(
    tmp_path: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, autocrlf: str
) -> None:
    (tmp_path / "gitconfig").write_text(f"[core]\nautocrlf = {autocrlf}\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    root = tmp_path / "project"
    init_small(root, projects=PROJECTS.replace("\n", "\r\n"))
    build(root)
    commit(root, "First version")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(root), str(clone))
    shutil.copytree(root / ".dvc/cache", clone / ".dvc/cache")
    run(clone, "dvc", "checkout", "-q")
    assert (clone / "data/source/projects.csv").read_bytes() == (root / "data/source/projects.csv").read_bytes()
    dvc(clone, "status", "-q")  # an error if anything is out of date
    assert git(clone, "status", "--porcelain") == ""
    monkeypatch.chdir(clone)
    assert compare(clone, "HEAD", "workspace").document.is_same
    assert compare(clone, "HEAD", "HEAD").document.is_same


def test_doctor_names_what_git_has_with_other_line_endings(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "line endings" in tagpipe("doctor").stdout
    (project / ".gitattributes").unlink()
    commit(project, "No attributes")
    git(project, "config", "core.autocrlf", "true")
    said = tagpipe("doctor").stdout
    assert "data/source" in said
    assert "-text" in said

"""tagpipe inside git: in hooks, `rebase --exec` and `bisect run`, which get variables that name their repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes import add_hook, commit, git
from support.small_repository import build_small

from tagpipe.io.repository.git_variables import without_git_variables
from tagpipe.io.repository.programs import run_program

REBUILD = "tagpipe diff v1 HEAD --rebuild"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first version, and a second commit; the data of both is nowhere, so that a comparison must rebuild."""
    root = tmp_path_factory.mktemp("inside") / "template"
    build_small(root)
    (root / "README.md").write_text("first\nsecond\n", encoding="utf-8")
    commit(root, "Second commit")
    shutil.rmtree(root / ".dvc/cache")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    return root


def ended_well(log: Path) -> bool:
    text = log.read_text(encoding="utf-8")
    assert text.endswith("exit 0\n"), text
    return "No difference" in text


def append(root: Path, line: str) -> None:
    with (root / "README.md").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def commit_all(root: Path) -> None:
    append(root, "third")
    git(root, "commit", "--quiet", "--all", "-m", "Third commit")


def commit_staged(root: Path) -> None:
    append(root, "third")
    git(root, "add", "README.md")
    git(root, "commit", "--quiet", "-m", "Third commit")


def commit_in_a_linked_work_tree(root: Path) -> None:
    linked = root.parent / "linked"
    git(root, "worktree", "add", "--quiet", "-b", "side", str(linked))
    commit_all(linked)
    git(root, "merge", "--quiet", "--ff-only", "side")


def check_out_and_commit(root: Path) -> None:
    git(root, "checkout", "--quiet", "-b", "side")
    commit_all(root)


def push(root: Path) -> None:
    git(root, "init", "--quiet", "--bare", str(root.parent / "bare.git"))
    git(root, "remote", "add", "bare", str(root.parent / "bare.git"))
    commit_all(root)
    git(root, "push", "--quiet", "bare", "main")


@pytest.mark.parametrize(
    ("hook", "act"),
    [
        ("pre-commit", commit_all),
        pytest.param("pre-commit", commit_staged, marks=pytest.mark.slow),
        pytest.param("pre-commit", commit_in_a_linked_work_tree, marks=pytest.mark.slow),
        pytest.param("commit-msg", commit_all, marks=pytest.mark.slow),
        pytest.param("post-commit", commit_all, marks=pytest.mark.slow),
        pytest.param("post-checkout", check_out_and_commit, marks=pytest.mark.slow),
        pytest.param("pre-push", push, marks=pytest.mark.slow),
    ],
)
def test_a_comparison_in_a_hook_leaves_the_commit_as_it_is(
    project: Path, hook: str, act: Callable[[Path], None]
) -> None:
    log = add_hook(project, hook, REBUILD)
    act(project)
    assert ended_well(log)
    assert git(project, "show", "--format=", "--unified=0", "HEAD").endswith("+third")
    assert git(project, "diff", "--stat", "HEAD~1", "HEAD").splitlines()[0].split() == ["README.md", "|", "1", "+"]
    assert git(project, "status", "--porcelain", "--untracked-files=no") == ""
    git(project, "fsck", "--strict", "--no-dangling")
    assert "tagpipe-" not in git(project, "worktree", "list")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["rebase", "bisect"])
def test_a_comparison_under_rebase_and_bisect(project: Path, command: str) -> None:
    commit_all(project)
    before = git(project, "rev-parse", "HEAD^{tree}")
    if command == "rebase":
        git(project, "rebase", "--quiet", "--force-rebase", "--exec", REBUILD, "HEAD~2")
    else:
        git(project, "bisect", "start", "HEAD", "v1")
        assert "is the first bad commit" in git(project, "bisect", "run", "sh", "-c", f"! {REBUILD}")
        git(project, "bisect", "reset")
    assert git(project, "rev-parse", "HEAD^{tree}") == before
    assert git(project, "status", "--porcelain", "--untracked-files=no") == ""


def test_no_process_of_tagpipe_gets_a_variable_of_git_that_names_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = git(tmp_path, "rev-parse", "--local-env-vars").split()
    assert "GIT_INDEX_FILE" in names
    for name in names:
        monkeypatch.setenv(name, "0" if name == "GIT_CONFIG_COUNT" else "elsewhere")
    shown = run_program([sys.executable, "-c", "import os; print(*os.environ)"], tmp_path).stdout.decode().split()
    assert set(shown) & set(names) == {"GIT_CONFIG_COUNT"}  # settings that somebody exports are meant
    assert "GIT_AUTHOR_NAME" in shown
    assert set(without_git_variables(dict.fromkeys(names, ""))) == {"GIT_CONFIG_COUNT"}


def test_the_command_line_looks_for_its_repository_where_it_is(project: Path) -> None:
    """DVC, in the same process, would take GIT_DIR and GIT_WORK_TREE for its own."""
    surroundings = {"GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/", "GIT_INDEX_FILE": "/nowhere/index"}
    command = [sys.executable, "-m", "tagpipe", "log", "--json"]
    done = subprocess.run(
        command, cwd=project, env={**os.environ, **surroundings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "First version" in done.stdout

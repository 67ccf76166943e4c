"""Work trees that a kill has left behind: removed once nobody works in them any more; nobody else's is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.processes import git

from tagpipe.errors import Busy
from tagpipe.io.git import worktree
from tagpipe.io.git.worktree import clear_worktrees, temporary_worktree

PREFIX = "tagpipe-test-"

MAKE = """
import sys, time
from pathlib import Path
from tagpipe.io.git.worktree import temporary_worktree
with temporary_worktree(Path.cwd(), "HEAD", prefix=sys.argv[1]) as tree:
    print(tree, flush=True)
    time.sleep(600)
"""

WORK = """
import sys, time
from pathlib import Path
print("at work", flush=True)
time.sleep(float(sys.argv[1]))
Path("result").write_text("whole")
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository; temporary folders are in a folder of their own beside it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def leave_behind(root: Path) -> Path:
    """A work tree whose program was killed."""
    process = start(MAKE, root, PREFIX)
    assert process.stdout is not None
    tree = Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()
    return tree


def start_work(tree: Path, seconds: float) -> subprocess.Popen[str]:
    process = start(WORK, tree, str(seconds))
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


def start(program: str, folder: Path, argument: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    command = [sys.executable, "-c", program, argument]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def left(root: Path) -> tuple[int, int]:
    """(temporary folders, work trees that git knows besides the main one)."""
    return len(list(Path(tempfile.gettempdir()).iterdir())), len(git(root, "worktree", "list").splitlines()) - 1


def test_tree_of_a_killed_program_is_removed(root: Path) -> None:
    leave_behind(root)
    assert left(root) == (1, 1)
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


def test_whoever_still_works_in_a_tree_is_waited_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orphan = start_work(leave_behind(root), 1.0)
    clear_worktrees(root, PREFIX)
    assert orphan.poll() == 0, "the tree was removed under a living process"
    orphan.communicate()
    assert f"waiting for what was left behind: process {orphan.pid} (python" in capsys.readouterr().err
    assert left(root) == (0, 0)


def test_whoever_does_not_end_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worktree, "ORPHAN_TIMEOUT_S", 0.2)
    tree = leave_behind(root)
    orphan = start_work(tree, 600)
    with pytest.raises(
        Busy, match=f"left behind processes that do not end; found process {orphan.pid} \\(python"
    ) as caught:
        clear_worktrees(root, PREFIX)
    assert caught.value.exit_code == 6
    assert tree.is_dir()
    orphan.kill()
    orphan.communicate()
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


def test_own_tree_is_not_removed_under_an_orphan_either(root: Path) -> None:
    """As where `tagpipe run` alone was killed in it: its DVC and the stage go on."""
    with temporary_worktree(root, "HEAD", prefix=PREFIX) as tree:
        orphan = start_work(tree, 0.5)
    assert orphan.poll() == 0
    orphan.communicate()
    assert left(root) == (0, 0)


def test_tree_that_git_was_killed_in_making_is_removed(root: Path) -> None:
    git(root, "worktree", "lock", "--reason", "initializing", str(leave_behind(root)))
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


@pytest.mark.parametrize("kill_came", ["before git knew of it", "after git forgot it", "after its folder was gone"])
def test_half_of_a_tree_is_removed(root: Path, kill_came: str) -> None:
    tree = leave_behind(root)
    if kill_came == "after its folder was gone":
        shutil.rmtree(tree.parent)
    else:
        git(root, "worktree", "remove", "--force", str(tree))
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


def test_tree_of_another_project_in_the_repository_stays(root: Path) -> None:
    """Its publication may be at work: it has a lock of its own."""
    for name in ("one", "other"):
        (root / name).mkdir()
        (root / name / "params.yaml").touch()
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two projects")
    tree = leave_behind(root / "one")
    clear_worktrees(root / "other", PREFIX)
    assert tree.is_dir()
    clear_worktrees(root / "one", PREFIX)
    assert left(root) == (0, 0)

"""Work trees that a kill has left behind: removed once nobody works in them any more; nobody else's is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes import Start, git

from tagpipe.errors import Busy
from tagpipe.io.git import worktree
from tagpipe.io.git.worktree import clear_worktrees, temporary_worktree

LeaveBehind = Callable[[Path], Path]
Work = Callable[[Path], subprocess.Popen[str]]

PREFIX = "tagpipe-test-"

MAKE = """
import sys, time
from pathlib import Path
from tagpipe.io.git.worktree import temporary_worktree
with temporary_worktree(Path.cwd(), "HEAD", prefix=sys.argv[1]) as tree:
    print(tree, flush=True)
    time.sleep(3600)
"""

WORK = """
import sys, time
from pathlib import Path
print("at work", flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
Path("result").write_text("whole")
"""
"""It works until there is the file that it is given; it fails if its folder is not there any more."""


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


@pytest.fixture
def leave_behind(start: Start) -> LeaveBehind:
    """A work tree whose program was killed."""

    def run(root: Path) -> Path:
        process = start_program(MAKE, root, PREFIX, start)
        assert process.stdout is not None
        tree = Path(process.stdout.readline().strip())
        process.kill()
        process.communicate()
        return tree

    return run


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start) -> Work:
    """Somebody at work in a tree, until somebody else in this process begins to wait for that."""
    sleep = time.sleep

    def end_work(seconds: float) -> None:
        (tmp_path / "end").touch()
        sleep(seconds)

    def run(tree: Path) -> subprocess.Popen[str]:
        process = start_program(WORK, tree, str(tmp_path / "end"), start)
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        monkeypatch.setattr(time, "sleep", end_work)
        return process

    return run


def start_program(program: str, folder: Path, argument: str, start: Start) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    return start([sys.executable, "-c", program, argument], folder, env=environment, stdout=subprocess.PIPE)


def left(root: Path) -> tuple[int, int]:
    """(temporary folders, work trees that git knows besides the main one)."""
    return len(list(Path(tempfile.gettempdir()).iterdir())), len(git(root, "worktree", "list").splitlines()) - 1


def test_tree_of_a_killed_program_is_removed(root: Path, leave_behind: LeaveBehind) -> None:
    leave_behind(root)
    assert left(root) == (1, 1)
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


def test_whoever_still_works_in_a_tree_is_waited_for(
    root: Path, leave_behind: LeaveBehind, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = work(leave_behind(root))
    clear_worktrees(root, PREFIX)
    assert orphan.wait() == 0, "the tree was removed under a living process"
    assert f"waiting for what was left behind: process {orphan.pid} (python" in capsys.readouterr().err
    assert left(root) == (0, 0)


def test_whoever_does_not_end_is_named(
    root: Path, leave_behind: LeaveBehind, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worktree, "ORPHAN_TIMEOUT_S", 0.2)
    tree = leave_behind(root)
    orphan = start(["sleep", "infinity"], tree)
    with pytest.raises(
        Busy, match=f"left behind processes that do not end; found process {orphan.pid} \\(sleep"
    ) as caught:
        clear_worktrees(root, PREFIX)
    assert caught.value.exit_code == 6
    assert tree.is_dir()
    orphan.kill()
    orphan.wait()
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


def test_own_tree_is_not_removed_under_an_orphan_either(root: Path, work: Work) -> None:
    """As where `tagpipe run` alone was killed in it: its DVC and the stage go on."""
    with temporary_worktree(root, "HEAD", prefix=PREFIX) as tree:
        orphan = work(tree)
    assert orphan.wait() == 0
    assert left(root) == (0, 0)


def test_tree_that_git_was_killed_in_making_is_removed(root: Path, leave_behind: LeaveBehind) -> None:
    git(root, "worktree", "lock", "--reason", "initializing", str(leave_behind(root)))
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


@pytest.mark.parametrize("kill_came", ["before git knew of it", "after git forgot it", "after its folder was gone"])
def test_half_of_a_tree_is_removed(root: Path, leave_behind: LeaveBehind, kill_came: str) -> None:
    tree = leave_behind(root)
    if kill_came == "after its folder was gone":
        shutil.rmtree(tree.parent)
    else:
        git(root, "worktree", "remove", "--force", str(tree))
    clear_worktrees(root, PREFIX)
    assert left(root) == (0, 0)


def test_tree_of_another_project_in_the_repository_stays(root: Path, leave_behind: LeaveBehind) -> None:
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

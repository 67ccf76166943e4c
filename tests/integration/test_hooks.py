"""The pre-commit hook of the clone, with the real git and DVC: a commit whose dvc.lock is out of date is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import REPO


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of this repository, its hooks turned on as `make hooks` does."""
    root = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPO), str(root)], check=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    python = root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    subprocess.run(["make", "--silent", "hooks"], cwd=root, check=True)
    return root


def test_code_without_its_dvc_lock_is_refused(clone: Path) -> None:
    before = git(clone, "rev-parse", "HEAD").stdout
    module = clone / "tagpipe" / "steps" / "annotate" / "resolve_tags.py"
    module.write_text(module.read_text(encoding="utf-8") + "# another line\n", encoding="utf-8")
    done = git(clone, "commit", "--quiet", "--all", "-m", "Change a step")
    assert done.returncode == 1
    assert "annotate: tagpipe/steps/annotate is modified" in done.stderr
    assert "Run `make run`" in done.stderr
    assert git(clone, "rev-parse", "HEAD").stdout == before
    assert git(clone, "diff", "--cached", "--name-only").stdout == ""  # -a staged nothing: the commit did not happen


def test_what_is_committed_counts_not_the_work_tree(clone: Path) -> None:
    parameters = clone / "params.yaml"
    parameters.write_text(parameters.read_text(encoding="utf-8").replace("min_projects: 12", "min_projects: 13"))
    (clone / "README.md").write_text("# Short\n", encoding="utf-8")
    git(clone, "add", "README.md")
    assert git(clone, "commit", "--quiet", "-m", "Shorten the README").returncode == 0
    git(clone, "add", "params.yaml")
    git(clone, "restore", "--worktree", "--source=HEAD", "params.yaml")  # as it was, but only in the work tree
    done = git(clone, "commit", "--quiet", "-m", "Raise the cut")
    assert done.returncode == 1
    assert "threshold: parameter threshold is modified" in done.stderr

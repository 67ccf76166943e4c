"""A pull request that edits tagpipe's own code: the diff says so, whether base's data is there or built by its code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.paths import REPO


def call(root: Path, *command: str, exit_code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CI")}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, done.stderr
    return done.stdout


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_code_is_a_cause_where_it_gives_other_labels(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(REPO), str(clone))
    call(clone, "git", "checkout", "-qB", "main")
    tagpipe = [sys.executable, "-m", "tagpipe"]  # in the clone's folder, so the clone's own code
    call(clone, *tagpipe, "run")
    call(clone, "git", "checkout", "-qb", "change")
    edit(clone / "tagpipe/steps/threshold/cut.py", "support >= params.min_projects", "support > params.min_projects")
    edit(clone / "tagpipe/steps/threshold/measures.py", '"""Measures of', '"""The measures of')
    call(clone, *tagpipe, "run")
    call(clone, "git", "commit", "-qam", "Cut above, not at")

    tree: dict[str, Any] = json.loads(call(clone, *tagpipe, "diff", "--json", exit_code=1))
    assert tree["params"]["n"] == tree["vocabulary"]["n"] == tree["sources"]["n"] == 0
    (group,) = tree["causes"]["groups"]
    assert (group["cause"], group["factors"]) == ("sole", ["code"])
    assert group["n_removed"] == tree["n_labels_removed"] > 0
    assert {row["base"] for row in tree["left"]["rows"]} == {tree["base"]["min_projects"]}

    shutil.rmtree(clone / ".dvc/cache")
    shutil.rmtree(clone / ".tagpipe")
    rebuilt = json.loads(call(clone, *tagpipe, "diff", "--json", "--rebuild", exit_code=1))
    assert rebuilt == tree

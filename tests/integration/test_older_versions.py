"""Versions of a time when there was no monitor: they still load, verify, compare and are listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.in_process import build, run_tagpipe
from support.processes import commit, run

import tagpipe as package
from tagpipe.operations.init_repository import init_repository

pytestmark = pytest.mark.slow


def build_and_commit(root: Path, subject: str) -> None:
    build(root)
    commit(root, subject)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HEAD~1: four stages and params.yaml of form 2. HEAD: the same data with the monitor."""
    root = tmp_path_factory.mktemp("own") / "project"
    init_repository(root)
    stages, params = (root / "dvc.yaml").read_text(), (root / "params.yaml").read_text()
    (root / "dvc.yaml").write_text(stages[: stages.index("  monitor:\n")])
    before, _, rest = params.replace("schema: 3", "schema: 2").partition("# Tags outside the vocabulary")
    (root / "params.yaml").write_text(before + rest[rest.index("# The most that") :])
    build_and_commit(root, "Without a monitor")
    (root / "dvc.yaml").write_text(stages)
    (root / "params.yaml").write_text(params)
    build_and_commit(root, "With a monitor")
    return root


def test_an_older_version_loads_and_verifies(root: Path, tagpipe: Any) -> None:
    assert "monitor" not in run(root, "git", "show", "HEAD~1:dvc.lock")
    older, newer = (package.load(root, rev) for rev in ("HEAD~1", "HEAD"))
    assert older.content_sha256 == newer.content_sha256
    assert tagpipe("verify", root, "--rev", "HEAD~1").exit_code == 0
    assert tagpipe("verify", root, "--deep", "--rev", "HEAD~1").exit_code == 0


def test_the_monitor_alone_changes_nothing(root: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    document = json.loads(tagpipe("diff", "HEAD~1", "HEAD", "--json").stdout)
    assert (document["n_labels_added"], document["n_labels_removed"], document["params"]["n"]) == (0, 0, 0)
    assert tagpipe("diff", "HEAD~1", "workspace", "--fail-if-different").exit_code == 0
    rows = json.loads(tagpipe("log", "--json").stdout)
    assert [row["causes"] for row in rows] == [["first"], []]


def test_an_older_params_file_beside_the_new_stage_is_told_what_it_lacks(root: Path) -> None:
    """DVC looks for the section in the file, where tagpipe would know the defaults."""
    params = root / "params.yaml"
    good = params.read_text()
    params.write_text(run(root, "git", "show", "HEAD~1:params.yaml"))
    done = run_tagpipe(root, "run")
    params.write_text(good)
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "error: params.yaml, field monitor: has no such section, which the stage monitor reads"
    )
    assert run(root, "git", "status", "--porcelain") == ""


def test_the_history_has_one_report(root: Path, tagpipe: Any) -> None:
    assert "1 of 2 versions have a report" in tagpipe("monitor", "--dir", root, "--history").stdout


def test_a_stage_that_is_new_runs_alone_and_a_bad_list_stops_it(root: Path, tagpipe: Any) -> None:
    """What the monitor reads is a dependency of it, and of nothing else; a failure puts its report back."""
    ignore, report = root / "data/curation/ignore.json", root / "data/reports/monitor.json"
    before, good = report.read_bytes(), ignore.read_bytes()
    ignore.write_text('{"schema": 1, "tags": ["Not Normal"], "patterns": []}')
    done = run_tagpipe(root, "run")
    assert done.exit_code == 3
    assert "data/curation/ignore.json, row 1, field tags: is not in normal form" in done.stderr
    assert report.read_bytes() == before
    ignore.write_text('{"schema": 1, "tags": [], "patterns": []}')
    said = json.loads(run_tagpipe(root, "run", "--json").stdout)
    assert {each["stage"]: each["status"] for each in said["stages"]} == {
        **dict.fromkeys(("fetch", "validate", "annotate", "threshold"), "skipped"),
        "monitor": "ran",
    }
    assert json.loads(report.read_bytes())["uses"]["n_ignored"] == 0
    ignore.write_bytes(good)


def test_a_list_that_is_missing_is_written_empty(root: Path) -> None:
    """DVC needs every dependency to be there, where the monitor takes a list that is not for an empty one."""
    lists = {path: path.read_bytes() for path in (root / "data/curation").iterdir()}
    for path in lists:
        path.unlink()
    done = run_tagpipe(root, "run", "monitor")
    assert done.exit_code == 0, done.stderr
    for name, field in (("ignore.json", "tags"), ("not-same.json", "pairs")):
        assert f"data/curation/{name} was missing: an empty one is written" in done.stderr
        assert json.loads((root / "data/curation" / name).read_bytes())[field] == []
    for path, data in lists.items():
        path.write_bytes(data)

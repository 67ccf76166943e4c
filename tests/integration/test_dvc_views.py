"""What DVC itself shows of two versions: metrics, parameters and plots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.in_process import build
from support.processes import commit, run

from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.init_repository import init_repository

HOSTILE = "</script><script>alert(1)</script>"
PROJECTS = [
    {"id": 1, "title": "One", "tags": ["nlp", HOSTILE]},
    {"id": 2, "title": "Two", "tags": ["nlp", "cv"]},
    {"id": 3, "title": "Three", "tags": ["cv"]},
    {"id": 4, "title": "Four", "tags": ["rare"]},
]
VOCABULARY: dict[str, Any] = {"nlp": {}, "cv": {}, "rare": {}, HOSTILE: {}}


def set_cut(root: Path, min_projects: int) -> None:
    set_values(root / "params.yaml", {("threshold", "min_projects"): min_projects})
    build(root)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cut at 1 project in HEAD, at 2 in the workspace."""
    folder = tmp_path_factory.mktemp("views")
    (folder / "p.json").write_text(json.dumps(PROJECTS))
    (folder / "v.json").write_text(json.dumps(VOCABULARY))
    root = folder / "project"
    init_repository(root, projects=folder / "p.json", vocabulary=folder / "v.json")
    set_cut(root, 1)
    commit(root, "first")
    set_cut(root, 2)
    return root


def test_metrics_show_has_every_report(project: Path) -> None:
    shown = json.loads(run(project, "dvc", "metrics", "show", "--json"))[""]["data"]
    reports = {Path(path).name: shown[path]["data"] for path in shown}
    assert set(reports) == {"validation.json", "annotation.json", "threshold.json", "monitor.json"}
    assert reports["threshold.json"]["tags"]["n_kept"] == 2
    assert reports["threshold.json"]["projects"]["n_labeled"] == 3
    assert reports["validation.json"]["projects"]["n_valid"] == 4
    assert reports["annotation.json"]["tag_uses"]["n_in"] == 6


def test_metrics_diff_names_what_the_cut_changed_and_nothing_else(project: Path) -> None:
    found = json.loads(run(project, "dvc", "metrics", "diff", "--json"))
    changed = {Path(path).name: changes for path, changes in found.items()}
    assert set(changed) == {"threshold.json", "monitor.json"}
    assert changed["monitor.json"] == {"min_projects": {"old": 1, "new": 2, "diff": 1}}
    changes = changed["threshold.json"]
    assert {name: (change["old"], change["new"]) for name, change in changes.items() if "imbalance" not in name} == {
        "min_projects": (1, 2),
        "content_sha256": (changes["content_sha256"]["old"], changes["content_sha256"]["new"]),
        "cardinality": (1.5, 4 / 3),
        "density": (0.375, 2 / 3),
        "projects.n_labeled": (4, 3),
        "projects.n_unlabeled.below_threshold": (0, 1),
        "tag_uses.n_kept": (6, 4),
        "tags.n_kept": (4, 2),
    }


def test_params_diff_names_the_parameter(project: Path) -> None:
    told = json.loads(run(project, "dvc", "params", "diff", "--json"))
    assert told == {"params.yaml": {"threshold.min_projects": {"old": 1, "new": 2, "diff": 1}}}


@pytest.mark.parametrize("command", ["show", "diff"])
def test_plots_show_the_tags_and_run_none_of_them(command: str, project: Path) -> None:
    run(project, "dvc", "plots", command)
    page = (project / "dvc_plots" / "index.html").read_text(encoding="utf-8")
    assert '"nlp"' in page
    assert "alert(1)" in page
    assert "<script>alert" not in page
    # DVC's own: three libraries and the chart.
    assert page.lower().count("</script") == page.lower().count("<script") == 4

"""The embedded default input: it is what the issue asks for, and the committed reports are what it gives."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.paths import REPO

import tagpipe
from tagpipe.io.repository.files import read_table
from tagpipe.io.repository.layout import build_layout
from tagpipe.io.repository.yaml_file import read_params, set_values
from tagpipe.stages.monitor import monitor

SOURCE = REPO / "data" / "source"
REPORTS = REPO / "data" / "reports"


def build(out: Path, params: Path = REPO / "params.yaml") -> Path:
    """The whole version, and over it the stage that `tagpipe build` has not."""
    tagpipe.build(SOURCE / "projects.json", SOURCE / "vocabulary.json", params=params, out=out)
    shutil.copytree(SOURCE.parent / "curation", out / "curation")
    monitor(build_layout(out), read_params(params))
    return out


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh build of it with params.yaml."""
    return build(tmp_path_factory.mktemp("embedded") / "out")


@pytest.fixture(scope="module")
def projects() -> list[dict[str, Any]]:
    return json.loads((SOURCE / "projects.json").read_bytes())


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, dict[str, list[str]]]:
    return json.loads((SOURCE / "vocabulary.json").read_bytes())


def report(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_bytes())


# The committed reports


@pytest.mark.parametrize("name", ["validation", "annotation", "threshold", "monitor"])
def test_the_committed_report_is_that_of_a_fresh_build(built: Path, name: str) -> None:
    assert report(REPORTS, name) == report(built / "reports", name), "`tagpipe run` rewrites data/reports"


def test_every_report_of_a_fresh_build_is_committed_to_the_byte(built: Path) -> None:
    fresh = {path.name: path.read_bytes() for path in (built / "reports").iterdir()}
    assert {path.name: path.read_bytes() for path in REPORTS.iterdir()} == fresh


def test_tag_counts_are_those_of_the_tags(built: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((REPORTS / "tag_counts.csv").read_text(encoding="utf-8"))))
    tags = read_table(built / "labeled" / "tags.parquet").to_pylist()
    assert [(row["tag"], int(row["n_projects"]), row["kept"] == "true") for row in rows] == [
        (row["tag"], row["n_projects"], row["kept"]) for row in tags
    ]


# What the issue asks of the input


def test_it_is_a_collection_over_time(projects: list[dict[str, Any]]) -> None:
    assert len(projects) >= 400
    assert len({project["title"] for project in projects}) >= 400
    dates = []
    for project in projects:
        try:
            dates.append(datetime.fromisoformat(str(project.get("created_on"))).replace(tzinfo=None))
        except ValueError:
            continue  # one of the faults that are there on purpose
    assert len(dates) >= 400
    assert max(dates) - min(dates) >= timedelta(days=18 * 30.5)
    assert len({(date.year, date.month) for date in dates}) >= 18


def test_the_vocabulary_is_a_graph_three_deep(vocabulary: dict[str, dict[str, list[str]]]) -> None:
    assert len(vocabulary) >= 120
    assert sum(len(entry["aliases"]) for entry in vocabulary.values()) >= 100
    assert any(len([up for up in entry["parents"] if up in vocabulary]) >= 2 for entry in vocabulary.values())

    def depth(tag: str) -> int:
        return 1 + max((depth(up) for up in vocabulary[tag]["parents"] if up in vocabulary), default=0)

    assert max(map(depth, vocabulary)) >= 3


def test_the_cut_falls_among_the_tags() -> None:
    threshold = report(REPORTS, "threshold")
    assert threshold["tags"]["n_kept"] >= 20
    assert len(threshold["just_missed"]) == 5
    near = [tag for tag, n in threshold["just_missed"] if n >= threshold["min_projects"] - 2]
    assert len(near) >= 3


def test_every_drop_reason_and_every_outcome_occurs(tmp_path: Path, built: Path) -> None:
    threshold = report(built / "reports", "threshold")
    counts = threshold["projects"]
    assert [reason for reason, n in counts["n_unlabeled"].items() if not n] == []
    assert counts["n_rejected"] > 0
    assert counts["n_duplicates"] > 0
    # `implied` cannot occur beside `parent_dropped`: the one adds parents, the other takes them away.
    assert [outcome for outcome, n in threshold["tag_uses"]["by_outcome"].items() if not n] == ["implied"]
    params = tmp_path / "params.yaml"
    params.write_bytes((REPO / "params.yaml").read_bytes())
    set_values(params, {("annotate", "parents"): "roll_up"})
    rolled = report(build(tmp_path / "out", params) / "reports", "threshold")
    assert rolled["tag_uses"]["by_outcome"]["implied"] > 0


def test_tags_are_typed_as_authors_type_them(projects: list[dict[str, Any]], built: Path) -> None:
    raw = Counter(tag for project in projects for tag in project.get("tags") or ())
    assert any("_" in tag for tag in raw)
    assert any(tag != tag.lower() for tag in raw)
    assert raw["tutorial"] >= 5
    per_project = [len(project.get("tags") or ()) for project in projects]
    assert min(per_project) == 0
    assert max(per_project) >= 8
    ledger = read_table(built / "annotated" / "tag_uses.parquet").to_pylist()
    both = {row["project_id"] for row in ledger if row["outcome"] == "alias"} & {
        row["project_id"] for row in ledger if row["outcome"] == "duplicate"
    }
    assert both, "an alias beside its canonical name"


def test_the_dirt_of_real_collections_is_in_it(projects: list[dict[str, Any]]) -> None:
    text = json.dumps(projects, ensure_ascii=False)
    descriptions = [project.get("description") or "" for project in projects]
    assert any("\r\n" in description for description in descriptions)
    assert re.search("[\U0001f300-\U0001faff]", text)
    assert any(re.search(r"</[a-z]+>", description) for description in descriptions)
    assert [project.get("description") for project in projects].count("") == 1


def test_contradictory_and_identical_duplicates_are_in_it(projects: list[dict[str, Any]]) -> None:
    by_id: dict[object, list[dict[str, Any]]] = {}
    for project in projects:
        by_id.setdefault(project.get("id"), []).append(project)
    twins = [rows for rows in by_id.values() if len(rows) > 1]
    assert any(rows[0] == rows[1] for rows in twins)
    assert sum(rows[0] != rows[1] for rows in twins) >= 2


def test_descriptions_are_not_filler(projects: list[dict[str, Any]]) -> None:
    descriptions = [project["description"] for project in projects if project.get("description")]
    repeated = [text for text, n in Counter(descriptions).items() if n > 2]
    assert repeated == []
    openings = Counter(" ".join(text.split()[:3]).lower() for text in descriptions)
    assert openings.most_common(1)[0][1] <= len(descriptions) * 0.03


def test_warnings_of_the_vocabulary_name_the_nearest_tag() -> None:
    found = report(REPORTS, "validation")["vocabulary"]
    assert sum(found["n_warnings"].values()) == len(found["warnings"]) > 0
    for warning in found["warnings"]:
        assert set(warning) == {"kind", "tag", "value", "nearest"}

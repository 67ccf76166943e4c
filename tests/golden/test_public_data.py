"""The two versions of the public Made With ML data give the numbers that shared/datasets/README.md promises."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.public_data import DATASETS, EXCLUDE, NEEDS_DATASETS

import tagpipe
from tagpipe.io.repository.files import read_table
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.repository.yaml_file import set_values

pytestmark = NEEDS_DATASETS


@dataclass(frozen=True)
class Built:
    """What `tagpipe.build` wrote: the reports as read back, and where everything is."""

    out: Path
    threshold: dict[str, Any]
    validation: dict[str, Any]
    content_sha256: str

    @property
    def support(self) -> dict[str, int]:
        """Projects of every tag seen, cut or not."""
        rows = read_table(self.out / "labeled" / "tags.parquet").to_pylist()
        return {row["tag"]: row["n_projects"] for row in rows}

    @property
    def n_after_exclude(self) -> int:
        """Tag uses left after include and exclude."""
        return sum(self.threshold["tag_uses"]["by_outcome"][outcome] for outcome in ("kept", "alias"))


def build(folder: Path, version: str, *, vocabulary: Path | None = None, **annotate: object) -> Built:
    """The version built with min_projects 30 and the README's exclude; `annotate` changes further keys."""
    params = folder / "params.yaml"
    params.write_bytes(packaged_file("params.yaml").read_bytes())
    changes: dict[str, object] = {"exclude": EXCLUDE, "parents": "keep", "normalize": True, "aliases": True, **annotate}
    set_values(params, {("annotate", key): value for key, value in changes.items()})
    set_values(params, {("threshold", "min_projects"): 30, ("threshold", "unlabeled"): "drop"})
    source, out = DATASETS / version, folder / "out"
    dataset = tagpipe.build(source / "projects.json", vocabulary or source / "tags.json", params=params, out=out)
    reports = {path.name: json.loads(path.read_bytes()) for path in (out / "reports").glob("*.json")}
    return Built(out, reports["threshold.json"], reports["validation.json"], dataset.content_sha256)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The lesson's own rule."""
    return build(tmp_path_factory.mktemp("lesson"), "madewithml-2020-12", normalize=False, aliases=False)


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """With normalisation and aliases."""
    return build(tmp_path_factory.mktemp("resolved"), "madewithml-2020-12")


def test_projects_under_the_lessons_rule(lesson: Built) -> None:
    counts = lesson.threshold["projects"]
    assert (counts["n_in"], counts["n_rejected"], counts["n_duplicates"]) == (2032, 0, 0)
    assert counts["n_labeled"] == 1239
    unlabeled = counts["n_unlabeled"]
    assert sum(unlabeled.values()) == 793
    assert unlabeled["no_tags"] + unlabeled["out_of_vocabulary"] == 136
    assert (unlabeled["excluded"], unlabeled["parent_dropped"], unlabeled["below_threshold"]) == (187, 0, 470)


def test_tag_uses_under_the_lessons_rule(lesson: Built) -> None:
    assert lesson.threshold["tag_uses"]["n_in"] == 15_177
    assert lesson.n_after_exclude == 4253
    assert lesson.threshold["tag_uses"]["n_kept"] == 2326
    assert (lesson.threshold["tags"]["n_seen"], lesson.threshold["tags"]["n_kept"]) == (284, 33)


def test_tags_around_the_cut_under_the_lessons_rule(lesson: Built) -> None:
    assert lesson.threshold["most_popular"] == [
        ["pytorch", 258],
        ["tensorflow", 213],
        ["transformers", 196],
        ["attention", 120],
        ["convolutional-neural-networks", 106],
    ]
    assert lesson.threshold["just_made"] == [
        ["flask", 34],
        ["time-series", 34],
        ["node-classification", 33],
        ["question-answering", 32],
        ["pretraining", 30],
    ]
    assert lesson.threshold["just_missed"] == [
        ["fastai", 29],
        ["graph-classification", 29],
        ["model-compression", 29],
        ["adversarial-learning", 28],
        ["recurrent-neural-networks", 28],
    ]


def test_with_normalisation_and_aliases(resolved: Built) -> None:
    assert resolved.n_after_exclude == 4273
    assert resolved.threshold["tags"]["n_kept"] == 33
    assert resolved.threshold["projects"]["n_labeled"] == 1242
    named = ("convolutional-neural-networks", "question-answering", "exploratory-data-analysis")
    assert [resolved.support[tag] for tag in named] == [108, 33, 29]


@pytest.mark.parametrize(
    ("parents", "n_tags", "n_labeled"), [("roll_up", None, 1244), ("drop", 21, 937), ("drop_if_child", 27, 1125)]
)
def test_parents(tmp_path: Path, parents: str, n_tags: int | None, n_labeled: int) -> None:
    built = build(tmp_path, "madewithml-2020-12", parents=parents)
    assert built.threshold["projects"]["n_labeled"] == n_labeled
    if n_tags is not None:
        assert built.threshold["tags"]["n_kept"] == n_tags
    if parents == "roll_up":
        assert built.support["tensorflow"] == 226


def test_counting_uses_instead_of_projects_would_let_three_more_tags_in(resolved: Built) -> None:
    ledger = read_table(resolved.out / "annotated" / "tag_uses.parquet").to_pylist()
    seen = set(resolved.support)
    uses = Counter(row["tag"] for row in ledger if row["tag"] in seen)
    by_projects = {tag for tag, n in resolved.support.items() if n >= 30}
    assert len({tag for tag, n in uses.items() if n >= 30} - by_projects) == 3


def test_both_forms_of_the_vocabulary_give_the_same_version(tmp_path: Path, resolved: Built) -> None:
    tree = json.loads((DATASETS / "madewithml-2020-12" / "tags.json").read_bytes())
    assert isinstance(tree, dict)
    entries = tmp_path / "entries.json"
    entries.write_text(json.dumps([{"tag": tag, **entry} for tag, entry in tree.items()]))
    built = build(tmp_path, "madewithml-2020-12", vocabulary=entries)
    assert built.content_sha256 == resolved.content_sha256
    assert built.threshold == resolved.threshold


def test_the_later_version_loads_with_its_dates_and_its_list_of_tags(tmp_path: Path) -> None:
    built = build(tmp_path, "madewithml-2022-04")
    assert isinstance(json.loads((DATASETS / "madewithml-2022-04" / "tags.json").read_bytes()), list)
    assert built.threshold["projects"]["n_in"] == 2029
    assert built.validation["vocabulary"]["n_tags"] == 325
    assert built.validation["projects"]["n_valid"] == 2029
    created_on = read_table(built.out / "labeled" / "projects.parquet").column("created_on")
    assert created_on.null_count == 0
    assert built.threshold["projects"]["n_labeled"] == len(created_on) > 1000


def test_everything_is_written_where_the_issue_says(lesson: Built) -> None:
    for folder in ("raw", "validated", "annotated", "labeled", "reports"):
        assert any((lesson.out / folder).iterdir())
    assert (lesson.out / "params.yaml").is_file()
    source = DATASETS / "madewithml-2020-12" / "projects.json"
    assert (lesson.out / "raw" / "projects.json").read_bytes() == source.read_bytes()


def test_no_row_is_lost(lesson: Built, resolved: Built) -> None:
    for built in (lesson, resolved):
        uses = built.threshold["tag_uses"]
        assert sum(n for outcome, n in uses["by_outcome"].items() if outcome != "implied") == uses["n_in"]
        ledger = read_table(built.out / "annotated" / "tag_uses.parquet")
        assert ledger.num_rows - ledger.column("raw_tag").null_count == 15_177

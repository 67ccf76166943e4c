"""The diff of builds of the two public datasets: every number against a second, plain computation from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import diff_reference as reference
from support.diff_application import apply_diff, labeled_projects_of
from support.public_data import DATASETS, EXCLUDE, NEEDS_DATASETS

import tagpipe
from tagpipe.comparison.comparison import Comparison
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.compare import compare

pytestmark = NEEDS_DATASETS

DEFAULT: dict[tuple[str, str], Any] = {}
RESOLVED = {("annotate", "exclude"): EXCLUDE, ("annotate", "parents"): "keep", ("threshold", "min_projects"): 30}
LESSON = {**RESOLVED, ("annotate", "normalize"): False, ("annotate", "aliases"): False}
VERSIONS = {
    "default": ("madewithml-2020-12", DEFAULT),
    "lesson": ("madewithml-2020-12", LESSON),
    "resolved": ("madewithml-2020-12", RESOLVED),
    "later": ("madewithml-2022-04", DEFAULT),
}
PAIRS = [
    ("default", "lesson"),
    ("lesson", "default"),
    ("default", "later"),
    ("later", "default"),
    ("lesson", "resolved"),
    ("resolved", "lesson"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each version as `tagpipe build` writes it."""
    root = tmp_path_factory.mktemp("versions")
    for name, (dataset, settings) in VERSIONS.items():
        params = root / f"{name}.yaml"
        params.write_bytes(packaged_file("params.yaml").read_bytes())
        set_values(params, settings)
        source = DATASETS / dataset
        tagpipe.build(source / "projects.json", source / "tags.json", params=params, out=root / name)
    return {name: root / name for name in VERSIONS}


def diffed(folders: dict[str, Path], base: str, head: str, *, with_causes: bool = False) -> Comparison:
    root = folders[base].parent
    return compare(root, str(folders[base]), str(folders[head]), with_causes=with_causes)


@pytest.mark.parametrize(("base", "head"), PAIRS)
def test_every_number_is_the_reference_s(folders: dict[str, Path], base: str, head: str) -> None:
    versions = [reference.read_folder(folders[name]) for name in (base, head)]
    comparison = diffed(folders, base, head)
    expected = reference.check(comparison.diff, *versions)
    assert expected.labels, "the pair must differ to prove anything"
    found = {gate.name: gate.found for gate in comparison.gates}
    assert found == pytest.approx(reference.expect_gates(*versions, n_unexplained=None))
    sides = comparison.diff.base, comparison.diff.head
    given_back = apply_diff(comparison.diff, labeled_projects_of(sides[0]))
    assert given_back.to_pylist() == labeled_projects_of(sides[1]).to_pylist()


@pytest.mark.parametrize("name", VERSIONS)
def test_no_version_differs_from_itself(folders: dict[str, Path], name: str) -> None:
    assert diffed(folders, name, name).diff.is_same


@pytest.mark.parametrize(("base", "head"), PAIRS)
def test_every_change_has_a_cause(folders: dict[str, Path], base: str, head: str) -> None:
    comparison = diffed(folders, base, head, with_causes=True)
    attribution = comparison.attribution
    assert attribution is not None
    assert sum(group.n_changes for group in attribution.groups) == len(comparison.diff.labels)
    assert attribution.n_unexplained == 0


def test_normalisation_and_aliases_change_five_projects_of_the_lesson(folders: dict[str, Path]) -> None:
    comparison = diffed(folders, "lesson", "resolved", with_causes=True)
    diff, attribution = comparison.diff, comparison.attribution
    assert [(group.removed, group.added, group.n_projects) for group in diff.signatures] == [
        ((), ("convolutional-neural-networks",), 2),
        ((), ("generative-adversarial-networks",), 1),
        ((), ("question-answering",), 1),
        ((), ("reinforcement-learning",), 1),
    ]
    assert (len(diff.newly_labeled), len(diff.newly_unlabeled), diff.entered, diff.left) == (3, 0, (), ())
    assert attribution is not None
    assert [(group.cause, group.factors, group.n_changes) for group in attribution.groups] == [
        ("sole", ("annotate.aliases",), 5)
    ]


def test_the_lesson_s_rule_beside_the_default(folders: dict[str, Path]) -> None:
    comparison = diffed(folders, "default", "lesson", with_causes=True)
    diff, attribution = comparison.diff, comparison.attribution
    assert (len(diff.relabeled), len(diff.signatures), len(diff.labels)) == (920, 240, 1449)
    assert (len(diff.entered), len(diff.left)) == (0, 66)
    assert (len(diff.newly_labeled), len(diff.newly_unlabeled)) == (10, 339)
    assert attribution is not None
    assert [(group.cause, group.factors, group.n_changes) for group in attribution.groups] == [
        ("sole", ("threshold.min_projects",), 1145),
        ("sole", ("annotate.parents",), 275),
        ("overdetermined", ("annotate.aliases", "threshold.min_projects"), 24),
        ("sole", ("annotate.aliases",), 4),
        ("overdetermined", ("annotate.aliases", "annotate.parents"), 1),
    ]


def test_the_later_version_beside_the_earlier(folders: dict[str, Path]) -> None:
    comparison = diffed(folders, "default", "later", with_causes=True)
    diff, attribution = comparison.diff, comparison.attribution
    assert (len(diff.added), len(diff.removed), len(diff.retexted), len(diff.redated)) == (0, 3, 0, 2029)
    assert (len(diff.relabeled), len(diff.labels)) == (876, 1158)
    assert (len(diff.entered), len(diff.left)) == (3, 23)
    assert [(move.kind, move.old, move.new, move.declared, move.n_moved) for move in diff.moves] == [
        ("merge", "production", "mlops", True, 37),
        ("rename", "unit-tests", "testing", False, 15),
    ]
    assert attribution is not None
    assert [(group.cause, group.factors, group.n_changes) for group in attribution.groups] == [
        ("sole", ("vocabulary",), 1035),
        ("overdetermined", ("projects", "vocabulary"), 91),
        ("sole", ("projects",), 16),
        ("joint", ("projects", "vocabulary"), 16),
    ]

"""What a version knows of one tag, on tables small enough to count by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from tagpipe.curation.tag_profile import NameCount, PeriodCount, Profile, Together, describe_tag
from tagpipe.tables.schemas import CODED_TEXT, TIMESTAMP
from tagpipe.vocabulary.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("graphs", "pytorch", "vision"), ((), ("torch",), ()), ((), ("vision",), ()), ("caffe",))

# id, month, tags after the annotation, uses (form, tag, outcome)
_ROWS = [
    (1, 1, ["pytorch"], [("pytorch", "pytorch", "kept"), ("torch", "pytorch", "duplicate")]),
    (2, 1, ["graphs", "pytorch"], [("torch", "pytorch", "alias"), ("graphs", "graphs", "kept")]),
    (3, 2, ["graphs"], [("graphs", "graphs", "kept"), ("bert", None, "out_of_vocabulary")]),
    (4, 2, ["pytorch"], [(None, "pytorch", "implied"), ("bert", None, "out_of_vocabulary")]),
    (5, None, ["vision"], [("vision", "vision", "kept"), ("caffe", None, "out_of_vocabulary")]),
]


def describe(asked: str, vocabulary: Vocabulary = VOCABULARY) -> Profile:
    projects = pa.table(
        {
            "id": pa.array([row[0] for row in _ROWS], pa.int64()),
            "created_on": pa.array([row[1] and datetime(2020, row[1], 5, tzinfo=UTC) for row in _ROWS], TIMESTAMP),
            "tags": pa.array([row[2] for row in _ROWS], pa.list_(pa.string())),
        }
    )
    uses = [(row[0], *use) for row in _ROWS for use in row[3]]
    texts = {
        name: pa.array([use[at] for use in uses], pa.string()).cast(CODED_TEXT)
        for at, name in enumerate(("normalized_tag", "tag", "outcome"), start=1)
    }
    ledger = pa.table({"project_id": pa.array([use[0] for use in uses], pa.int64()), **texts})
    return describe_tag(asked, vocabulary, projects, ledger, period="month", min_period_projects=1)


@pytest.mark.parametrize("asked", ["pytorch", "torch", "PyTorch", " Torch "])
def test_a_tag_is_found_by_each_of_its_names(asked: str) -> None:
    found = describe(asked)
    assert (found.name, found.status) == ("pytorch", "tag")
    assert (found.aliases, found.parents, found.children) == (("torch",), ("vision",), ())
    assert (found.n_projects, found.n_all) == (3, 5)  # one of them has it implied
    assert found.n_by_name == (NameCount("torch", 2), NameCount("pytorch", 1))
    assert found.periods == (PeriodCount("2020-01", 2, 2), PeriodCount("2020-02", 1, 2))
    assert found.together == (Together("graphs", 1, 0.83),)  # 1 of 3, where 2 of 5 would be chance


def test_a_rename_that_is_not_built_yet_changes_the_name_alone() -> None:
    renamed = Vocabulary(("graphs", "torch", "vision"), ((), ("pytorch",), ()), ((), ("vision",), ()))
    found = describe("pytorch", renamed)
    assert (found.name, found.n_projects, found.together) == ("torch", 2, (Together("graphs", 1, 1.25),))


def test_children_are_those_that_name_it() -> None:
    assert describe("vision").children == ("pytorch",)


def test_what_the_vocabulary_has_not_is_described_as_well() -> None:
    found = describe("BERT")
    assert (found.name, found.status, found.n_projects) == ("bert", "out_of_vocabulary", 2)
    assert found.together == (Together("graphs", 1, 1.25), Together("pytorch", 1, 0.83))
    assert found.n_by_name == (NameCount("bert", 2),)


def test_a_deprecated_name_is_said_to_be_one() -> None:
    assert describe("caffe").status == "deprecated"


def test_what_nobody_has_is_empty() -> None:
    found = describe("nobody")
    assert (found.n_projects, found.n_by_name, found.together) == (0, (), ())
    assert [each.n_projects for each in found.periods] == [0, 0]

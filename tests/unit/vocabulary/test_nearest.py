"""The nearest tag to a name, what a person has told apart, and names that differ in nothing but a sign."""

from __future__ import annotations

import json
import random
from typing import Any

import pyarrow as pa
import pytest
from rapidfuzz import fuzz
from support.samples import vocabulary_of

from tagpipe.curation.edits import rename_tag
from tagpipe.curation.suggestions import suggest_aliases
from tagpipe.vocabulary import lint as vocabulary_checks
from tagpipe.vocabulary import spelling
from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.entries import read_entries
from tagpipe.vocabulary.lint import find_near_duplicates, find_warnings
from tagpipe.vocabulary.nearest import find_nearest, find_nearest_tags
from tagpipe.vocabulary.problems import vocabulary_of as vocabulary_of_entries
from tagpipe.vocabulary.vocabulary import Vocabulary


def renamed(tree: dict[str, Any], old: str, new: str) -> Vocabulary:
    entries = read_entries(json.dumps(tree).encode(), ".json", file="v")
    return vocabulary_of_entries(rename_tag(entries, old, new), file="v")


# The nearest


def test_it_is_found_through_aliases_and_is_never_the_tag_itself() -> None:
    vocabulary = vocabulary_of(
        {"natural-language-processing": {"aliases": ["nlproc"]}, "flask": {"aliases": ["flasks"]}}
    )
    assert find_nearest("nlprocs", vocabulary) == "natural-language-processing"
    assert find_nearest("natural-language-procesing", vocabulary) == "natural-language-processing"
    assert find_nearest("flask", vocabulary) is None
    assert find_nearest("zzz", vocabulary) is None


def test_behind_the_names_of_the_tag_itself_comes_another_tag() -> None:
    vocabulary = vocabulary_of({"flask": {"aliases": ["flasks"]}, "flash": {}})
    assert find_nearest("flask", vocabulary) == "flash"


def test_of_equals_the_first_name_by_code_points_is_the_nearest() -> None:
    vocabulary = vocabulary_of({"a": {"aliases": ["code-x"]}, "z": {"aliases": ["code-b"]}, "code-y": {}})
    assert find_nearest("code-q", vocabulary) == "z"


def test_many_names_are_looked_at_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = vocabulary_of({f"tag-{letter * 3}": {} for letter in "abcdefgh"})
    names = [f"tag-{letter * 3}x" for letter in "hgfedcba"] + ["zzz", "gpt-2"]
    whole = find_nearest_tags(names, vocabulary)
    assert [found and found[0] for found in whole] == [*(name.removesuffix("x") for name in names[:-2]), None, None]
    monkeypatch.setattr(spelling, "_CELLS", 20)
    assert find_nearest_tags(names, vocabulary) == whole


@pytest.mark.parametrize("at_least", [70.0, 88.0])
def test_scores_are_those_of_every_pair_of_the_same_signs(at_least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "_CELLS", 500)
    rng = random.Random(7)
    forms, names = (["".join(rng.choices("ab1", [9, 9, 1], k=rng.randint(0, 14))) for _ in range(300)] for _ in "12")
    found = {}
    for rows, columns, scores in spelling.score_in_blocks(forms, names, at_least=at_least):
        assert columns == sorted(columns)
        for row, of_row in zip(rows, scores, strict=True):
            found |= {(row, at): score for at, score in zip(columns, of_row.tolist(), strict=True) if score}
    assert found == {
        (row, at): score
        for row, form in enumerate(forms)
        for at, name in enumerate(names)
        if spelling.signs_of(form) == spelling.signs_of(name) and (score := fuzz.ratio(form, name)) >= at_least
    }


# Told apart


def test_a_pair_holds_in_any_order_and_spelling() -> None:
    apart = DistinctNames(frozenset([("graph", "graphs")]), vocabulary_of("a b"))
    assert apart.holds("graphs", "Graph")
    assert not apart.holds("graph", "graph")
    assert not apart.holds("a", "b")


def test_a_pair_holds_for_every_name_of_a_tag() -> None:
    vocabulary = vocabulary_of({"tabular-data": {"aliases": ["tabular", "table"]}, "b": {}})
    apart = DistinctNames(frozenset([("tables", "tabular")]), vocabulary)
    assert apart.holds("tables", "tabular-data")
    assert apart.holds("TABLE", "tables")
    assert not apart.holds("tables", "b")


def test_a_pair_of_one_tag_by_now_holds_no_more() -> None:
    apart = DistinctNames(frozenset([("a", "b")]), vocabulary_of({"a": {"aliases": ["b"]}}))
    assert not apart.holds("a", "b")
    assert not apart.holds("a", "a")


TREE = {"unsupervised": {}, "graphs": {}, "supervised-tag": {}}


@pytest.mark.parametrize("told", [("unsupervised", "supervised"), ("supervised", "unsupervised")])
def test_what_is_told_apart_is_not_the_nearest_even_when_renamed(told: tuple[str, str]) -> None:
    later = renamed(TREE, "unsupervised", "learning-without-labels")
    assert find_nearest("supervised", later) == "learning-without-labels"
    assert (
        find_nearest("supervised", later, DistinctNames(frozenset([told]), later)) == "supervised-tag"
    )  # the next best
    both = DistinctNames(frozenset([told, ("supervised", "supervised-tag")]), later)
    assert find_nearest_tags(["supervised", "graph"], later, both) == [None, ("graphs", pytest.approx(90.9, abs=0.1))]


def test_warnings_keep_to_it_when_a_tag_is_renamed() -> None:
    tree = {"unsupervised": {}, "dataset": {"parents": ["supervised"]}, "datasets": {}, "trainings": {}}
    later = renamed(tree, "datasets", "data-set")
    later = Vocabulary(
        later.tags, tuple((*each, "training") if each else each for each in later.aliases), later.parents
    )
    told = [("supervised", "unsupervised"), ("dataset", "datasets"), ("trainings", "datasets")]

    def nearest(*pairs: tuple[str, str]) -> dict[tuple[str, str], str | None]:
        found = find_warnings(
            later, pa.array(["dataset", "data-set", "unsupervised"]), DistinctNames(frozenset(pairs), later)
        )
        return {(str(each.kind), each.value): each.nearest for each in found}

    assert nearest() == {
        ("unknown_parent", "supervised"): "unsupervised",
        ("near_duplicate", "dataset"): "data-set",
        ("never_used", "trainings"): "data-set",
    }
    assert nearest(*told) == {("unknown_parent", "supervised"): None, ("never_used", "trainings"): None}


# Signs


OBJECTIVE = ["objective-c", "objective-c++", "objective-c#"]
GPT = ["generative-transformer-2", "generative-transformer-3"]


@pytest.mark.parametrize("names", [OBJECTIVE, GPT, ["dotted.net", ".dotted.net"]])
def test_only_their_signs_keep_long_names_apart(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As only a rule can: by their letters they would be suggested, which is seen when the rule is off."""

    def find(tag: str, *others: str) -> tuple[list[str], list[str | None], list[tuple[str, str]]]:
        vocabulary = vocabulary_of(tag)
        suggested = [each.form for each in suggest_aliases(dict.fromkeys(others, 1), vocabulary, DistinctNames())]
        nearest = [find_nearest(each, vocabulary) for each in others]
        return sorted(suggested), nearest, find_near_duplicates([tag, *others])

    for tag in names:
        others = [name for name in names if name != tag]
        assert find(tag, *others) == ([], [None] * len(others), [])
    for module in (spelling, vocabulary_checks):
        monkeypatch.setattr(module, "signs_of", lambda name: "")
    for tag in names:
        others = [name for name in names if name != tag]
        suggested, nearest, duplicates = find(tag, *others)
        assert suggested == sorted(others)
        assert nearest == [tag] * len(others)
        assert duplicates


def test_a_parent_that_differs_in_a_sign_or_a_digit_is_not_meant() -> None:
    tree = {"objective-c": {"parents": ["objective-c++", "gpt-3", "objectiv-c"]}, "gpt-2": {}}
    found = find_warnings(vocabulary_of(tree), pa.array(list(tree)))
    assert {each.value: each.nearest for each in found} == {
        "objective-c++": None,
        "gpt-3": None,
        "objectiv-c": "objective-c",
    }

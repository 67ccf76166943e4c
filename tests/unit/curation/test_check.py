"""What is wrong with a vocabulary, one finding for each problem, and what in the file would mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tagpipe.curation.check import list_errors
from tagpipe.errors import InputError
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import Problem, ProblemKind, find_problems, vocabulary_of


def entries_of(tree: Any) -> tuple[Entry, ...]:
    return read_entries(json.dumps(tree).encode(), ".json", file="v")


def errors_of(tree: Any) -> list[tuple[str, str | None, str | None, str | None, str]]:
    found = list_errors(entries_of(tree), file="data/source/v.json")
    assert {each.level for each in found} <= {"error"}
    return [(each.kind, each.tag, each.value, each.nearest, each.fix) for each in found]


IN = "in data/source/v.json"
GONE = {"deprecated": True}


@pytest.mark.parametrize(
    ("tree", "kind", "tag", "value", "nearest", "fix"),
    [
        ({}, "no_entry", None, None, None, "No project would have a tag; restore data/source/v.json from git"),
        (
            {"a": GONE},
            *("all_deprecated", None, None, None),
            "No project would have a tag; restore data/source/v.json from git",
        ),
        (
            [{"tag": "a"}, {"tag": "b"}, {"tag": "a"}, {"tag": "a"}],
            *("tag_repeated", "a", "a", None),
            f'Remove all but one of the 3 entries of "a" {IN}',
        ),
        (
            [{"tag": "Deep Learning"}, {"tag": "deep_learning"}],
            *("tag_repeated", "Deep Learning", "deep_learning", None),
            f'Remove all but one of "Deep Learning" and "deep_learning" {IN}',
        ),
        (
            {"a": {"aliases": ["B"]}, "b": {}},
            *("alias_is_tag", "a", "B", None),
            'Remove alias "B" from "a", or the entry of "b", in data/source/v.json',
        ),
        ({"a": {"aliases": ["a"]}}, "alias_is_tag", "a", "a", None, f'Remove "a" from the aliases of "a" {IN}'),
        (
            {"a": {"aliases": ["x"]}, "b": {"aliases": ["x"]}, "c": {"aliases": ["x"]}},
            *("alias_of_several", "a", "x", None),
            f'Remove alias "x" from "a" or from "b" or from "c" {IN}',
        ),
        (
            {"a": {"parents": ["A", "b"]}, "b": {}},
            "own_parent",
            "a",
            "A",
            None,
            f'Remove "A" from the parents of "a" {IN}',
        ),
        (
            {"a": {}, "b": {"replaced_by": "a"}},
            *("replaced_but_live", "b", "a", None),
            'Set deprecated of "b", or remove its replaced_by, in data/source/v.json',
        ),
        (
            {"pytorch": {"aliases": ["torch"]}, "b": GONE | {"replaced_by": "torch"}},
            *("replacement_unknown", "b", "torch", "pytorch"),
            f'Did you mean "pytorch"? Name it as replaced_by of "b" {IN}, or remove that',
        ),
        (
            {"pytorch": {}, "b": GONE | {"replaced_by": "pytroch"}},
            *("replacement_unknown", "b", "pytroch", "pytorch"),
            f'Did you mean "pytorch"? Name it as replaced_by of "b" {IN}, or remove that',
        ),
        (
            {"a": {}, "b": GONE | {"replaced_by": "zzz"}},
            *("replacement_unknown", "b", "zzz", None),
            f'Name a tag as replaced_by of "b" {IN}, or remove that',
        ),
        (
            {"a": {}, "b": GONE | {"replaced_by": "a"}, "c": GONE | {"replaced_by": "b"}},
            *("replacement_deprecated", "c", "b", "a"),
            f'Did you mean "a"? Name it as replaced_by of "c" {IN}, or remove that',
        ),
        (
            {"a": {}, "b": GONE | {"replaced_by": "b"}},
            *("replacement_deprecated", "b", "b", None),
            f'Name a tag as replaced_by of "b" {IN}, or remove that',
        ),
        (
            {"z": {"parents": ["a"]}, "a": {"parents": ["b"]}, "b": {"aliases": ["bee"], "parents": ["a"]}},
            *("parent_cycle", "a", "b", None),
            'Remove one of these parents in data/source/v.json: "b" of "a", "a" of "b"',
        ),
        (
            {"a": {"aliases": ["x"], "parents": ["x"]}},
            *("parent_cycle", "a", "a", None),
            'Remove one of these parents in data/source/v.json: "a" of "a"',
        ),
    ],
)
def test_each_error_names_its_tag_and_what_would_mend_it(
    tree: Any, kind: str, tag: str | None, value: str | None, nearest: str | None, fix: str
) -> None:
    assert errors_of(tree) == [(kind, tag, value, nearest, fix)]


def test_every_kind_of_problem_has_a_fix_of_its_own() -> None:
    (mark,) = test_each_error_names_its_tag_and_what_would_mend_it.pytestmark
    assert {str(kind) for kind in ProblemKind} == {case[1] for case in mark.args[1]}


def test_every_cycle_is_told_once_whatever_else_is_wrong() -> None:
    tree = {
        "a": {"parents": ["b", "a"]},
        "b": {"parents": ["a", "d"]},
        "c": {"parents": ["d"], "aliases": ["x"]},
        "d": {"parents": ["e"], "aliases": ["x"]},
        "e": {"parents": ["c"]},
        "f": {"parents": ["f"]},
        "g": {"parents": ["a", "f"]},
    }
    problems = find_problems(entries_of(tree))
    assert [(each.kind, each.others) for each in problems if each.kind == ProblemKind.PARENT_CYCLE] == [
        (ProblemKind.PARENT_CYCLE, ("a", "b", "a")),
        (ProblemKind.PARENT_CYCLE, ("d", "e", "c", "d")),
    ]
    assert [(each.kind, each.tag) for each in problems if each.kind != ProblemKind.PARENT_CYCLE] == [
        (ProblemKind.OWN_PARENT, "a"),
        (ProblemKind.OWN_PARENT, "f"),
        (ProblemKind.ALIAS_OF_SEVERAL, "c"),
    ]


def test_a_vocabulary_is_refused_with_all_of_its_cycles() -> None:
    tree = {"a": {"parents": ["b"]}, "b": {"parents": ["a"]}, "c": {"parents": ["d"]}, "d": {"parents": ["c"]}}
    with pytest.raises(InputError) as caught:
        vocabulary_of(entries_of(tree), file="v")
    assert caught.value.what == 'parents form a cycle: "a" -> "b" -> "a"'
    assert len(caught.value.details) == 2


def test_problems_are_those_of_the_error_of_a_build() -> None:
    entries = entries_of({"a": {"aliases": ["b", "x"], "parents": ["a"]}, "b": {"aliases": ["x"], "parents": ["a"]}})
    with pytest.raises(InputError) as caught:
        vocabulary_of(entries, file="v")
    problems = find_problems(entries)
    assert caught.value.details == tuple(each.what for each in problems)
    assert problems[0] == Problem(
        ProblemKind.ALIAS_IS_TAG, "a", "b", 'alias "b" of "a" is itself a canonical tag', ("b",)
    )


def test_a_vocabulary_without_errors_has_none() -> None:
    assert errors_of({"a": {"parents": ["nowhere"]}, "b": GONE | {"replaced_by": "a"}}) == []

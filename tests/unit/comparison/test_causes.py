"""What caused a label change, from whether each mixture of the inputs has the label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tagpipe.comparison.causes import Attribution, attribute_changes
from tagpipe.comparison.sides import LabelChanges
from tagpipe.errors import InputError
from tagpipe.tables.tag_lists import Int64s

GivesHead = Callable[[frozenset[str]], bool]
"""Whether a change has happened with these factors taken from head, the others from base."""


def attribute(*changes: GivesHead, is_added: bool = True, may_be_code: bool = False) -> Attribution:
    """The causes of changes that factors `a`, `b` and `c` make as their functions say."""
    labels = LabelChanges(np.arange(len(changes)), np.full(len(changes), is_added))

    def replay(from_head: frozenset[str]) -> Int64s:
        return np.flatnonzero([gives_head(from_head) == is_added for gives_head in changes])

    return attribute_changes(labels, ["a", "b", "c"], replay, may_be_code=may_be_code)


def found_in(attribution: Attribution) -> list[tuple[str, tuple[str, ...], int, int]]:
    return [(str(group.cause), group.factors, group.n_added, group.n_removed) for group in attribution.groups]


@pytest.mark.parametrize("is_added", [True, False])
@pytest.mark.parametrize(
    ("gives_head", "cause", "factors"),
    [
        (lambda taken: "a" in taken, "sole", ("a",)),
        (lambda taken: {"a", "b"} <= taken, "joint", ("a", "b")),
        (lambda taken: {"a", "b", "c"} <= taken, "joint", ("a", "b", "c")),
        (lambda taken: "a" in taken and bool(taken & {"b", "c"}), "joint", ("a",)),
        (lambda taken: bool(taken & {"a", "b"}), "overdetermined", ("a", "b")),
        (lambda taken: "a" in taken or {"b", "c"} <= taken, "overdetermined", ("a",)),
        (lambda taken: len(taken) >= 2, "masked", ()),
        (lambda taken: taken not in ({"b"}, {"c"}, {"a", "c"}, set()), "masked", ("a", "b")),
        (lambda taken: len(taken) in (1, 3), "masked", ("a", "b", "c")),
        (lambda taken: False, "unexplained", ()),
        (lambda taken: taken < {"a", "b", "c"} and "a" in taken, "unexplained", ()),
    ],
)
def test_the_cause_follows_from_what_suffices_and_what_is_needed(
    gives_head: GivesHead, cause: str, factors: tuple[str, ...], is_added: bool
) -> None:
    counts = (1, 0) if is_added else (0, 1)
    assert found_in(attribute(gives_head, is_added=is_added)) == [(cause, factors, *counts)]


def test_groups_come_by_size_then_by_cause_and_each_change_knows_its_own() -> None:
    def by_a(taken: frozenset[str]) -> bool:
        return "a" in taken

    def by_both(taken: frozenset[str]) -> bool:
        return {"a", "b"} <= taken

    def by_c(taken: frozenset[str]) -> bool:
        return "c" in taken

    attribution = attribute(by_both, by_c, by_a, by_both, by_c, by_both)
    assert found_in(attribution) == [
        ("joint", ("a", "b"), 3, 0),
        ("sole", ("c",), 2, 0),
        ("sole", ("a",), 1, 0),
    ]
    assert attribution.group_of.tolist() == [0, 1, 2, 0, 1, 0]
    assert found_in(attribute(by_both, by_c, by_a)) == [
        ("sole", ("a",), 1, 0),
        ("sole", ("c",), 1, 0),
        ("joint", ("a", "b"), 1, 0),
    ]


def test_each_factor_says_what_it_does_alone_and_what_is_lost_without_it() -> None:
    effects = attribute(lambda taken: "a" in taken, lambda taken: {"a", "b"} <= taken).factors
    assert [(effect.name, effect.n_suffices, effect.n_needed) for effect in effects] == [
        ("a", 1, 2),
        ("b", 0, 1),
        ("c", 0, 0),
    ]


def test_what_base_s_inputs_give_by_themselves_is_due_to_code() -> None:
    attribution = attribute(lambda taken: True, lambda taken: "a" in taken, may_be_code=True)
    assert found_in(attribution) == [("sole", ("a",), 1, 0), ("sole", ("code",), 1, 0)]
    assert [(effect.name, effect.n_suffices, effect.n_needed) for effect in attribution.factors] == [
        ("a", 1, 1),
        ("b", 0, 0),
        ("c", 0, 0),
        ("code", 1, 1),
    ]


def test_no_change_is_due_to_no_factor() -> None:
    attribution = attribute()
    assert (attribution.groups, attribution.group_of.tolist(), attribution.n_replays) == ((), [], 0)
    assert [(effect.n_suffices, effect.n_needed) for effect in attribution.factors] == [(0, 0)] * 3


def test_why_the_one_factor_cannot_be_built_is_told_once() -> None:
    def refuse(from_head: frozenset[str]) -> Int64s:
        raise InputError("no project has this field")

    labels = LabelChanges(np.arange(2), np.ones(2, dtype=bool))
    attribution = attribute_changes(labels, ["a"], refuse, may_be_code=True)
    assert (attribution.problem, attribution.n_unexplained) == ("no project has this field.", 2)
    assert [(effect.problem_alone, effect.problem_without) for effect in attribution.factors] == [(None, None)]


def test_one_factor_alone_is_the_cause_without_any_replay() -> None:
    def refuse(from_head: frozenset[str]) -> Int64s:
        raise AssertionError("there is nothing to tell apart")

    labels = LabelChanges(np.arange(2), np.array([True, False]))
    attribution = attribute_changes(labels, ["a"], refuse, may_be_code=False)
    assert (found_in(attribution), attribution.n_replays) == ([("sole", ("a",), 1, 1)], 0)
    nothing_differs = attribute_changes(labels, [], refuse, may_be_code=False)
    assert found_in(nothing_differs) == [("unexplained", (), 1, 1)]

"""Vocabularies, parameters and counts of two versions, side by side."""

from __future__ import annotations

from support.samples import params_with, vocabulary_of

from tagpipe.comparison.value_changes import (
    EntryChange,
    ValueChange,
    diff_counts,
    diff_values,
    diff_vocabularies,
    flatten_params,
)


def test_counts_come_by_their_difference_and_then_by_name() -> None:
    base = {"large": 100, "same": 5, "gone": 3, "b": 1, "a": 1}
    head = {"large": 101, "same": 5, "new": 3, "b": 3, "a": 3}
    assert diff_counts(base, head) == (
        ValueChange("gone", 3, 0),
        ValueChange("new", 0, 3),
        ValueChange("a", 1, 3),
        ValueChange("b", 1, 3),
        ValueChange("large", 100, 101),
    )


def test_values_come_in_the_order_of_head_and_then_of_base() -> None:
    base = {"gone": 1, "same": 2, "b": 3, "empty": None}
    head = {"new": 4, "b": 5, "same": 2}
    assert diff_values(base, head) == (
        ValueChange("new", None, 4),
        ValueChange("b", 3, 5),
        ValueChange("gone", 1, None),
    )


def test_entries_say_what_came_and_what_went() -> None:
    base = vocabulary_of(
        {"as-it-was": {}, "up": {}, "gone": {"aliases": ["g"]}, "kept": {"aliases": ["x", "y"], "parents": ["up"]}}
    )
    head = vocabulary_of(
        {"as-it-was": {}, "up": {}, "new": {"parents": ["up"]}, "kept": {"aliases": ["y", "z"], "parents": ["new"]}}
    )
    assert diff_vocabularies(base, head) == (
        EntryChange("removed", "gone", aliases_removed=("g",)),
        EntryChange("changed", "kept", ("z",), ("x",), ("new",), ("up",)),
        EntryChange("added", "new", parents_added=("up",)),
    )


def test_a_parameter_has_a_dotted_name_and_the_mapping_of_fields_is_one_value() -> None:
    flat = flatten_params(params_with(threshold={"min_projects": 7}, annotate={"exclude": ["ai"]}))
    assert flat["threshold.min_projects"] == 7
    assert flat["annotate.exclude"] == ["ai"]
    assert flat["source.projects.path"] == "projects.json"
    assert flat["validate.fields"]["tags"] == "tags"
    assert not [name for name in flat if name.startswith("validate.fields.")]

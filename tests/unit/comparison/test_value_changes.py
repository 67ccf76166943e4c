"""Vocabularies, parameters and counts of two versions, side by side."""

from __future__ import annotations

from typing import Any

from support.samples import params_with, vocabulary_of

from tagpipe.comparison.document import EntryRow, ValueRow
from tagpipe.comparison.value_changes import (
    diff_counts,
    diff_values,
    diff_vocabularies,
    flatten_params,
)


def test_counts_come_by_their_difference_and_then_by_name() -> None:
    base = {"large": 100, "same": 5, "gone": 3, "b": 1, "a": 1}
    head = {"large": 101, "same": 5, "new": 3, "b": 3, "a": 3}
    assert diff_counts(base, head) == (
        ValueRow(name="gone", base=3, head=0),
        ValueRow(name="new", base=0, head=3),
        ValueRow(name="a", base=1, head=3),
        ValueRow(name="b", base=1, head=3),
        ValueRow(name="large", base=100, head=101),
    )


def test_values_come_in_the_order_of_head_and_then_of_base() -> None:
    base = {"gone": 1, "same": 2, "b": 3, "empty": None}
    head = {"new": 4, "b": 5, "same": 2}
    assert diff_values(base, head) == (
        ValueRow(name="new", base=None, head=4),
        ValueRow(name="b", base=3, head=5),
        ValueRow(name="gone", base=1, head=None),
    )


def entry(kind: Any, tag: str, **changes: tuple[str, ...]) -> EntryRow:
    """A change of an entry whose other lists are empty."""
    lists = ("aliases_added", "aliases_removed", "parents_added", "parents_removed")
    return EntryRow(kind=kind, tag=tag, **(dict.fromkeys(lists, ()) | changes))


def test_entries_say_what_came_and_what_went() -> None:
    base = vocabulary_of(
        {"as-it-was": {}, "up": {}, "gone": {"aliases": ["g"]}, "kept": {"aliases": ["x", "y"], "parents": ["up"]}}
    )
    head = vocabulary_of(
        {"as-it-was": {}, "up": {}, "new": {"parents": ["up"]}, "kept": {"aliases": ["y", "z"], "parents": ["new"]}}
    )
    assert diff_vocabularies(base, head) == (
        entry("removed", "gone", aliases_removed=("g",)),
        entry(
            "changed",
            "kept",
            aliases_added=("z",),
            aliases_removed=("x",),
            parents_added=("new",),
            parents_removed=("up",),
        ),
        entry("added", "new", parents_added=("up",)),
    )


def test_a_parameter_has_a_dotted_name_and_the_mapping_of_fields_is_one_value() -> None:
    flat = flatten_params(params_with(threshold={"min_projects": 7}, annotate={"exclude": ["ai"]}))
    assert flat["threshold.min_projects"] == 7
    assert flat["annotate.exclude"] == ["ai"]
    assert flat["source.projects.path"] == "projects.json"
    assert flat["validate.fields"]["tags"] == "tags"
    assert not [name for name in flat if name.startswith("validate.fields.")]

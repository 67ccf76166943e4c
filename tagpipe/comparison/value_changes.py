"""Parameters, pins, vocabulary entries, counts and measures of two dataset versions, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tagpipe.comparison.document import EntryRow, ValueRow
from tagpipe.comparison.sides import Side
from tagpipe.errors import hide_address
from tagpipe.params import Params, dump_params
from tagpipe.vocabulary.vocabulary import Vocabulary


def flatten_params(params: Params) -> dict[str, Any]:
    """Dotted name -> value of every parameter; a list, or `validate.fields`, is one value."""
    flat: dict[str, Any] = {}

    def walk(tree: Mapping[str, Any], prefix: str) -> None:
        for key, value in tree.items():
            if isinstance(value, dict) and f"{prefix}{key}" != "validate.fields":
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = value

    walk(dump_params(params), "")
    return flat


def diff_vocabularies(base: Vocabulary, head: Vocabulary) -> tuple[EntryRow, ...]:
    """The entries that were added or removed, or whose aliases or parents differ, by tag."""
    ours, theirs = _names_by_tag(base), _names_by_tag(head)
    changes = []
    for tag in sorted(ours.keys() | theirs.keys()):
        if ours.get(tag) == theirs.get(tag):
            continue
        old_aliases, old_parents = ours.get(tag, (set(), set()))
        new_aliases, new_parents = theirs.get(tag, (set(), set()))
        changes.append(
            EntryRow(
                kind="added" if tag not in ours else "removed" if tag not in theirs else "changed",
                tag=tag,
                aliases_added=tuple(sorted(new_aliases - old_aliases)),
                aliases_removed=tuple(sorted(old_aliases - new_aliases)),
                parents_added=tuple(sorted(new_parents - old_parents)),
                parents_removed=tuple(sorted(old_parents - new_parents)),
            )
        )
    return tuple(changes)


def _names_by_tag(vocabulary: Vocabulary) -> dict[str, tuple[set[str], set[str]]]:
    """Tag -> (its aliases, its parents)."""
    entries = zip(vocabulary.tags, vocabulary.aliases, vocabulary.parents, strict=True)
    return {tag: (set(aliases), set(parents)) for tag, aliases, parents in entries}


def diff_values(base: Mapping[str, Any], head: Mapping[str, Any]) -> tuple[ValueRow, ...]:
    """The values that differ, in the order of head, then of base."""
    return tuple(row for row in _pair_values(base, head) if row.base != row.head)


def diff_params(base: Params, head: Params) -> tuple[ValueRow, ...]:
    """The parameters that differ, addresses without their secrets: two that differ in these alone are shown alike."""
    rows = diff_values(flatten_params(base), flatten_params(head))
    return tuple(ValueRow(name=row.name, base=_shown(row.base), head=_shown(row.head)) for row in rows)


def _shown(value: Any) -> Any:
    return hide_address(value) if isinstance(value, str) and "//" in value else value


def _pair_values(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[ValueRow]:
    """All values, in the order of head, then of base."""
    for name in dict.fromkeys([*head, *base]):
        yield ValueRow(name=name, base=base.get(name), head=head.get(name))


def diff_counts(base: Mapping[str, int], head: Mapping[str, int]) -> tuple[ValueRow, ...]:
    """Counts that differ, the largest difference first, then by name."""
    pairs = {name: (base.get(name, 0), head.get(name, 0)) for name, _ in base.items() ^ head.items()}
    names = sorted(pairs, key=lambda name: (-abs(pairs[name][1] - pairs[name][0]), name))
    return tuple(ValueRow(name=name, base=pairs[name][0], head=pairs[name][1]) for name in names)


_MEASURED = {"projects", "tag_uses", "tags", "cardinality", "density", "imbalance"}
"""The parts of threshold.json whose numbers are compared."""


def pair_measures(base: Side, head: Side) -> tuple[ValueRow, ...]:
    """Every number in validation.json's `vocabulary` and in the _MEASURED parts of threshold.json, changed or not."""
    ours, theirs = (
        dict(
            _iter_numbers(
                side.validation.model_dump(include={"vocabulary"}) | side.threshold.model_dump(include=_MEASURED)
            )
        )
        for side in (base, head)
    )
    return tuple(_pair_values(ours, theirs))


def _iter_numbers(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(dotted name, value) of every number in the tree."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _iter_numbers(value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)):
            yield f"{prefix}{key}", value

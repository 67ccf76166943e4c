"""Parameters, pins, vocabulary entries, counts and measures of two dataset versions, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tagpipe.comparison.sides import Side
from tagpipe.params import Params, dump_params
from tagpipe.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class ValueChange:
    """A parameter, pin, count or measure in both versions."""

    name: str
    base: Any
    """None if base does not have it."""
    head: Any
    """None if head does not have it."""


@dataclass(frozen=True)
class EntryChange:
    """A vocabulary entry that differs, with the aliases and parents that it gained and lost, each ascending."""

    kind: Literal["added", "removed", "changed"]
    tag: str
    aliases_added: tuple[str, ...] = ()
    aliases_removed: tuple[str, ...] = ()
    parents_added: tuple[str, ...] = ()
    parents_removed: tuple[str, ...] = ()


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


def diff_vocabularies(base: Vocabulary, head: Vocabulary) -> tuple[EntryChange, ...]:
    """The entries that were added or removed, or whose aliases or parents differ, by tag."""
    ours, theirs = _names_by_tag(base), _names_by_tag(head)
    changes = []
    for tag in sorted(ours.keys() | theirs.keys()):
        if ours.get(tag) == theirs.get(tag):
            continue
        old_aliases, old_parents = ours.get(tag, (set(), set()))
        new_aliases, new_parents = theirs.get(tag, (set(), set()))
        changes.append(
            EntryChange(
                "added" if tag not in ours else "removed" if tag not in theirs else "changed",
                tag,
                tuple(sorted(new_aliases - old_aliases)),
                tuple(sorted(old_aliases - new_aliases)),
                tuple(sorted(new_parents - old_parents)),
                tuple(sorted(old_parents - new_parents)),
            )
        )
    return tuple(changes)


def _names_by_tag(vocabulary: Vocabulary) -> dict[str, tuple[set[str], set[str]]]:
    """Tag -> (its aliases, its parents)."""
    entries = zip(vocabulary.tags, vocabulary.aliases, vocabulary.parents, strict=True)
    return {tag: (set(aliases), set(parents)) for tag, aliases, parents in entries}


def diff_values(base: Mapping[str, Any], head: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """The values that differ, in the order of head, then of base."""
    names = dict.fromkeys([*head, *base])
    return tuple(
        ValueChange(name, base.get(name), head.get(name)) for name in names if base.get(name) != head.get(name)
    )


def diff_counts(base: Mapping[str, int], head: Mapping[str, int]) -> tuple[ValueChange, ...]:
    """Counts that differ, the largest difference first, then by name."""
    names = {name for name, _ in base.items() ^ head.items()}
    changes = [ValueChange(name, base.get(name, 0), head.get(name, 0)) for name in names]
    return tuple(sorted(changes, key=lambda change: (-abs(change.head - change.base), change.name)))


_MEASURED = {"projects", "tag_uses", "tags", "cardinality", "density", "imbalance"}
"""The parts of threshold.json whose numbers are compared."""


def pair_measures(base: Side, head: Side) -> tuple[ValueChange, ...]:
    """Every number in validation.json's `vocabulary` and in the _MEASURED parts of threshold.json, changed or not."""
    ours, theirs = (
        dict(
            _iter_numbers(
                side.validation.model_dump(include={"vocabulary"}) | side.threshold.model_dump(include=_MEASURED)
            )
        )
        for side in (base, head)
    )
    return tuple(ValueChange(name, ours.get(name), theirs.get(name)) for name in dict.fromkeys([*theirs, *ours]))


def _iter_numbers(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(dotted name, value) of every number in the tree."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _iter_numbers(value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)):
            yield f"{prefix}{key}", value

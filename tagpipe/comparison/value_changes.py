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
    """A parameter, pin or measure that differs; None where a side has none."""

    name: str
    base: Any
    head: Any


@dataclass(frozen=True)
class EntryChange:
    """A vocabulary entry that differs. kind: added, removed or changed; then what came and went."""

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
    """Entries that came, went or have other aliases or parents, by tag."""
    ours, theirs = (
        {tag: (set(aliases), set(up)) for tag, aliases, up in zip(each.tags, each.aliases, each.parents, strict=True)}
        for each in (base, head)
    )
    found = []
    for tag in sorted(ours.keys() | theirs.keys()):
        if ours.get(tag) == theirs.get(tag):
            continue
        old_aliases, old_parents = ours.get(tag, (set(), set()))
        new_aliases, new_parents = theirs.get(tag, (set(), set()))
        found.append(
            EntryChange(
                "added" if tag not in ours else "removed" if tag not in theirs else "changed",
                tag,
                tuple(sorted(new_aliases - old_aliases)),
                tuple(sorted(old_aliases - new_aliases)),
                tuple(sorted(new_parents - old_parents)),
                tuple(sorted(old_parents - new_parents)),
            )
        )
    return tuple(found)


def diff_values(base: Mapping[str, Any], head: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """What differs, in the order of head, then of base."""
    names = dict.fromkeys([*head, *base])
    return tuple(
        ValueChange(name, base.get(name), head.get(name)) for name in names if base.get(name) != head.get(name)
    )


def diff_counts(base: Mapping[str, int], head: Mapping[str, int]) -> tuple[ValueChange, ...]:
    """Counts that differ, the largest difference first, then by name."""
    names = {name for name, _ in base.items() ^ head.items()}
    found = [ValueChange(name, base.get(name, 0), head.get(name, 0)) for name in names]
    return tuple(sorted(found, key=lambda change: (-abs(change.head - change.base), change.name)))


_MEASURED = {"projects", "tag_uses", "tags", "cardinality", "density", "imbalance"}
"""The parts of threshold.json whose numbers are compared."""


def pair_measures(base: Side, head: Side) -> tuple[ValueChange, ...]:
    """Every number that validation.json has of the vocabulary and threshold.json of the rest, changed or not."""
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
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _iter_numbers(value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)):
            yield f"{prefix}{key}", value

"""The vocabulary from parents to children; a tag with two parents stands under both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names, resolve_parents


@dataclass(frozen=True)
class TreeRow:
    """A line of the tree."""

    depth: int
    """0 for a tag without a parent."""
    tag: str
    n_projects: int | None
    """Its support; None if that is not known."""
    n_children: int
    is_known: bool
    """False for a parent that the vocabulary does not have."""
    is_repeated: bool
    """True if its children are shown at an earlier line: n tags can have 2^n paths, too many to draw them all."""


def draw_tree(vocabulary: Vocabulary, support: Mapping[str, int], *, tag: str | None = None) -> list[TreeRow]:
    """The tags without a parent, ascending, each followed by all that is below it; or `tag` (canonical) alone.

    The vocabulary must be free of cycles.
    """
    children, unknown = find_children(vocabulary), _find_unknown_parents(vocabulary)
    below = {child for siblings in (*children.values(), *unknown.values()) for child in siblings}
    roots = [tag] if tag is not None else sorted({*vocabulary.tags, *unknown} - below)
    rows = []
    drawn: set[str] = set()
    # A stack, not recursion: a chain of parents may be longer than Python's recursion limit.
    stack = [(0, root) for root in reversed(roots)]
    while stack:
        depth, name = stack.pop()
        below_name = children.get(name) or unknown.get(name, ())
        is_repeated = bool(below_name) and name in drawn
        drawn.add(name)
        rows.append(TreeRow(depth, name, support.get(name), len(below_name), name not in unknown, is_repeated))
        if not is_repeated:
            stack += [(depth + 1, child) for child in reversed(below_name)]
    return rows


def find_children(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """Tag -> the tags that name it as a parent, by any of its names, ascending. Tags without children are left out."""
    parents = resolve_parents(vocabulary)
    return _invert(vocabulary.tags, ([vocabulary.tags[parent] for parent in of_tag] for of_tag in parents))


def _find_unknown_parents(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """Parent that the vocabulary does not have -> the tags that name it, ascending."""
    names, parents = resolve_names(vocabulary), vocabulary.parents
    unknown = ([parent for parent in of_tag if normalize_tag(parent) not in names] for of_tag in parents)
    return _invert(vocabulary.tags, unknown)


def _invert(tags: Sequence[str], parents: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    children: dict[str, list[str]] = defaultdict(list)
    for tag, of_tag in zip(tags, parents, strict=True):
        for parent in of_tag:
            children[parent].append(tag)
    return {parent: tuple(names) for parent, names in children.items()}

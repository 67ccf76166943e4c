"""The vocabulary from parents to children; a tag with two parents stands under both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names, resolve_parents


@dataclass(frozen=True)
class TreeRow:
    """A line of the tree. depth: 0 for a tag without a parent. n_projects: its support, None where that is not known.

    is_known: False for a parent that the vocabulary does not have. is_repeated: its children are shown where it stands
    first (a vocabulary of n tags can have 2^n paths).
    """

    depth: int
    tag: str
    n_projects: int | None
    n_children: int
    is_known: bool
    is_repeated: bool


def draw_tree(vocabulary: Vocabulary, support: Mapping[str, int], *, tag: str | None = None) -> list[TreeRow]:
    """The tags without a parent, ascending, each with all that is below it; only `tag` (canonical) if it is given.

    The vocabulary must be free of cycles.
    """
    children, unknown = find_children(vocabulary), find_unknown_parents(vocabulary)
    below = {child for some in (*children.values(), *unknown.values()) for child in some}
    roots = [tag] if tag is not None else sorted({*(each for each in vocabulary.tags if each not in below), *unknown})
    rows = []
    drawn: set[str] = set()
    stack = [(0, root) for root in reversed(roots)]
    while stack:
        depth, name = stack.pop()
        own = children.get(name) or unknown.get(name, ())
        is_repeated = bool(own) and name in drawn
        drawn.add(name)
        rows.append(TreeRow(depth, name, support.get(name), len(own), name not in unknown, is_repeated))
        if not is_repeated:
            stack += [(depth + 1, child) for child in reversed(own)]
    return rows


def find_children(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """Tag -> the tags that name it as a parent (through aliases, too), ascending; without those that have none."""
    children: dict[str, list[str]] = defaultdict(list)
    for tag, parents in zip(vocabulary.tags, resolve_parents(vocabulary), strict=True):
        for parent in parents:
            children[vocabulary.tags[parent]].append(tag)
    return {tag: tuple(found) for tag, found in children.items()}


def find_unknown_parents(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """Parent that is no name of the vocabulary -> the tags that name it, ascending."""
    names = resolve_names(vocabulary)
    found: dict[str, list[str]] = defaultdict(list)
    for tag, parents in zip(vocabulary.tags, vocabulary.parents, strict=True):
        for parent in parents:
            if normalize_tag(parent) not in names:
                found[parent].append(tag)
    return {parent: tuple(tags) for parent, tags in found.items()}

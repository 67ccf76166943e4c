"""Tags renamed, merged or split between two dataset versions, as the labels tell and as the vocabulary says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

import numpy as np

from tagpipe.comparison.document import MoveRow, TagRow
from tagpipe.comparison.sides import LabelChanges, Side, Union
from tagpipe.tables.tag_lists import Int64s, offsets_of
from tagpipe.vocabulary.vocabulary import normalize_tag, resolve_names

MIN_MOVED = 5
"""Projects that a move must have to be suspected."""
MIN_OVERLAP = 0.8
"""Overlap (Jaccard, 0-1) that its losers and gainers must have."""

_SLICE = 1 << 18
"""Removed labels that are paired with added ones at a time; bounds the memory."""

Kind = Literal["rename", "merge", "split"]


def find_moves(
    union: Union, labels: LabelChanges, tags: tuple[TagRow, ...], base: Side, head: Side
) -> tuple[MoveRow, ...]:
    """Declared moves, then suspected ones, both by n_moved descending, then old, new.

    A declared move's overlap is that of its own losers and gainers; a suspected one's, of the whole merge or split.
    labels: the changes of projects that both versions have. tags: from `diff_tags`.
    """
    lost, gained = (_projects_by_tag(union, labels, is_added=is_added) for is_added in (False, True))
    n_moved = _count_pairs(union, labels)
    by_name = {change.tag: change for change in tags}
    names = union.tags.to_pylist()
    index_of = {name: index for index, name in enumerate(names)}
    no_projects = np.zeros(0, dtype=np.int64)

    def describe(kind: Kind, old: str, new: str, overlap: float | None = None) -> MoveRow:
        # A tag that no labeled project has is in the vocabulary, but not in the union.
        pair = index_of.get(old, -1), index_of.get(new, -1)
        losers, gainers = lost.get(pair[0], no_projects), gained.get(pair[1], no_projects)
        return MoveRow(
            kind=kind,
            old=old,
            new=new,
            declared=overlap is None,
            n_moved=n_moved.get(pair, 0),
            n_lost=len(losers),
            n_gained=len(gainers),
            overlap=_jaccard(losers, gainers) if overlap is None else overlap,
        )

    declared = _declared_pairs(base, head)
    rows = [describe("merge" if new in base.vocabulary.tags else "rename", old, new) for old, new in declared]
    rows += [
        describe(kind, names[old], names[new], overlap)
        for kind, old, new, overlap in _suspect(lost, gained, n_moved, [by_name[name] for name in names])
        if (names[old], names[new]) not in declared
    ]
    return tuple(sorted(rows, key=lambda move: (not move.declared, -move.n_moved, move.old, move.new)))


def _declared_pairs(base: Side, head: Side) -> list[tuple[str, str]]:
    """(old, new) for each tag of base that is an alias in head."""
    canonical = {normalize_tag(tag) for tag in head.vocabulary.tags}
    names = resolve_names(head.vocabulary)
    forms = ((tag, normalize_tag(tag)) for tag in base.vocabulary.tags)
    return [(tag, head.vocabulary.tags[names[form]]) for tag, form in forms if form in names and form not in canonical]


def _projects_by_tag(union: Union, labels: LabelChanges, *, is_added: bool) -> dict[int, Int64s]:
    """Tag -> the projects that gained (or lost) it, ascending."""
    projects, tags = union.unpack(labels.labels[labels.is_added == is_added])
    order = np.lexsort((projects, tags))
    distinct, starts = np.unique(tags[order], return_index=True)
    # Of no projects, np.split makes one empty part.
    return dict(zip(distinct.tolist(), np.split(projects[order], starts[1:]), strict=True)) if len(distinct) else {}


def _count_pairs(union: Union, labels: LabelChanges) -> dict[tuple[int, int], int]:
    """(removed tag, added tag) -> the number of projects that lost the one and gained the other."""
    lost_by, lost = union.unpack(labels.labels[~labels.is_added])
    gained_by, gained = union.unpack(labels.labels[labels.is_added])
    first, last = (np.searchsorted(gained_by, lost_by, side=side) for side in ("left", "right"))
    n_tags = max(len(union.tags), 1)
    counts: dict[int, int] = defaultdict(int)
    for start in range(0, len(lost), _SLICE):
        part = slice(start, start + _SLICE)
        lengths = (last - first)[part]
        starts = offsets_of(lengths)
        partners = np.arange(starts[-1]) + np.repeat(first[part] - starts[:-1], lengths)
        pairs = np.repeat(lost[part], lengths) * n_tags + gained[partners]
        for pair, count in zip(*(array.tolist() for array in np.unique(pairs, return_counts=True)), strict=True):
            counts[pair] += count
    return {divmod(pair, n_tags): count for pair, count in counts.items()}


def _suspect(
    lost: dict[int, Int64s],
    gained: dict[int, Int64s],
    n_moved: dict[tuple[int, int], int],
    tags: list[TagRow],
) -> Iterator[tuple[Kind, int, int, float]]:
    """(kind, old, new, overlap) of splits by their old tag, then of merges and renames by their new one; no pair twice.

    A tag takes part if most of it moved: most losers of an old tag gained the new one, or most gainers of a new one
    lost the old. The losers and gainers of the whole group must then overlap as well; otherwise a tag that left the
    cut would look merged into any popular one.
    """
    into: dict[int, list[int]] = defaultdict(list)
    out_of: dict[int, list[int]] = defaultdict(list)
    for (old, new), count in n_moved.items():
        if count >= MIN_MOVED and count >= MIN_OVERLAP * len(lost[old]):
            into[new].append(old)
        if count >= MIN_MOVED and count >= MIN_OVERLAP * len(gained[new]):
            out_of[old].append(new)
    splits = set()
    for old, news in out_of.items():
        overlap = _jaccard(lost[old], np.unique(np.concatenate([gained[new] for new in news])))
        if len(news) > 1 and overlap >= MIN_OVERLAP:
            for new in news:
                splits.add((old, new))
                yield "split", old, new, overlap
    for new, olds in into.items():
        overlap = _jaccard(np.unique(np.concatenate([lost[old] for old in olds])), gained[new])
        if overlap >= MIN_OVERLAP:
            kind: Kind = "merge" if len(olds) > 1 or tags[new].was_kept else "rename"
            for old in olds:
                if (old, new) not in splits:
                    yield kind, old, new, overlap


def _jaccard(left: Int64s, right: Int64s) -> float:
    """Common elements / all elements of two arrays without repeats, 0-1; 0 if both are empty."""
    n_common = len(np.intersect1d(left, right, assume_unique=True))
    n_all = len(left) + len(right) - n_common
    return n_common / n_all if n_all else 0.0

"""Changes of tags between two dataset versions: support, place at the cut, and groups of equal label changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.comparison.document import TagRow
from tagpipe.comparison.sides import LabelChanges, Side, Union
from tagpipe.tables.tag_lists import Int64s


@dataclass(frozen=True)
class Signature:
    """The same label change on one or more projects."""

    removed: tuple[str, ...]
    """Ascending."""
    added: tuple[str, ...]
    """Ascending."""
    projects: Int64s
    """Indices of the projects, ascending."""

    @property
    def n_projects(self) -> int:
        return len(self.projects)


def diff_tags(base: Side, head: Side, union: Union, labels: LabelChanges) -> tuple[TagRow, ...]:
    """Every tag that either side has seen, ascending."""
    tags = union.unpack(labels.labels)[1]
    n_added, n_removed = (
        dict(zip(union.tags.to_pylist(), np.bincount(tags[mask], minlength=len(union.tags)).tolist(), strict=True))
        for mask in (labels.is_added, ~labels.is_added)
    )
    ours, theirs = _supports(base.tags), _supports(head.tags)
    rows = []
    for tag in sorted(ours.keys() | theirs.keys() | n_added.keys()):
        (n_base, was_kept), (n_head, is_kept) = ours.get(tag, (0, False)), theirs.get(tag, (0, False))
        gained, lost = n_added.get(tag, 0), n_removed.get(tag, 0)
        rows.append(
            TagRow(
                tag=tag,
                base=n_base,
                head=n_head,
                was_kept=was_kept,
                is_kept=is_kept,
                n_added=gained,
                n_removed=lost,
            )
        )
    return tuple(rows)


def _supports(tags: pa.Table) -> dict[str, tuple[int, bool]]:
    """Tag -> (projects with it before the cut, True if it passed the cut)."""
    names, counts, kept = (tags.column(name).to_pylist() for name in ("tag", "n_projects", "kept"))
    return {name: (count, is_kept) for name, count, is_kept in zip(names, counts, kept, strict=True)}


def group_changes(union: Union, labels: LabelChanges) -> tuple[Signature, ...]:
    """The projects grouped by their label changes; the most frequent change first, then by its tags."""
    # Each project's change becomes one text such as "-3 +7", so that Arrow can group them without a Python loop.
    projects, tags = union.unpack(labels.labels)
    order = np.lexsort((tags, labels.is_added, projects))
    signs = pc.if_else(pa.array(labels.is_added[order]), "+", "-")
    texts = pc.binary_join_element_wise(signs, pa.array(tags[order]).cast(pa.string()), "")
    rows, starts = np.unique(projects[order], return_index=True)
    offsets = pa.array(np.append(starts, len(order)).astype(np.int32))
    groups = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), " ").dictionary_encode()
    codes = groups.indices.to_numpy()
    by_group = np.split(rows[np.argsort(codes, kind="stable")], np.cumsum(np.bincount(codes))[:-1]) if len(rows) else []
    names = union.tags.to_pylist()
    signatures = []
    for key, members in zip(groups.dictionary.to_pylist(), by_group, strict=True):
        parts = [(part[0], names[int(part[1:])]) for part in key.split(" ")]
        removed, added = (tuple(name for sign, name in parts if sign == wanted) for wanted in "-+")
        signatures.append(Signature(removed, added, members))
    return tuple(sorted(signatures, key=lambda group: (-group.n_projects, group.removed, group.added)))

"""A diff applied to base, which must give head."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.sides import Side, find_places
from tagpipe.tables.tag_lists import TagLists, offsets_of, tag_lists_of


def apply_diff(diff: VersionDiff, projects: pa.Table) -> pa.Table:
    """Head's projects with their labels (as `labeled_projects_of`), from base's `projects` and the diff.

    Of head itself, only the dates and texts of projects are read that the diff calls added, retexted or redated.
    """
    union = diff.union
    stays = np.flatnonzero(union.base_rows >= 0)
    texts = projects.select(["created_on", "text"]).take(pa.array(union.base_rows[stays]))
    rewritten = np.concatenate([diff.added, np.union1d(diff.retexted, diff.redated)])
    new_texts = diff.head.projects.select(["created_on", "text"]).take(pa.array(union.head_rows[rewritten]))
    source = np.full(len(union.ids), -1, dtype=np.int64)
    source[stays] = np.arange(len(stays))
    source[rewritten] = len(stays) + np.arange(len(rewritten))
    of_head = np.flatnonzero(union.head_rows >= 0)
    of_head = of_head[np.argsort(union.head_rows[of_head])]
    table = pa.concat_tables([texts, new_texts]).take(pa.array(source[of_head]))
    labels = np.setxor1d(union.labels_of(projects), diff.labels.labels, assume_unique=True)
    rows, tags = union.unpack(labels)
    lists = TagLists(offsets_of(np.bincount(rows, minlength=len(union.ids))), tags.astype(np.int32), union.tags)
    return table.add_column(0, "id", union.ids.take(pa.array(of_head))).append_column(
        "tags", lists.take(of_head).to_arrow()
    )


def labeled_projects_of(side: Side) -> pa.Table:
    """id, created_on, text, tags of every valid project; tags (the kept ones) are empty where it is unlabeled."""
    lists = tag_lists_of(side.labels.column("tags"))
    rows = find_places(side.projects.column("id").combine_chunks(), side.labels.column("id").combine_chunks())
    lengths = np.zeros(side.projects.num_rows, dtype=np.int64)
    lengths[rows] = lists.lengths
    every = TagLists(offsets_of(lengths), lists.take(np.argsort(rows, kind="stable")).codes, lists.values)
    return side.projects.select(["id", "created_on", "text"]).append_column("tags", every.to_arrow())

"""The cut: the tags that stay, the projects that keep one, and the reasons why others keep none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.params import ThresholdParams
from tagpipe.tables.ledger import OUTCOMES, Outcomes
from tagpipe.tables.schemas import TAGS, DropReason, Outcome, check_table, id_kind_of, labeled_projects
from tagpipe.tables.tag_lists import (
    Bools,
    Int64s,
    TagLists,
    decode_codes,
    offsets_after,
)

Steps = npt.NDArray[np.uint8]
REASONS = tuple(DropReason)
"""Drop reasons by the step that a project's tags reached, the furthest last."""

_STEP_OF = {
    Outcome.DUPLICATE: DropReason.NO_TAGS,  # its first use has another outcome, which decides
    Outcome.OUT_OF_VOCABULARY: DropReason.OUT_OF_VOCABULARY,
    Outcome.EXCLUDED: DropReason.EXCLUDED,
    Outcome.PARENT_DROPPED: DropReason.PARENT_DROPPED,
    Outcome.KEPT: DropReason.BELOW_THRESHOLD,
    Outcome.ALIAS: DropReason.BELOW_THRESHOLD,
    Outcome.IMPLIED: DropReason.BELOW_THRESHOLD,
}


@dataclass(frozen=True)
class Cut:
    """The tags and projects that stay."""

    rows: Int64s
    """The rows of the annotated projects that stay, by ascending id."""
    labelsets: TagLists
    """Their kept tags."""
    tags: pa.Table
    """`schemas.TAGS`."""
    n_labeled: int
    n_unlabeled: dict[str, int]
    """Reason -> the number of projects without labels; every reason, in order."""

    @property
    def n_kept_uses(self) -> int:
        """All tags on labeled projects."""
        return len(self.labelsets.codes)


def cut_tags(
    labelsets: TagLists,
    steps: Steps,
    dropped: pa.StringArray,
    params: ThresholdParams,
    *,
    order: Int64s | None = None,
) -> Cut:
    """Cut tags with fewer than `min_projects` projects (one pass), then treat projects left with none.

    labelsets: the tags of each project before the cut. steps: the furthest step of each project (`furthest_steps`).
    dropped: the distinct tags that the parents mode took from any project. order: the rows by ascending id; None means
    that they are in that order already.
    """
    support = np.bincount(labelsets.codes, minlength=len(labelsets.values))
    is_kept = support >= params.min_projects
    kept = _filter_tags(labelsets, is_kept)
    labeled = kept.lengths > 0
    n_unlabeled = np.bincount(steps[~labeled], minlength=len(REASONS))
    rows = np.arange(labelsets.n_rows) if order is None else order
    if params.unlabeled == "drop":
        rows = rows[labeled[rows]]
    n_labeled = int(labeled.sum())
    return Cut(
        rows,
        kept.take(rows),
        _rank_tags(labelsets, dropped, support, is_kept, n_labeled),
        n_labeled,
        {str(reason): int(count) for reason, count in zip(REASONS, n_unlabeled, strict=True)},
    )


def select_projects(projects: pa.Table, cut: Cut) -> pa.Table:
    """labeled/projects.parquet: the projects that stay, of the table of all annotated ones."""
    position = projects.column_names.index("tags")
    rows = projects.drop_columns("tags").take(pa.array(cut.rows))
    return check_table(
        rows.add_column(position, "tags", cut.labelsets.to_arrow()), labeled_projects(id_kind_of(projects))
    )


def _filter_tags(lists: TagLists, is_kept: Bools) -> TagLists:
    """The lists with only the kept tags, each of which is in use."""
    stays = is_kept[lists.codes] if len(lists.codes) else np.zeros(0, dtype=bool)
    return TagLists(offsets_after(stays, lists.offsets), lists.codes[stays], lists.values).sort_values()


def furthest_steps(outcomes: Outcomes, offsets: Int64s) -> Steps:
    """The furthest step that any tag of each project reached, as an index into REASONS.

    outcomes: of every use, those of project i in `offsets[i]:offsets[i + 1]`.
    """
    step_of = np.array([REASONS.index(_STEP_OF[outcome]) for outcome in OUTCOMES], dtype=np.uint8)
    steps = np.zeros(len(offsets) - 1, dtype=np.uint8)
    used = np.flatnonzero(np.diff(offsets))
    if len(used):
        steps[used] = np.maximum.reduceat(step_of[outcomes], offsets[:-1][used])
    return steps


def find_dropped(ledger: pa.Table, outcomes: Outcomes) -> pa.StringArray:
    """The distinct tags that the parents mode took from any project. outcomes: of every use (`read_ledger`)."""
    is_dropped = outcomes == OUTCOMES.index(Outcome.PARENT_DROPPED)
    names, codes = decode_codes(ledger.column("tag").filter(pa.array(is_dropped)))
    return names.take(pa.array(np.flatnonzero(np.bincount(codes))))


def _rank_tags(
    labelsets: TagLists, dropped: pa.StringArray, support: Int64s, is_kept: Bools, n_labeled: int
) -> pa.Table:
    """`schemas.TAGS`. Prevalence is support / labeled projects, at most 1 (a cut tag's own may all be unlabeled)."""
    seen = np.flatnonzero(support)
    names = labelsets.values.take(pa.array(seen))
    # The parents mode took these from every project that had them; they count as seen, with no support.
    gone = dropped.filter(pc.invert(pc.is_in(dropped, value_set=names)))
    counts = np.concatenate([support[seen], np.zeros(len(gone), dtype=np.int64)])
    table = pa.table(
        {
            "tag": pa.concat_arrays([names, gone]),
            "n_projects": counts,
            "prevalence": np.minimum(counts / max(n_labeled, 1), 1.0),
            "kept": np.concatenate([is_kept[seen], np.zeros(len(gone), dtype=bool)]),
        }
    )
    ranked = table.sort_by([("n_projects", "descending"), ("tag", "ascending")])
    return check_table(ranked.combine_chunks().cast(TAGS), TAGS)

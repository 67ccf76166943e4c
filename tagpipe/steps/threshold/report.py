"""threshold.json."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.params import ThresholdParams
from tagpipe.steps.threshold.cut import Cut
from tagpipe.steps.threshold.measures import cardinality, density, imbalance
from tagpipe.tables.digest import content_sha256
from tagpipe.tables.reports.threshold import KeptTags, KeptUses, LabeledProjects, ThresholdReport
from tagpipe.tables.reports.validation import ValidatedRows
from tagpipe.tables.schemas import Outcome

N_SHOWN = 5


def threshold_report(
    cut: Cut, projects: pa.Table, rows: ValidatedRows, params: ThresholdParams, n_by_outcome: dict[str, int]
) -> ThresholdReport:
    """threshold.json of the labeled `projects`; `rows` is what validation.json says of the received ones.

    Raises AssertionError if a row would be lost: in = rejected + duplicates + labeled + unlabeled.
    """
    n_unlabeled = sum(cut.n_unlabeled.values())
    assert rows.n_in == rows.n_rejected + rows.n_duplicates + cut.n_labeled + n_unlabeled, "a project was lost"
    counts = tuple(zip(*(cut.tags.column(name).to_pylist() for name in ("tag", "n_projects")), strict=True))
    n_kept = int(pc.sum(cut.tags.column("kept")).as_py() or 0)
    kept = counts[:n_kept]
    return ThresholdReport(
        min_projects=params.min_projects,
        projects=LabeledProjects(
            n_in=rows.n_in,
            n_rejected=rows.n_rejected,
            n_duplicates=rows.n_duplicates,
            n_labeled=cut.n_labeled,
            n_unlabeled=cut.n_unlabeled,
        ),
        tag_uses=KeptUses(
            n_in=sum(count for outcome, count in n_by_outcome.items() if outcome != Outcome.IMPLIED),
            by_outcome=n_by_outcome,
            n_kept=cut.n_kept_uses,
        ),
        tags=KeptTags(n_seen=len(counts), n_kept=n_kept, kept=kept),
        most_popular=kept[:N_SHOWN],
        just_made=kept[-N_SHOWN:],
        # A tag that the parents mode took from all of its projects missed nothing.
        just_missed=tuple(pair for pair in counts[n_kept:] if pair[1])[:N_SHOWN],
        cardinality=cardinality(cut.n_kept_uses, cut.n_labeled),
        density=density(cut.n_kept_uses, cut.n_labeled, n_kept),
        imbalance=imbalance(cut.tags.column("n_projects").to_numpy()[:n_kept]),
        content_sha256=content_sha256(projects, cut.tags),
    )

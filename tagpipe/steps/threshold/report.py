"""threshold.json."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.params import ThresholdParams
from tagpipe.steps.threshold.cut import Cut
from tagpipe.steps.threshold.measures import cardinality, density, imbalance
from tagpipe.tables.digest import content_sha256
from tagpipe.tables.schemas import Outcome

N_SHOWN = 5


def threshold_report(
    cut: Cut,
    projects: pa.Table,
    params: ThresholdParams,
    n_by_outcome: dict[str, int],
    *,
    n_in: int,
    n_rejected: int,
    n_duplicates: int,
) -> dict[str, object]:
    """threshold.json of the labeled `projects`. Pairs of tag and support are by support descending, then tag.

    Raises AssertionError if a row would be lost: in = rejected + duplicates + labeled + unlabeled.
    """
    n_unlabeled = sum(cut.n_unlabeled.values())
    assert n_in == n_rejected + n_duplicates + cut.n_labeled + n_unlabeled, "a project was lost"
    pairs = [
        list(pair) for pair in zip(*(cut.tags.column(name).to_pylist() for name in ("tag", "n_projects")), strict=True)
    ]
    n_kept = int(pc.sum(cut.tags.column("kept")).as_py() or 0)
    met_the_cut = [pair for pair in pairs if pair[1]]
    supports = cut.tags.column("n_projects").to_numpy()[:n_kept]
    return {
        "schema": 1,
        "min_projects": params.min_projects,
        "projects": {
            "n_in": n_in,
            "n_rejected": n_rejected,
            "n_duplicates": n_duplicates,
            "n_labeled": cut.n_labeled,
            "n_unlabeled": cut.n_unlabeled,
        },
        "tag_uses": {
            "n_in": sum(count for outcome, count in n_by_outcome.items() if outcome != Outcome.IMPLIED),
            "by_outcome": n_by_outcome,
            "n_kept": cut.n_kept_uses,
        },
        "tags": {"n_seen": len(pairs), "n_kept": n_kept, "kept": pairs[:n_kept]},
        "most_popular": pairs[:n_kept][:N_SHOWN],
        "just_made": pairs[:n_kept][-N_SHOWN:],
        "just_missed": met_the_cut[n_kept:][:N_SHOWN],
        "cardinality": cardinality(cut.n_kept_uses, cut.n_labeled),
        "density": density(cut.n_kept_uses, cut.n_labeled, n_kept),
        "imbalance": imbalance(supports),
        "content_sha256": content_sha256(projects, cut.tags),
    }

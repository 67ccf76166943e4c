"""How projects use names and tags, by the version last built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tagpipe.io.repository.layout import Layout
from tagpipe.io.versions.version import Version
from tagpipe.tables.schemas import Outcome


@dataclass(frozen=True)
class Usage:
    """How projects use names, by the ledger of the version last built.

    counts: out-of-vocabulary form -> projects with it. names: every form that a project writes. support: tag ->
    projects with it, before the cut. kept: tags that passed it, at `min_projects`. normalize: as it was built.
    """

    counts: Mapping[str, int]
    names: frozenset[str]
    support: Mapping[str, int]
    kept: frozenset[str]
    min_projects: int
    normalize: bool


def read_usage(layout: Layout) -> Usage:
    """The usage. Raises InputError where no version is built."""
    version = Version(layout)
    params = version.read_json("threshold", "manifest.json")["params"]
    tags = version.read_table("threshold/tags")
    counts, names = _count_forms(version.read_table("annotate/tag_uses", columns=["normalized_tag", "outcome"]))
    return Usage(
        counts=counts,
        names=names,
        support=dict(zip(tags.column("tag").to_pylist(), tags.column("n_projects").to_pylist(), strict=True)),
        kept=frozenset(tags.filter(tags.column("kept")).column("tag").to_pylist()),
        min_projects=params["threshold"]["min_projects"],
        normalize=params["annotate"]["normalize"],
    )


def find_usage(layout: Layout) -> Usage | None:
    """The usage, or None where no version is built."""
    return read_usage(layout) if layout.out("threshold", "manifest.json").is_file() else None


def _count_forms(uses: pa.Table) -> tuple[dict[str, int], frozenset[str]]:
    """(out-of-vocabulary form -> projects with it, every form), a batch at a time (as io.sides does, and why)."""
    counts: dict[str, int] = {}
    names: set[str] = set()
    for batch in uses.to_batches():
        forms, outcomes = batch.column("normalized_tag"), batch.column("outcome")
        is_out = np.array([each == Outcome.OUT_OF_VOCABULARY for each in outcomes.dictionary.to_pylist()], dtype=bool)
        chosen = forms.indices.filter(pa.array(is_out[outcomes.indices]))
        of_batch = np.bincount(chosen, minlength=len(forms.dictionary))
        known = forms.dictionary.to_pylist()
        names.update(known)
        for at in np.flatnonzero(of_batch).tolist():
            counts[known[at]] = counts.get(known[at], 0) + int(of_batch[at])
    return counts, frozenset(names)

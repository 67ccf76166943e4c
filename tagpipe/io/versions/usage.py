"""How projects use names and tags, by the version last built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.io.repository.layout import Layout
from tagpipe.io.versions.version import Version
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.schemas import Outcome


@dataclass(frozen=True)
class Usage:
    """How projects use names, by the ledger of the version last built."""

    counts: Mapping[str, int]
    """Form outside the vocabulary -> projects with it."""
    names: frozenset[str]
    """Every form that a project writes, inside the vocabulary or not."""
    support: Mapping[str, int]
    """Tag -> projects with it, before the cut."""
    kept: frozenset[str]
    """The tags that passed the cut."""
    min_projects: int
    normalize: bool
    """`annotate.normalize` of that build."""


def read_usage(layout: Layout) -> Usage:
    """The usage. Raises InputError where no version is built."""
    version = Version(layout)
    params = version.read_report(Manifest).params
    tags = version.read_table("threshold/tags")
    uses = version.read_table("annotate/tag_uses", columns=["normalized_tag", "outcome"])
    forms = (batch.column("normalized_tag").dictionary for batch in uses.to_batches())
    return Usage(
        counts=count_out_of_vocabulary(uses),
        names=frozenset(name for names in forms for name in names.to_pylist()),
        support=dict(zip(tags.column("tag").to_pylist(), tags.column("n_projects").to_pylist(), strict=True)),
        kept=frozenset(tags.filter(tags.column("kept")).column("tag").to_pylist()),
        min_projects=params.threshold.min_projects,
        normalize=params.annotate.normalize,
    )


def find_usage(layout: Layout) -> Usage | None:
    """The usage, or None where no version is built."""
    return read_usage(layout) if layout.out("threshold", "manifest.json").is_file() else None


def count_out_of_vocabulary(uses: pa.Table) -> dict[str, int]:
    """Form -> projects with it, of every tag outside the vocabulary. uses: normalized_tag and outcome of a ledger.

    Counted a batch at a time: codes of one dictionary for the whole ledger would cost three times as much.
    """
    forms, counts = [pa.array([], pa.string())], [np.zeros(0, dtype=np.int64)]
    for batch in uses.to_batches():
        names, outcomes = batch.column("normalized_tag"), batch.column("outcome")
        is_out = pc.equal(outcomes.dictionary, Outcome.OUT_OF_VOCABULARY).take(outcomes.indices)
        of_batch = np.bincount(names.indices.filter(is_out), minlength=len(names.dictionary))
        forms.append(names.dictionary.filter(pa.array(of_batch > 0)))
        counts.append(of_batch[of_batch > 0])
    table = pa.table({"form": pa.chunked_array(forms), "n": np.concatenate(counts)})
    totals = table.group_by("form", use_threads=False).aggregate([("n", "sum")])
    return dict(zip(totals.column("form").to_pylist(), totals.column("n_sum").to_pylist(), strict=True))

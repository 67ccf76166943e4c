"""annotation.json."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tagpipe.params import AnnotateParams
from tagpipe.steps.annotate.annotation import Annotation
from tagpipe.steps.annotate.resolve_tags import find_excluded
from tagpipe.tables.reports.annotation import AnnotatedTags, AnnotatedUses, AnnotationReport
from tagpipe.tables.reports.model import TagCount
from tagpipe.tables.tag_lists import Int64s

N_SHOWN = 20


def annotation_report(annotation: Annotation, params: AnnotateParams) -> AnnotationReport:
    """annotation.json: tag uses by outcome, and the most used tags that the vocabulary does not have."""
    raw, vocabulary = annotation.raw, annotation.vocabulary
    forms, counts = annotation.count_out_of_vocabulary()
    return AnnotationReport(
        n_projects=annotation.rows.num_rows,
        tag_uses=AnnotatedUses(n_in=len(raw.codes), by_outcome=annotation.n_by_outcome),
        tags=AnnotatedTags(
            n_raw=int(np.count_nonzero(np.bincount(raw.codes, minlength=1))),
            n_out_of_vocabulary=int((counts > 0).sum()),
            out_of_vocabulary=rank_names(forms, counts, n_most=N_SHOWN),
            excluded=tuple(vocabulary.tags[index] for index in sorted(set(find_excluded(vocabulary, params)))),
        ),
    )


def rank_names(names: pa.StringArray, counts: Int64s, *, n_most: int) -> tuple[TagCount, ...]:
    """The names with the largest counts, by count descending, then name; zero counts left out."""
    n_least = max(int(np.partition(counts, -n_most)[-n_most]) if len(counts) > n_most else 0, 1)
    chosen = np.flatnonzero(counts >= n_least)
    pairs = zip((-counts[chosen]).tolist(), names.take(pa.array(chosen)).to_pylist(), strict=True)
    return tuple((name, -count) for count, name in sorted(pairs)[:n_most])

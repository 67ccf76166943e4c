"""The four steps in memory: received bytes and parameters in, a whole dataset version out."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tagpipe.dataset.summary import Reports
from tagpipe.params import Params
from tagpipe.steps.annotate.annotation import Annotation
from tagpipe.steps.annotate.report import annotation_report
from tagpipe.steps.annotate.resolve_tags import annotate
from tagpipe.steps.threshold.cut import Cut, cut_tags, furthest_steps
from tagpipe.steps.threshold.manifest import make_manifest
from tagpipe.steps.threshold.report import threshold_report
from tagpipe.steps.validate.check_rows import ValidatedProjects
from tagpipe.steps.validate.received_rows import Progress
from tagpipe.steps.validate.validate import Raw, validate
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Build:
    """Every table and report of a dataset version."""

    params: Params
    """Those it was built with."""
    vocabulary: Vocabulary
    validated: ValidatedProjects
    annotation: Annotation
    cut: Cut
    labeled: pa.Table
    """`schemas.labeled_projects`."""
    reports: Reports

    @property
    def tables(self) -> dict[str, pa.Table]:
        """STAGE/TABLE -> table, as `schemas.table_schemas` names them.

        Made anew each time: in memory, rows stay in the order of the source, and are sorted only when asked for.
        """
        return {
            "annotate/projects": self.annotation.select(self.validated.order),
            "annotate/tag_uses": self.annotation.ledger(self.validated.order),
            "threshold/projects": self.labeled,
            "threshold/tags": self.cut.tags,
        }

    @property
    def content_sha256(self) -> str:
        return self.reports.threshold.content_sha256


def build(raw: Raw, decisions: tuple[()], params: Params, *, progress: Progress | None = None) -> Build:
    """Validate, annotate and threshold.

    decisions: people's corrections; there are none yet. progress: called with (bytes parsed, bytes in all).
    Raises InputError or GuardError as the steps do.
    """
    assert not decisions, "there are no decisions yet"
    validation = validate(raw, params.validate_, progress=progress)
    validated, vocabulary = validation.projects, validation.vocabulary
    annotation = annotate(validated.rows, vocabulary, params.annotate)
    steps = furthest_steps(annotation.outcomes, annotation.raw.offsets)
    cut = cut_tags(annotation.labelsets, steps, annotation.dropped_parents, params.threshold, order=validated.order)
    labeled = annotation.select(cut.rows, cut.labelsets)
    reports = Reports(
        validation.report,
        annotation_report(annotation, params.annotate),
        threshold_report(cut, labeled, validation.report.projects, params.threshold, annotation.n_by_outcome),
    )
    return Build(params, vocabulary, validated, annotation, cut, labeled, reports)


def build_manifest(build: Build, tables: dict[str, pa.Table]) -> Manifest:
    """manifest.json of a build; `tables` are its tables (made once, for the ledger takes a while)."""
    return make_manifest(tables, build.params, report=build.reports.threshold, sources=build.reports.validation.sources)

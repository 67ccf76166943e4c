"""The four steps in memory: received bytes and parameters in, a whole dataset version out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tagpipe.params import Params
from tagpipe.steps.annotate.report import annotation_report
from tagpipe.steps.annotate.resolve_tags import Annotation, annotate
from tagpipe.steps.threshold.cut import Cut, cut_tags, furthest_steps
from tagpipe.steps.threshold.manifest import manifest
from tagpipe.steps.threshold.report import threshold_report
from tagpipe.steps.validate.check_rows import ValidatedProjects
from tagpipe.steps.validate.received_rows import Progress
from tagpipe.steps.validate.report import validation_report
from tagpipe.steps.validate.validate import Raw, describe_sources, validate
from tagpipe.vocabulary.lint import LintWarning
from tagpipe.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Build:
    """Every table and report of a dataset version; `params` are those it was built with."""

    params: Params
    vocabulary: Vocabulary
    findings: tuple[LintWarning, ...]
    validated: ValidatedProjects
    annotation: Annotation
    cut: Cut
    labeled: pa.Table
    reports: dict[str, dict[str, Any]]
    """validation, annotation and threshold: what the JSON reports of these names hold."""

    @property
    def tables(self) -> dict[str, pa.Table]:
        """STAGE/TABLE -> table, as `core.reports.table_schemas` names them.

        Made anew each time: in memory, rows stay in the order of the source, and only what is asked for is sorted.
        """
        return {
            "annotate/projects": self.annotation.select(self.validated.order),
            "annotate/tag_uses": self.annotation.ledger(self.validated.order),
            "threshold/projects": self.labeled,
            "threshold/tags": self.cut.tags,
        }

    @property
    def content_sha256(self) -> str:
        return str(self.reports["threshold"]["content_sha256"])


def build(raw: Raw, decisions: tuple[()], params: Params, *, progress: Progress | None = None) -> Build:
    """Validate, annotate and threshold.

    decisions: people's corrections; there are none yet. progress: called with (bytes parsed, bytes in all).
    Raises InputError or GuardError as the steps do.
    """
    assert not decisions, "there are no decisions yet"
    validated, vocabulary, findings = validate(raw, params, progress=progress)
    annotation = annotate(validated.rows, vocabulary, params.annotate)
    steps = furthest_steps(annotation.outcomes, annotation.raw.offsets)
    cut = cut_tags(annotation.labelsets, steps, annotation.dropped_parents, params.threshold, order=validated.order)
    labeled = annotation.select(cut.rows, cut.labelsets)
    reports = {
        "validation": validation_report(validated, vocabulary, findings, describe_sources(raw)),
        "annotation": annotation_report(annotation, params.annotate),
        "threshold": threshold_report(
            cut,
            labeled,
            params.threshold,
            annotation.n_by_outcome,
            n_in=validated.n_in,
            n_rejected=validated.n_rejected,
            n_duplicates=validated.n_duplicates,
        ),
    }
    return Build(params, vocabulary, findings, validated, annotation, cut, labeled, reports)


def build_manifest(build: Build, tables: dict[str, pa.Table]) -> dict[str, Any]:
    """manifest.json of a build; `tables` are its tables (made once, for the ledger takes a while)."""
    return manifest(
        tables, build.params, report=build.reports["threshold"], sources=build.reports["validation"]["sources"]
    )

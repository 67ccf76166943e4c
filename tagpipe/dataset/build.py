"""The four steps in memory: received bytes and parameters in, a whole dataset version out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tagpipe.formats.strict_json import ByteSource
from tagpipe.params import Params
from tagpipe.steps.annotate.resolve_tags import Annotation, annotate, annotation_report
from tagpipe.steps.threshold.cut import Cut, cut_tags, furthest_steps, threshold_report
from tagpipe.steps.threshold.manifest import describe_source, manifest, validation_report
from tagpipe.steps.validate.check_rows import ValidatedProjects, validate_projects
from tagpipe.steps.validate.json_projects import Progress, read_projects
from tagpipe.vocabulary.lint import Finding, find_warnings
from tagpipe.vocabulary.vocabulary import Vocabulary, read_vocabulary


@dataclass(frozen=True)
class RawFile:
    """One received file: its name (in messages), its ending (how it is read) and its bytes."""

    name: str
    suffix: str
    data: ByteSource


@dataclass(frozen=True)
class Raw:
    """The two inputs, exactly as received."""

    projects: RawFile
    vocabulary: RawFile

    def file(self, name: str) -> RawFile:
        """The input called `projects` or `vocabulary`."""
        found: RawFile = getattr(self, name)
        return found


@dataclass(frozen=True)
class Build:
    """Every table and report of a dataset version; `params` are those it was built with."""

    params: Params
    vocabulary: Vocabulary
    findings: tuple[Finding, ...]
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


def validate(
    raw: Raw, params: Params, *, progress: Progress | None = None
) -> tuple[ValidatedProjects, Vocabulary, tuple[Finding, ...]]:
    """The first step alone: what `tagpipe refresh` proves of new bytes before it accepts them."""
    vocabulary = read_vocabulary(raw.vocabulary.data[:], raw.vocabulary.suffix, file=raw.vocabulary.name)
    received = read_projects(
        raw.projects.data, raw.projects.suffix, params.validate_, file=raw.projects.name, progress=progress
    )
    validated = validate_projects(received, params.validate_, file=raw.projects.name)
    return validated, vocabulary, tuple(find_warnings(vocabulary, validated.used_tags))


def describe_sources(raw: Raw) -> dict[str, dict[str, object]]:
    """What was received, as validation.json and the manifest tell it."""
    return {name: describe_source(getattr(raw, name).data) for name in ("projects", "vocabulary")}


def build_manifest(build: Build, tables: dict[str, pa.Table]) -> dict[str, Any]:
    """manifest.json of a build; `tables` are its tables (made once, for the ledger takes a while)."""
    return manifest(
        tables, build.params, report=build.reports["threshold"], sources=build.reports["validation"]["sources"]
    )

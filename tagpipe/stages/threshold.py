"""Stage threshold: annotated tables to the labeled dataset, its manifest and its reports."""

from __future__ import annotations

import sys

from tagpipe.io.repository.files import read_table, write_bytes, write_table
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.reports import read_report, write_report
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.params import Params
from tagpipe.steps.threshold.cut import cut_tags, find_dropped, furthest_steps, select_projects
from tagpipe.steps.threshold.manifest import make_manifest
from tagpipe.steps.threshold.report import threshold_report
from tagpipe.tables.ledger import count_outcomes, read_ledger
from tagpipe.tables.reports.validation import ValidationReport
from tagpipe.tables.schemas import CODED
from tagpipe.tables.tag_counts import tag_counts
from tagpipe.tables.tag_lists import tag_lists_of


def threshold(layout: Layout, params: Params) -> str:
    """Cut rare tags and write the dataset version."""
    projects = read_table(layout.out("annotate", "projects.parquet"), coded=CODED["annotate/projects"])
    ledger = read_table(layout.out("annotate", "tag_uses.parquet"), coded=CODED["annotate/tag_uses"])
    validation = read_report(layout, ValidationReport)
    outcomes, offsets = read_ledger(ledger, projects)
    labelsets = tag_lists_of(projects.column("tags"))
    cut = cut_tags(labelsets, furthest_steps(outcomes, offsets), find_dropped(ledger, outcomes), params.threshold)
    labeled = select_projects(projects, cut)
    report = threshold_report(cut, labeled, validation.projects, params.threshold, count_outcomes(outcomes))
    tables = {
        "annotate/projects": projects,
        "annotate/tag_uses": ledger,
        "threshold/projects": labeled,
        "threshold/tags": cut.tags,
    }
    write_table(layout.out("threshold", "projects.parquet"), labeled)
    write_table(layout.out("threshold", "tags.parquet"), cut.tags)
    write_report(layout, make_manifest(tables, params, report=report, sources=validation.sources))
    write_report(layout, report)
    write_bytes(layout.out("threshold", "tag_counts.csv"), tag_counts(cut.tags).encode("utf-8"))
    unlabeled = ", ".join(f"{n} {reason}" for reason, n in cut.n_unlabeled.items() if n)
    labeled_with = f"{cut.n_labeled} projects labeled with {report.tags.n_kept} of {report.tags.n_seen} tags"
    return f"{labeled_with}; {unlabeled} unlabeled" if unlabeled else labeled_with


if __name__ == "__main__":
    sys.exit(run_stage("threshold", threshold))

"""Stage annotate: validated tables to annotated projects and the ledger of tag uses."""

from __future__ import annotations

import sys

from tagpipe.io.repository.files import read_table, write_table
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.reports import read_report, write_report
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.params import Params
from tagpipe.steps.annotate.report import annotation_report
from tagpipe.steps.annotate.resolve_tags import annotate as annotate_projects
from tagpipe.tables.reports.validation import VocabularyFile
from tagpipe.tables.schemas import CODED, check_table, id_kind_of, validated_projects
from tagpipe.vocabulary.vocabulary import load_vocabulary


def annotate(layout: Layout, params: Params) -> str:
    """Decide every tag use."""
    projects = read_table(layout.out("validate", "projects.parquet"), coded=CODED["validate/projects"])
    check_table(projects, validated_projects(id_kind_of(projects), params.validate_.text_fields))
    vocabulary = load_vocabulary(read_report(layout, VocabularyFile))
    annotation = annotate_projects(projects, vocabulary, params.annotate)
    write_table(layout.out("annotate", "projects.parquet"), annotation.projects)
    write_table(layout.out("annotate", "tag_uses.parquet"), annotation.ledger())
    write_report(layout, annotation_report(annotation, params.annotate))
    counts = annotation.n_by_outcome
    return f"{len(annotation.outcomes)} tag uses: " + ", ".join(f"{n} {name}" for name, n in counts.items() if n)


if __name__ == "__main__":
    sys.exit(run_stage("annotate", annotate))

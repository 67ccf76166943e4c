"""Stage monitor: a version's tag uses to the report of what is new outside its vocabulary and what fades in it."""

from __future__ import annotations

import sys

from tagpipe.io.repository.curation_files import read_ignored, read_not_same
from tagpipe.io.repository.files import read_table
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.reports import read_report, write_report
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.params import Params
from tagpipe.steps.monitor.monitor_tags import monitor_tags
from tagpipe.tables.reports.validation import VocabularyFile
from tagpipe.tables.schemas import CODED
from tagpipe.vocabulary.vocabulary import load_vocabulary

_PROJECTS = ["id", "created_on", "tags"]
_USES = ["project_id", "normalized_tag", "tag", "outcome"]


def monitor(layout: Layout, params: Params) -> str:
    """Watch the tags outside the vocabulary and those in it. A curation list that is not there counts as empty."""
    projects, uses = layout.out("annotate", "projects.parquet"), layout.out("annotate", "tag_uses.parquet")
    coded_uses = [name for name in CODED["annotate/tag_uses"] if name in _USES]
    report = monitor_tags(
        read_table(projects, coded=CODED["annotate/projects"], columns=_PROJECTS),
        read_table(uses, coded=coded_uses, columns=_USES),
        read_table(layout.out("threshold", "tags.parquet")),
        load_vocabulary(read_report(layout, VocabularyFile)),
        params.monitor,
        annotate=params.annotate,
        threshold=params.threshold,
        ignored=read_ignored(layout),
        not_same=read_not_same(layout),
    )
    write_report(layout, report)
    outside = f"{report.uses.n_out_of_vocabulary} of {report.uses.n_uses} tag uses are outside the vocabulary"
    candidates = f"{report.n_candidates} candidates, {report.n_suggested} suggested"
    return f"{outside}; {candidates}; {len(report.fading)} tags fade"


if __name__ == "__main__":
    sys.exit(run_stage("monitor", monitor))

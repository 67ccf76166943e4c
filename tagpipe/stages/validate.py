"""Stage validate: raw bytes to the typed tables, the rejected rows and validation.json."""

from __future__ import annotations

import sys

from tagpipe.io.repository.files import write_json, write_lines, write_table
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.raw_files import find_raw, open_raw
from tagpipe.io.repository.reports import write_report
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.params import Params
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.steps.validate.validate import validate as validate_inputs


def validate(layout: Layout, params: Params) -> str:
    """Check everything; write only if all of it may be used."""
    paths = [find_raw(layout.out("fetch", "raw"), name) for name in ("projects", "vocabulary")]
    validation = validate_inputs(
        Raw(*(RawFile(path.name, path.suffix, open_raw(path)) for path in paths)), params.validate_
    )
    report = validation.report
    write_table(layout.out("validate", "projects.parquet"), validation.projects.table)
    write_json(layout.out("validate", "vocabulary.json"), validation.vocabulary.as_dict())
    write_lines(layout.out("validate", "rejected.jsonl"), validation.projects.rejected)
    write_report(layout, report)
    rows, vocabulary = report.projects, report.vocabulary
    return (
        f"{rows.n_in} rows in, {rows.n_rejected} rejected, {rows.n_duplicates} duplicates collapsed, "
        f"{rows.n_valid} valid; {vocabulary.n_tags} vocabulary tags, {len(vocabulary.warnings)} warnings"
    )


if __name__ == "__main__":
    sys.exit(run_stage("validate", validate))

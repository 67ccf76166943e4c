"""Stage validate: raw bytes to the typed tables, the rejected rows and validation.json."""

from __future__ import annotations

import sys

from tagpipe.io.repository.files import write_json, write_lines, write_table
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.raw_files import find_raw, open_raw
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.params import Params
from tagpipe.steps.validate.check_rows import validate_projects
from tagpipe.steps.validate.read_projects import read_projects
from tagpipe.steps.validate.report import describe_source, validation_report
from tagpipe.vocabulary.lint import find_warnings
from tagpipe.vocabulary.problems import read_vocabulary


def validate(layout: Layout, params: Params) -> str:
    """Check everything; write only if all of it may be used.

    The warnings go by the spelling alone: what people have told apart (not-same.json) shapes no dataset, so it is no
    input of this stage. `tagpipe vocab check` goes by it.
    """
    raw = layout.out("fetch", "raw")
    paths = {name: find_raw(raw, name) for name in ("projects", "vocabulary")}
    data = {name: open_raw(path) for name, path in paths.items()}
    vocabulary = read_vocabulary(data["vocabulary"][:], paths["vocabulary"].suffix, file=paths["vocabulary"].name)
    received = read_projects(data["projects"], paths["projects"].suffix, params.validate_, file=paths["projects"].name)
    validated = validate_projects(received, params.validate_, file=paths["projects"].name)
    findings = find_warnings(vocabulary, validated.used_tags)
    sources = {name: describe_source(content) for name, content in data.items()}
    write_table(layout.out("validate", "projects.parquet"), validated.table)
    write_json(layout.out("validate", "vocabulary.json"), vocabulary.as_dict())
    write_lines(layout.out("validate", "rejected.jsonl"), validated.rejected)
    write_json(layout.out("validate", "validation.json"), validation_report(validated, vocabulary, findings, sources))
    return (
        f"{validated.n_in} rows in, {validated.n_rejected} rejected, {validated.n_duplicates} duplicates collapsed, "
        f"{validated.table.num_rows} valid; {len(vocabulary.tags)} vocabulary tags, {len(findings)} warnings"
    )


if __name__ == "__main__":
    sys.exit(run_stage("validate", validate))

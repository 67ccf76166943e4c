"""tagpipe: its own pipeline in memory, with everything that it does beside the job (strict JSON, pandera, reports).

With `--ledger` it also makes the ledger and writes it beside the output.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.rule import COMPRESSION, COMPRESSION_LEVEL, Job, read_job
from tagpipe.dataset.build import Build, build
from tagpipe.io.repository import files
from tagpipe.io.repository.raw_files import open_raw
from tagpipe.params import Params, parse_params
from tagpipe.steps.validate.validate import Raw, RawFile

PARAMS = Path(__file__).parent.parent / "params.yaml"

assert (files.COMPRESSION, files.COMPRESSION_LEVEL) == (COMPRESSION, COMPRESSION_LEVEL), "the peers write otherwise"


def params_of(job: Job) -> Params:
    """The project's own parameters with the job's rule in them."""
    tree = YAML(typ="safe", pure=True).load(PARAMS)
    tree["annotate"] |= {
        "normalize": True,
        "aliases": True,
        "exclude": list(job.exclude),
        "parents": "keep",
        "text": ["title", "description"],
    }
    tree["threshold"] |= {"min_projects": job.min_projects, "unlabeled": "drop"}
    return parse_params(tree)


def build_version(job: Job) -> Build:
    """The dataset version of the job."""
    raw = Raw(
        RawFile("projects.json", ".json", open_raw(job.projects)),
        RawFile("vocabulary.json", ".json", open_raw(job.vocabulary)),
    )
    return build(raw, (), params_of(job))


def main() -> None:
    """python -m benchmarks.peer_tagpipe FOLDER OUT [--ledger]"""
    job = read_job()
    files.use_system_memory()
    built = build_version(job)
    files.write_table(job.out, built.labeled)
    if "--ledger" in sys.argv:
        files.write_table(job.out.with_suffix(".ledger.parquet"), built.annotation.ledger(built.validated.order))


if __name__ == "__main__":
    main()

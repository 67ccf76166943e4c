"""A project whose tables are those of a large dataset version, for the stage monitor to run on.

    python -m benchmarks.monitor_generate 1000000 benchmarks/out/monitor-1000000

The projects are those of `generate.py`: ten raw tags each, in the real shapes, six years of dates. The stages write the
tables, run one by one as DVC would run them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import generate
from benchmarks.costs import ROOT, child_environment
from benchmarks.rule import hash_generator
from tagpipe.io.yaml_file import set_values

STAGES = ("fetch", "validate", "annotate", "threshold")
MONITOR_READS = (
    "data/annotated/projects.parquet",
    "data/annotated/tag_uses.parquet",
    "data/labeled/tags.parquet",
)


def generate_project(n_projects: int, folder: Path) -> None:
    """Write the project and build it, then done.json: where it stands, the folder is complete."""
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "data" / "source"
    source.mkdir(parents=True)
    generate.generate(n_projects, source)
    for name in ("dvc.yaml", "params.yaml", "data/curation"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    cut = round(n_projects * generate.REAL_MIN_PROJECTS / generate.N_REAL_PROJECTS)
    set_values(folder / "params.yaml", {("threshold", "min_projects"): cut})
    for stage in STAGES:
        run_stage(stage, folder)
    for path in (source / "projects.json", folder / "data" / "raw" / "projects.json"):
        path.unlink()
    (folder / "done.json").write_text(json.dumps(describe_generator()), "utf-8")


def run_stage(stage: str, folder: Path) -> None:
    """One stage in the project, as dvc.yaml has it, with this checkout's code."""
    environment = child_environment() | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", f"tagpipe.stages.{stage}"], cwd=folder, env=environment, check=True)


def describe_generator() -> dict[str, str]:
    """What made the data: data that another generator made is made anew."""
    return {"generator": hash_generator(Path(__file__).name), "source": hash_generator()}


def main() -> None:
    """python -m benchmarks.monitor_generate N_PROJECTS FOLDER"""
    generate_project(int(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()

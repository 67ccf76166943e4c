"""A project whose tables are those of a large dataset version, for the stage monitor to run on.

    python -m benchmarks.monitor_generate 1000000 benchmarks/out/monitor-1000000

The projects are those of `generate.py`: ten raw tags each, in the real shapes, six years of dates. The stages write the
tables, run one by one as DVC would run them. In LARGE beside it the same tables with a vocabulary of 10,000 tags, most
of which nobody uses.
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
from tagpipe.io.repository.yaml_file import set_values

N_LARGE = 10_000
N_ALIKE = 1_000
LARGE = "large"
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
    generate_large(folder)
    (folder / "done.json").write_text(json.dumps(describe_generator()), "utf-8")


def generate_large(folder: Path) -> None:
    """The project again in its LARGE, with the tables of `folder` and a vocabulary that was not built."""
    large = folder / LARGE
    (large / "data" / "source").mkdir(parents=True)
    for name in ("annotated", "labeled", "reports", "validated"):
        (large / "data" / name).symlink_to(Path("..", "..", "data", name))
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(folder / name, large / name)
    shutil.copytree(folder / "data" / "curation", large / "data" / "curation")
    known = json.loads((folder / "data" / "source" / "vocabulary.json").read_bytes())
    (large / "data" / "source" / "vocabulary.json").write_text(json.dumps(enlarge(known), indent=2), "utf-8")


def enlarge(vocabulary: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """With further tags up to N_LARGE: N_ALIKE misspelt tags of projects and N_ALIKE in one word, for suggestions, and
    three words each, many of them alike. Every tenth of these has a parent that is misspelt."""
    tails = [generate.spell_tail(rank) for rank in range(2 * N_ALIKE)]
    found = vocabulary | {tag: {"aliases": [], "parents": []} for tag in map(misspell, tails[:N_ALIKE])}
    found |= {tag.replace("-", ""): {"aliases": [], "parents": []} for tag in tails[N_ALIKE:]}
    pairs = [tag for tag in vocabulary if tag not in generate.EXCLUDE]
    for at in range(N_LARGE - len(found)):
        tag = f"{pairs[at % len(pairs)]}-{tails[at // len(pairs)][:4]}"
        found[tag] = {"aliases": [], "parents": [misspell(pairs[at % len(pairs)])] if at % 10 == 0 else []}
    return found


def misspell(tag: str) -> str:
    """The tag without its fourth letter.

    >>> misspell("graph-search")
    'grah-search'
    """
    return tag[:3] + tag[4:]


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

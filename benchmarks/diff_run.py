"""Runs every way to compare two versions as its own process, in turn, checks that all find the same, prints one table.

python -m benchmarks.diff_run [--projects 1000000] [--causes-projects 100000] [--repeat 3] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costs import OUT, Cost, median_of, read_once, render_cost, render_setting, run_module, show
from benchmarks.rule import hash_generator

LIBRARIES = ("tagpipe", "pyarrow", "numpy", "pandas", "polars")
DATACOMPY = ("datacompy>=1.1,<2", "pandas>=3,<3.1", "pyarrow>=20")
DATACOMPY_PYTHON = OUT / "datacompy" / "bin" / "python"
N_WARM_UP = 1_000
READ = ("annotated/projects", "annotated/tag_uses", "labeled/projects", "labeled/tags")


@dataclass(frozen=True)
class Peer:
    """A program that compares two versions."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    python: str = sys.executable


PEERS = (
    Peer("tagpipe", "benchmarks.diff_peer_tagpipe"),
    Peer("tagpipe, digests unverified", "benchmarks.diff_peer_tagpipe", ("--unverified",)),
    Peer("polars full join", "benchmarks.diff_peer_polars"),
    Peer("polars full join, texts and dates too", "benchmarks.diff_peer_polars", ("--texts",)),
    Peer("pandas merge", "benchmarks.diff_peer_pandas"),
    Peer("datacompy, tags as text", "benchmarks.diff_peer_datacompy", python=str(DATACOMPY_PYTHON)),
)
REFERENCE = PEERS[2]
CAUSES = Peer("tagpipe, causes of four factors", "benchmarks.diff_peer_tagpipe", ("--causes",))


class UnequalResults(Exception):
    """Peers that should have found the same did not."""


def ensure_pair(n_projects: int) -> Path:
    """The folder of the generated versions, which is made if it is not there, and read once, so that it is cached."""
    folder = OUT / f"diff-{n_projects}"
    done = folder / "done.json"
    expected = {"generator": hash_generator("diff_generate.py"), "source": hash_generator()}
    if not done.exists() or json.loads(done.read_text("utf-8")) != expected:
        show(f"generating two versions of {n_projects:,} projects")
        run_module("benchmarks.diff_generate", str(n_projects), str(folder))
    for name in ("base", "head", "factors"):
        for table in READ:
            read_once(folder / name / f"{table}.parquet")
    return folder


def ensure_datacompy() -> None:
    """An environment of its own, of the named versions."""
    if DATACOMPY_PYTHON.exists():
        return
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(OUT / "datacompy")], check=True)
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(DATACOMPY_PYTHON)]
    subprocess.run([*install, *DATACOMPY], check=True)


def describe_datacompy() -> str:
    """The versions in its environment."""
    code = 'from importlib.metadata import version as v; print(f\'datacompy {v("datacompy")} on pandas {v("pandas")}\')'
    return subprocess.run([DATACOMPY_PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def run_peer(peer: Peer, folder: Path, head: str) -> tuple[Cost, str]:
    """Its cost, and what it found."""
    out = folder / "found.json"
    out.unlink(missing_ok=True)
    sides = str(folder / "base"), str(folder / head)
    cost = run_module(peer.module, *sides, str(out), *peer.arguments, python=peer.python)
    show(f"{peer.name}: {cost.cpu_s:.2f} CPU s, {cost.wall_s:.2f} s")
    return cost, out.read_text("utf-8")


def measure(peers: Sequence[Peer], folder: Path, head: str, repeat: int) -> tuple[dict[Peer, Cost], dict[str, int]]:
    """The median cost of each peer, run in turn, and what they found. Raises UnequalResults if two differ."""
    costs: dict[Peer, list[Cost]] = {peer: [] for peer in peers}
    found: dict[Peer, set[str]] = {peer: set() for peer in peers}
    for _ in range(repeat):
        for peer in peers:
            cost, result = run_peer(peer, folder, head)
            costs[peer].append(cost)
            found[peer].add(result)
    if len(set().union(*found.values())) != 1:
        lines = [f"{peer.name}: {', '.join(sorted(results))}" for peer, results in found.items()]
        raise UnequalResults("the peers found different changes\n" + "\n".join(lines))
    result = json.loads(found[peers[0]].pop())
    return {peer: median_of(each) for peer, each in costs.items()}, result


def render_table(costs: dict[Peer, Cost], found: dict[str, int], title: str, reference: Cost | None) -> str:
    """Markdown: one row a peer, medians, and ratios to the bare join."""
    ratios = " CPU ratio to the bare join | wall ratio |" if reference else ""
    lines = [
        f"### {title}",
        "",
        f"| peer | CPU s | wall s | peak MiB |{ratios}",
        "|---|--:|--:|--:|" + ("--:|--:|" if reference else ""),
    ]
    for peer, cost in costs.items():
        cells = [each for each in render_cost(cost, reference) if each]
        lines.append(f"| {' | '.join([peer.name, *cells])} |")
    told = "{n_projects:,} projects with other labels, {n_added:,} labels added, {n_removed:,} removed".format(**found)
    return "\n".join([*lines, "", f"Found by each: {told}."])


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diff_run", description=__doc__.split("\n")[0])
    parser.add_argument("--projects", type=int, default=1_000_000, help="projects of each version")
    parser.add_argument("--causes-projects", type=int, default=100_000, help="the same, where causes are looked for")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each peer")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    ensure_datacompy()
    little = ensure_pair(N_WARM_UP)
    for peer in (*PEERS, CAUSES):
        run_peer(peer, little, "factors")
    costs, found = measure(PEERS, ensure_pair(arguments.projects), "head", arguments.repeat)
    title = f"{arguments.projects:,} projects, 1 % of them with other tags"
    tables = [render_table(costs, found, title, costs[REFERENCE])]
    costs, found = measure([CAUSES], ensure_pair(arguments.causes_projects), "factors", arguments.repeat)
    title = f"Causes at {arguments.causes_projects:,} projects: source, vocabulary and two parameters changed"
    tables.append(render_table(costs, found, title, None))
    tables.append(f"{render_setting(LIBRARIES)}; {describe_datacompy()}.")
    print("\n\n".join(tables))
    if arguments.markdown:
        arguments.markdown.write_text("\n\n".join(tables) + "\n", "utf-8")


if __name__ == "__main__":
    try:
        main()
    except UnequalResults as error:
        sys.exit(str(error))

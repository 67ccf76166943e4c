"""Runs every peer as its own process, in turn, checks that all results are equal and prints one table per size.

python -m benchmarks.run [--sizes 100000 1000000] [--repeat 3] [--peers tagpipe polars] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costs import OUT, ROOT, Cost, median_of, read_once, render_cost, render_setting, run_module, show
from benchmarks.rule import COMPRESSION, COMPRESSION_LEVEL, hash_generator

LIBRARIES = ("tagpipe", "pyarrow", "numpy", "pandas", "pandera", "polars", "duckdb")
WARM_UP_PROJECTS = 1_000


@dataclass(frozen=True)
class Peer:
    """A program that does the job; from `once_from` projects on it runs only once."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    once_from: int = sys.maxsize

    def repeats(self, n_projects: int, repeat: int) -> int:
        """How often it runs."""
        return 1 if n_projects >= self.once_from else repeat


PEERS = (
    Peer("tagpipe", "benchmarks.peer_tagpipe"),
    Peer("tagpipe with ledger", "benchmarks.peer_tagpipe", ("--ledger",)),
    Peer("polars", "benchmarks.peer_polars"),
    Peer("duckdb", "benchmarks.peer_duckdb"),
    Peer("pandas explode", "benchmarks.peer_explode"),
    Peer("pandas apply", "benchmarks.peer_apply", once_from=1_000_000),
    Peer("pandas apply, lists", "benchmarks.peer_apply", ("--lists",), once_from=1_000_000),
)
REFERENCE = PEERS[0]


@dataclass(frozen=True)
class Result:
    """A peer's runs at one size."""

    peer: Peer
    costs: tuple[Cost, ...]
    digest: str

    @property
    def median(self) -> Cost:
        """The median of each quantity by itself."""
        return median_of(self.costs)


class UnequalResults(Exception):
    """Peers that should have done the same work did not."""


def read_digest(path: Path) -> str:
    """The digest of a result, computed by another process."""
    command = [sys.executable, "-m", "benchmarks.digest", str(path)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def ensure_data(n_projects: int) -> Path:
    """The folder of the generated input, which is made if it is not there, and read once, so that it is cached."""
    folder = OUT / str(n_projects)
    rule = folder / "rule.json"
    if not rule.exists() or json.loads(rule.read_text("utf-8")).get("generator") != hash_generator():
        show(f"generating {n_projects:,} projects")
        run_module("benchmarks.generate", str(n_projects), str(folder))
    read_once(folder / "projects.json")
    return folder


def measure(peers: Sequence[Peer], n_projects: int, repeat: int) -> list[Result]:
    """Every peer's costs, in turn, so that a slow minute of the machine meets all of them.

    Raises UnequalResults if any result differs from the first one.
    """
    warm_up(peers)
    folder = ensure_data(n_projects)
    costs: dict[Peer, list[Cost]] = {peer: [] for peer in peers}
    digests: dict[Peer, set[str]] = {peer: set() for peer in peers}
    out = folder / "labeled.parquet"
    for turn in range(repeat):
        for peer in peers:
            if turn >= peer.repeats(n_projects, repeat):
                continue
            out.unlink(missing_ok=True)
            cost = run_module(peer.module, str(folder), str(out), *peer.arguments)
            costs[peer].append(cost)
            digests[peer].add(read_digest(out))
            show(f"{n_projects:,}, turn {turn + 1}: {peer.name}: {cost.cpu_s:.2f} CPU s, {cost.wall_s:.2f} s")
    check_equal(digests)
    return [Result(peer, tuple(costs[peer]), min(digests[peer])) for peer in peers]


def warm_up(peers: Sequence[Peer]) -> None:
    """Run every peer once on little, so that its modules are compiled and cached."""
    folder = ensure_data(WARM_UP_PROJECTS)
    for peer in peers:
        run_module(peer.module, str(folder), str(folder / "labeled.parquet"), *peer.arguments)


def check_equal(digests: dict[Peer, set[str]]) -> None:
    """Raise UnequalResults unless there is one digest in all."""
    if len(set().union(*digests.values())) != 1:
        lines = [f"{peer.name}: {', '.join(sorted(found))}" for peer, found in digests.items()]
        raise UnequalResults("the results differ\n" + "\n".join(lines))


def render_table(results: Sequence[Result], n_projects: int) -> str:
    """Markdown: one row a peer, medians, and ratios to tagpipe where it ran."""
    rule = json.loads((OUT / str(n_projects) / "rule.json").read_text("utf-8"))
    digest = results[0].digest[:16]
    reference = next((result.median for result in results if result.peer == REFERENCE), None)
    lines = [
        f"### {n_projects:,} projects, {rule['n_bytes'] / 1e6:,.0f} MB of JSON",
        "",
        "| peer | runs | CPU s | wall s | peak MiB | CPU ratio to tagpipe | wall ratio |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(render_row(result, reference) for result in results),
        "",
        f"All results are equal (sha256 of the values {digest}, of the input {rule['sha256'][:16]}).",
    ]
    return "\n".join(lines)


def render_row(result: Result, reference: Cost | None) -> str:
    """One row of the table."""
    cells = (result.peer.name, str(len(result.costs)), *render_cost(result.median, reference))
    return f"| {' | '.join(cells)} |"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.split("\n")[0])
    names = [peer.name for peer in PEERS]
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="numbers of projects")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each peer")
    parser.add_argument("--peers", nargs="+", choices=names, default=names, help="only these")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    peers = [peer for peer in PEERS if peer.name in arguments.peers]
    tables = []
    for n_projects in arguments.sizes:
        results = measure(peers, n_projects, arguments.repeat)
        tables.append(render_table(results, n_projects))
        print(tables[-1], end="\n\n", flush=True)
    setting = f"{render_setting(LIBRARIES)}; Parquet in {COMPRESSION} level {COMPRESSION_LEVEL}."
    print(setting)
    if arguments.markdown:
        arguments.markdown.write_text("\n\n".join([*tables, setting]) + "\n", "utf-8")


if __name__ == "__main__":
    try:
        main()
    except UnequalResults as error:
        sys.exit(str(error))

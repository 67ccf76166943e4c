"""Runs the stage monitor and its peer as processes of their own, in turn, checks what both found, prints one table;
then the commands that look at the vocabulary, in another.

python -m benchmarks.monitor_run [--projects 1000000] [--tags 200 2000] [--repeat 3] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.costs import OUT, Cost, median_of, read_once, render_cost, render_setting, run_module, show
from benchmarks.monitor_generate import LARGE, MONITOR_READS, describe_generator

LIBRARIES = ("tagpipe", "pyarrow", "numpy", "scipy", "pandas", "rapidfuzz")
N_WARM_UP = 20_000
MAX_CPU_S = 30.0
MAX_PEAK_MIB = 1_536
"""What the stage, and each command, may take at 1,000,000 projects. It is CPU seconds: a busy machine makes wall
seconds of any length."""


@dataclass(frozen=True)
class Peer:
    """A program to measure. arguments: behind the folder and the file of its result. inside: a folder of the folder."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    inside: str = "."


REFERENCE = Peer("tagpipe, all candidates", "benchmarks.monitor_peer_tagpipe")
COMMANDS = (
    Peer("vocab check", "benchmarks.monitor_vocab", ("check",)),
    Peer("vocab check, 10,000 tags", "benchmarks.monitor_vocab", ("check",), LARGE),
    Peer("vocab review, its suggestions", "benchmarks.monitor_vocab", ("suggest",)),
    Peer("vocab review, 10,000 tags", "benchmarks.monitor_vocab", ("suggest",), LARGE),
)


class UnequalResults(Exception):
    """Peers that should have found the same did not."""


class BoundBroken(Exception):
    """The stage took more than it may."""


def ensure_project(n_projects: int) -> Path:
    """The folder of the generated project, which is made if it is not there, and read once, so that it is cached."""
    folder = OUT / f"monitor-{n_projects}"
    done = folder / "done.json"
    if not done.exists() or json.loads(done.read_text("utf-8")) != describe_generator():
        show(f"generating a project of {n_projects:,} projects")
        run_module("benchmarks.monitor_generate", str(n_projects), str(folder))
    for name in MONITOR_READS:
        read_once(folder / name)
    return folder


def measure(peers: Sequence[Peer], folder: Path, repeat: int) -> tuple[dict[Peer, Cost], dict[Peer, dict[str, Any]]]:
    """The median cost of each peer, run in turn, and what each found."""
    costs: dict[Peer, list[Cost]] = {peer: [] for peer in peers}
    found: dict[Peer, dict[str, Any]] = {}
    out = folder / "found.json"
    for _ in range(repeat):
        for peer in peers:
            out.unlink(missing_ok=True)
            costs[peer].append(run_module(peer.module, str(folder / peer.inside), str(out), *peer.arguments))
            found[peer] = json.loads(out.read_text("utf-8"))
            show(f"{peer.name}: {costs[peer][-1].cpu_s:.2f} CPU s, {costs[peer][-1].wall_s:.2f} s")
    return {peer: median_of(each) for peer, each in costs.items()}, found


def count_equal(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> int:
    """Candidates that both list, every value of which is the same. Raises UnequalResults for one that is not."""
    if ours["periods"] != theirs["periods"]:
        raise UnequalResults(f"{name} counts other periods")
    both = sorted(set(ours["candidates"]) & set(theirs["candidates"]))
    for tag in both:
        for key, value in ours["candidates"][tag].items():
            other = theirs["candidates"][tag][key]
            # SciPy's two ways to one tail differ in the last of six digits, now and then.
            close = isinstance(value, float) and abs(value - other) <= 2e-5 * max(abs(value), abs(other))
            if value != other and not close:
                raise UnequalResults(f"{name}: {tag} has {key} {other}, not {value}")
    return len(both)


def render_table(costs: dict[Peer, Cost], compared: dict[Peer, int], folder: Path) -> str:
    """Markdown: one row a peer, medians, and ratios to the stage."""
    tree = json.loads((folder / "data/reports/monitor.json").read_text("utf-8"))
    title = (
        f"### {tree['n_projects']:,} projects, {tree['uses']['n_uses']:,} uses, {tree['n_forms']:,} forms outside the "
        f"vocabulary, {tree['n_candidates']:,} candidates"
    )
    head = "| peer | CPU s | wall s | peak MiB | CPU ratio | wall ratio | candidates found equal |"
    lines = [title, "", head, "|---|--:|--:|--:|--:|--:|--:|"]
    for peer, cost in costs.items():
        equal = f"{compared[peer]}" if peer in compared else ""
        lines.append(f"| {' | '.join([peer.name, *render_cost(cost, costs[REFERENCE]), equal])} |")
    return "\n".join(lines)


def render_commands(costs: dict[Peer, Cost], found: dict[Peer, dict[str, Any]]) -> str:
    """Markdown: one row a command, medians, and how much it found of each kind."""
    lines = ["| command | CPU s | wall s | peak MiB | found |", "|---|--:|--:|--:|---|"]
    for peer, cost in costs.items():
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in sorted(found[peer].items()))
        lines.append(f"| {' | '.join([peer.name, *render_cost(cost, None)[:3], kinds])} |")
    return "\n".join(lines)


def check_bounds(costs: dict[Peer, Cost]) -> None:
    """Raise BoundBroken where one takes more than it may."""
    for peer, cost in costs.items():
        peak_mib = cost.peak_bytes / (1 << 20)
        if cost.cpu_s > MAX_CPU_S or peak_mib > MAX_PEAK_MIB:
            took = f"{peer.name}: {cost.cpu_s:.1f} CPU s, {peak_mib:,.0f} MiB"
            raise BoundBroken(f"{took}; at most {MAX_CPU_S} CPU s, {MAX_PEAK_MIB} MiB")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor_run", description=__doc__.split("\n")[0])
    parser.add_argument("--projects", type=int, default=1_000_000, help="number of projects")
    parser.add_argument("--tags", type=int, nargs="+", default=[200, 2_000], help="candidates that the peer looks at")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each peer")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    peers = [
        REFERENCE,
        *(Peer(f"pandas and SciPy, {n:,} tags", "benchmarks.monitor_peer_pandas", (str(n),)) for n in arguments.tags),
    ]
    measure([*peers, *COMMANDS], ensure_project(N_WARM_UP), 1)
    folder = ensure_project(arguments.projects)
    costs, found = measure(peers, folder, arguments.repeat)
    compared = {peer: count_equal(found[REFERENCE], found[peer], peer.name) for peer in peers[1:]}
    of_commands, found = measure(COMMANDS, folder, arguments.repeat)
    tables = f"{render_table(costs, compared, folder)}\n\n{render_commands(of_commands, found)}"
    text = f"{tables}\n\n{render_setting(LIBRARIES)}."
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", "utf-8")
    check_bounds({REFERENCE: costs[REFERENCE], **of_commands})


if __name__ == "__main__":
    try:
        main()
    except (UnequalResults, BoundBroken) as error:
        sys.exit(str(error))

"""200 publications of a moving upstream, one in twenty disturbed: every outcome was foretold, and nothing grows.

One process publishes them all, as a worker that is never restarted would. What each run must come to is foretold from
the rows that upstream has: an undisturbed build of them, and the gates counted once more with sets.

`make test-slow` does eight of them; the figures of all are in docs/reliability.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from support.diff_reference import Version, expect_gates, read_build
from support.http_server import Server, answer, serve
from support.in_process import dvc
from support.moving_upstream import TIMEOUT_S, Fault, Upstream, as_body, draw_faults, read_rows
from support.processes import git

import tagpipe
from tagpipe.dataset.build import build
from tagpipe.errors import InputError, SourceUnavailable, TagpipeError
from tagpipe.io.repository.yaml_file import read_params, set_values
from tagpipe.operations.init_repository import init_repository
from tagpipe.operations.publish import publish
from tagpipe.steps.validate.validate import Raw, RawFile

N_WARM = 20
"""Runs before anything is held to be flat: imports, pools and caches are filled by then."""
SEED = 20261125
PULL_EVERY = 50
PATHS = {"projects": "/projects.json", "vocabulary": "/vocabulary.json"}

# --- the world -------------------------------------------------------------------------------------------------------


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Made:
    """What an undisturbed build gives. pin: of the projects."""

    pin: str
    content_sha256: str
    version: Version


@dataclass
class World:
    """A project that follows `server` and publishes to branch main of `bare`, with its data in `store`."""

    folder: Path
    server: Server
    vocabulary: bytes
    limits: dict[str, float]
    published: Made = field(init=False)

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def bare(self) -> Path:
        return self.folder / "bare.git"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def make(self, body: bytes) -> Made:
        """By tagpipe's steps in memory, with no DVC, git or file."""
        source = Raw(RawFile("source.projects", ".json", body), RawFile("source.vocabulary", ".json", self.vocabulary))
        built = build(source, (), read_params(self.root / "params.yaml"))
        return Made(sha256_of(body), built.content_sha256, read_build(built))

    def foretell(self, made: Made, fault: Fault | None) -> str:
        """What a run must come to where upstream has what `made` was made of."""
        undisturbed = self._foretell_undisturbed(made)
        if fault and fault.comes_to and undisturbed.startswith(fault.spoils):
            return fault.comes_to
        return undisturbed

    def _foretell_undisturbed(self, made: Made) -> str:
        if made.pin == self.published.pin:
            return "unchanged"
        found = expect_gates(self.published.version, made.version, 0)
        failed = [name for name, limit in self.limits.items() if (found[name] or 0) > limit]
        return f"refused by {', '.join(failed)}" if failed else "published"

    def read_branch(self) -> tuple[str, str, str]:
        """(commit, pin of the projects, digest) that the published branch has, each from its own file."""
        commit = git(self.bare, "rev-parse", "main")
        params = self.folder / "params.yaml"
        params.write_text(git(self.bare, "show", f"{commit}:params.yaml"), encoding="utf-8")
        report = json.loads(git(self.bare, "show", f"{commit}:data/reports/threshold.json"))
        return commit, str(read_params(params).source.projects.sha256), str(report["content_sha256"])

    def pull(self) -> str:
        """The digest of what a clean clone gets, every file of it verified."""
        clone = self.folder / "clone"
        git(self.folder, "clone", "-q", str(self.bare), str(clone))
        environment = {**os.environ, "DVC_SITE_CACHE_DIR": str(clone / ".dvc/tmp/site")}  # of no publication
        for command in (["dvc", "pull"], ["tagpipe", "verify"]):
            call = [sys.executable, "-m", *command]
            subprocess.run(call, cwd=clone, env=environment, check=True, capture_output=True)
        digest = tagpipe.load(clone).content_sha256
        shutil.rmtree(clone)
        return digest

    def state(self) -> tuple[str, ...]:
        """What a publication never touches."""
        asked = (("rev-parse", "HEAD"), ("symbolic-ref", "HEAD"), ("status", "--porcelain"), ("worktree", "list"))
        return tuple(git(self.root, *arguments) for arguments in asked)

    @contextmanager
    def disturbed(self, fault: Fault | None, body: bytes) -> Iterator[None]:
        """Upstream, the git remote and the DVC remote as the fault has them, for one run."""
        fine = answer(body, etag=f'"{sha256_of(body)[:16]}"')
        self.server.requests.clear()
        self.server.script[PATHS["projects"]] = fault.replies(fine) if fault and fault.replies else [fine]
        hook, away = self.bare / "hooks/pre-receive", self.folder / "store-away"
        if fault and fault.name == "git refuses the push":
            hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n", encoding="utf-8")
            hook.chmod(0o755)
        if fault and fault.name == "the DVC remote is not there":
            self.store.rename(away)
            self.store.write_text("no folder", encoding="utf-8")
        try:
            yield
        finally:
            hook.unlink(missing_ok=True)
            if away.exists():
                self.store.unlink()
                away.rename(self.store)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Published once. Temporary folders (ours, our children's) and DVC's indexes are in it, so that all is counted."""
    for name, folder in {"TMPDIR": tmp_path / "tmp", "DVC_SITE_CACHE_DIR": tmp_path / "site"}.items():
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    root = tmp_path / "project"
    init_repository(root)
    bodies = {name: (root / f"data/source/{name}.json").read_bytes() for name in PATHS}
    bodies["projects"] = as_body(read_rows(root))
    with serve({PATHS[name]: [answer(body, etag=f'"{name}"')] for name, body in bodies.items()}) as server:
        pins = {name: {"url": server.url(PATHS[name]), "sha256": sha256_of(body)} for name, body in bodies.items()}
        bounds = {"allow_private": True, "attempts": 2, "timeout_s": TIMEOUT_S}
        set_values(
            root / "params.yaml",
            {
                **{("source", name): pin for name, pin in pins.items()},
                **{("source", "download", name): value for name, value in bounds.items()},
                ("publish", "to"): "branch",
            },
        )
        dvc(root, "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
        subprocess.run([sys.executable, "-m", "tagpipe", "run"], cwd=root, check=True, capture_output=True)
        git(root, "add", "-A")
        git(root, "commit", "-qm", "the first version")
        git(root, "branch", "-M", "main")
        dvc(root, "push")
        git(tmp_path, "clone", "-q", "--bare", str(root), str(tmp_path / "bare.git"))
        git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
        gates = read_params(root / "params.yaml").gates.model_dump()
        made = World(
            tmp_path, server, bodies["vocabulary"], {name: each for name, each in gates.items() if each is not None}
        )
        made.published = made.make(bodies["projects"])
        yield made


# --- what must not grow ----------------------------------------------------------------------------------------------

FLAT = {
    "RSS, MiB": 24.0,
    "file descriptors": 1.0,
    "threads": 1.0,
    "child processes": 0.0,
    "files in the temporary folder": 0.0,
    "work trees": 0.0,
    ".tagpipe/, KiB": 300.0,
    "other files of the project, KiB": 16.0,
    "DVC's indexes elsewhere, KiB": 16.0,
}
"""Measure -> how much higher the median of the last runs may be than that of the first after the warm-up.

.tagpipe/ holds one download more or less, of 280 KiB each.
"""

PER_PUBLISHED = {"DVC's indexes elsewhere, KiB": 6.0}
"""The same, for each published version: DVC 3.67 notes the names of the files of each that was read, on 4 KiB."""


def measure(world: World) -> dict[str, float]:
    process = psutil.Process()
    root = world.root
    outside = size_of(root) - size_of(root / ".git") - size_of(root / ".dvc/cache") - size_of(root / ".tagpipe")
    return {
        "RSS, MiB": process.memory_info().rss / 2**20,
        "file descriptors": process.num_fds(),
        "threads": process.num_threads(),
        "child processes": len(process.children(recursive=True)),
        "files in the temporary folder": sum(1 for _ in (world.folder / "tmp").rglob("*")),
        "work trees": len(git(root, "worktree", "list").splitlines()),
        ".tagpipe/, KiB": size_of(root / ".tagpipe") / 1024,
        "other files of the project, KiB": outside / 1024,
        "DVC's indexes elsewhere, KiB": size_of(world.folder / "site") / 1024,
    }


def size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


# --- the runs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """One run. wrong: what was not as foretold, empty if all was."""

    upstream: str
    fault: str
    came_to: str
    took_s: float
    wrong: str
    measured: dict[str, float]


def observe(root: Path) -> tuple[str, str]:
    """(what a publication came to, in the words of `foretell`; the commit, empty if there is none)."""
    try:
        found = publish(root)
    except (SourceUnavailable, InputError) as error:
        return ("unavailable" if isinstance(error, SourceUnavailable) else "bad input"), ""
    except TagpipeError as error:
        return f"{type(error).__name__}: {error}", ""
    if found.outcome == "refused" and found.document:
        failed = ", ".join(gate.name for gate in found.document.gates if not gate.passed)
        return f"refused by {failed}", str(found.commit)
    return found.outcome, str(found.commit)


def run_once(world: World, upstream: Upstream, fault: Fault | None) -> Ended:
    moved = upstream.move(must=bool(fault and fault.needs_change))
    body = as_body(upstream.rows)
    made = world.make(body)
    expected = world.foretell(made, fault)
    state, (tip, *_) = world.state(), world.read_branch()
    began = time.monotonic()
    with world.disturbed(fault, body):
        came_to, commit = observe(world.root)
    took_s = time.monotonic() - began
    upstream.learn(came_to)
    wrong = [] if came_to == expected else [f"came to {came_to}, not {expected}"]
    if came_to == "published":
        world.published = made
        if git(world.bare, "rev-parse", f"{commit}^") != tip:
            wrong.append("the branch has not one commit more")
    must_be = (commit if came_to == "published" else tip, world.published.pin, world.published.content_sha256)
    if (found := world.read_branch()) != must_be:
        wrong.append(f"the branch reads {found}, not {must_be}")
    if world.state() != state:
        wrong.append("the workspace or HEAD was touched")
    return Ended(moved, fault.name if fault else "", came_to, took_s, "; ".join(wrong), measure(world))


@pytest.mark.timeout(2 * 3600)
@pytest.mark.parametrize("n_runs", [pytest.param(8, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.soak)])
def test_publications_of_a_moving_upstream(world: World, n_runs: int) -> None:
    chance = random.Random(SEED)
    rows = read_rows(world.root)
    upstream = Upstream(chance, rows, rows)
    faults = draw_faults(chance, n_runs)
    ended: list[Ended] = []
    for at in range(n_runs):
        ended.append(run_once(world, upstream, faults.get(at)))
        tell(at, ended[-1])
        if (at + 1) % PULL_EVERY == 0 or at + 1 == n_runs:
            assert world.pull() == world.published.content_sha256
    report(ended)
    assert [each for each in ended if each.wrong] == []
    assert find_growth(ended) == []


def tell(at: int, run: Ended) -> None:
    numbers = " ".join(f"{value:.0f}" for value in run.measured.values())
    print(
        f"{at:3} {run.took_s:5.1f} s  {run.upstream}, {run.fault or 'no fault'}: {run.came_to}  [{numbers}]", flush=True
    )
    if run.wrong:
        print(f"    UNEXPLAINED {run.wrong}", flush=True)


def compare_ends(measured: list[dict[str, float]], name: str) -> tuple[float, float]:
    """Medians of a measure over the first runs after the warm-up, and over the last as many."""
    after = [each[name] for each in measured[min(N_WARM, len(measured) // 2) :]]
    n = max(1, min(20, len(after) // 2))
    return statistics.median(after[:n]), statistics.median(after[-n:])


def find_growth(ended: list[Ended]) -> list[str]:
    """What is higher at the end than it may be."""
    n_published = sum(each.came_to == "published" for each in ended)
    found = []
    for name, slack in FLAT.items():
        first, last = compare_ends([each.measured for each in ended], name)
        if last - first > slack + n_published * PER_PUBLISHED.get(name, 0.0):
            found.append(f"{name}: {first:g} -> {last:g}")
    return found


def report(ended: list[Ended]) -> None:
    """The tables of docs/reliability.md."""
    print(f"\n{len(ended)} runs in {sum(each.took_s for each in ended) / 60:.0f} minutes of publishing")
    print("\n| outcome | runs |\n|---|---|")
    for came_to, n in Counter(each.came_to for each in ended).most_common():
        print(f"| {came_to} | {n} |")
    print("\n| fault | runs | came to |\n|---|---|---|")
    for (fault, came_to), n in Counter((each.fault, each.came_to) for each in ended if each.fault).items():
        print(f"| {fault} | {n} | {came_to} |")
    print("\n| measure | first, after the warm-up | last | highest |\n|---|---|---|---|")
    measured = [each.measured for each in ended]
    for name in FLAT:
        first, last = compare_ends(measured, name)
        print(f"| {name} | {first:.0f} | {last:.0f} | {max(each[name] for each in measured):.0f} |")
    for outcome in ("unchanged", "published", "refused"):
        took = [each.took_s for each in ended if each.came_to.startswith(outcome)]
        if took:
            print(f"{outcome}: median {statistics.median(took):.1f} s, slowest {max(took):.1f} s")

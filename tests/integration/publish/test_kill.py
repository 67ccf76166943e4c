"""kill -9 of every part of a scheduled publication, then nothing but the schedule: the next run completes by itself."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.http_server import answer, serve
from support.paths import REPO
from support.processes import Start, git
from support.scheduler import PROJECTS, Scheduler, make_project, serve_schedule
from support.waiting import HANG_S, wait_until

import tagpipe
from tagpipe.io.git.commits import find_commit
from tagpipe.io.versions.verify_version import verify_version
from tagpipe.io.versions.version import open_version

EVERY_S = 30
POLL_S = 0.1
PUBLISH = "tagpipe-publish/publish"
DATASET = "refs/heads/dataset"

PARTS = {
    "worker": ("worker", "start"),
    "flow": ("prefect.engine",),
    "publication": ("flows.publish_once",),
    "run": ("tagpipe", "run"),
    "dvc": ("dvc", "repro"),
    "fetch": ("tagpipe.stages.fetch",),
    "validate": ("tagpipe.stages.validate",),
    "annotate": ("tagpipe.stages.annotate",),
    "threshold": ("tagpipe.stages.threshold",),
}
"""Each process of a publication, from the outermost in: arguments of its command line that follow each other."""

GOOD = {"Published", "Unchanged"}


@dataclass
class Reader:
    """Reads the published branch all the time. digests: commit -> content_sha256 of each version that was seen."""

    root: Path
    digests: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    n_looks: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stopped.wait(POLL_S):
            self.n_looks += 1
            commit = find_commit(self.root, DATASET)
            if commit is None:
                self.problems.append("the branch is gone")
            elif commit not in self.digests:
                self.digests[commit] = self.read(commit)

    def read(self, commit: str) -> str:
        """The digest of a version, every table of which is what its manifest says, and that what git has recorded."""
        try:
            verify_version(open_version(self.root, commit))
            digest = tagpipe.load(self.root, rev=commit).content_sha256
            recorded = json.loads(git(self.root, "show", f"{commit}:data/reports/threshold.json"))["content_sha256"]
            if digest != recorded:
                self.problems.append(f"{commit}: its data is {digest}, its report {recorded}")
        except Exception as error:  # noqa: BLE001 - whatever it is, this commit is not whole
            self.problems.append(f"{commit}: {error!r}")
            return ""
        return digest


@dataclass(frozen=True)
class World:
    """A project that is published every EVERY_S seconds, with a reader of its published branch.

    killed: the runs, by id, that a process was killed of.
    """

    scheduler: Scheduler
    reader: Reader
    folder: Path
    changes: Iterator[int]
    killed: set[str] = field(default_factory=set)

    @property
    def root(self) -> Path:
        return self.scheduler.project

    def change_upstream(self) -> str:
        """One project more than ever before; the digest that the version of it must have."""
        rows = json.loads(PROJECTS)
        rows += [{**rows[0], "id": 900_000 + at, "title": f"new {at}"} for at in range(next(self.changes))]
        received = self.folder / "projects.json"
        received.write_text(json.dumps(rows), encoding="utf-8")
        built = tagpipe.build(received, self.root / "data/source/vocabulary.json", params=self.root / "params.yaml")
        self.scheduler.serve(answer(received.read_bytes()))
        return built.content_sha256

    def run_now(self) -> datetime:
        """The next scheduled run is due now: no test waits for half a minute. The time before it begins."""
        now = datetime.now(UTC)
        self.scheduler.schedule(PUBLISH, every_s=EVERY_S)
        return now

    def find_all(self, parts: set[str]) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if part_of(process.cmdline()) in parts and self.is_ours(process):
                    found.append(process)
        return found

    def is_ours(self, process: psutil.Process) -> bool:
        home: str = self.scheduler.environment["PREFECT_HOME"]
        return bool(process.environ().get("PREFECT_HOME") == home)

    def wait_for(self, part: str, since: datetime) -> psutil.Process:
        """The process that is this part of a publication, begun since then; the worker, whenever it has begun."""
        deadline = time.monotonic() + HANG_S
        while True:
            for process in self.find_all({part}):
                with suppress(psutil.NoSuchProcess):
                    if part == "worker" or process.create_time() > since.timestamp():
                        return process
            assert time.monotonic() < deadline, f"no {part} was ever seen"
            time.sleep(POLL_S)

    def kill(self, process: psutil.Process) -> None:
        """SIGKILL; of the worker, an init system's restart too."""
        worker = self.scheduler.worker
        if worker.process is not None and process.pid == worker.process.pid:
            worker.kill()
            worker.start()
        else:
            self.killed.add(run_of(process))
            process.kill()

    def complete(self, digest: str) -> str:
        """How the first run due from now on that was not Busy has ended; it is good, and so is what it leaves."""
        since = self.run_now()
        ended: list[dict[str, Any]] = []

        def is_there() -> bool:
            runs = self.scheduler.runs(PUBLISH)
            n_ended = len(ended)
            ended[:] = [run for run in runs if run["end_time"] and due(run) > since and run["id"] not in self.killed]
            if len(ended) > n_ended and ended[-1]["state_name"] == "Busy":
                self.run_now()
            return any(run["state_name"] != "Busy" for run in ended)

        wait_until(is_there)
        first = next(run for run in ended if run["state_name"] != "Busy")
        assert first["auto_scheduled"]
        assert first["state_name"] in GOOD, first["state"]["message"]
        assert self.reader.read(find_commit(self.root, DATASET) or "") == digest
        wait_until(lambda: self.list_leftovers() == [])
        assert self.reader.problems == []
        return str(first["state_name"])

    def list_leftovers(self) -> list[str]:
        """Processes that no living worker has started, work trees, temporary folders, a rest of a ref update."""
        services = [self.scheduler.worker.process, self.scheduler.server.process]
        cared_for = {process.pid for service in services if service for process in family(service.pid)}
        orphans = [process for process in self.find_all(set(PARTS)) if process.pid not in cared_for]
        temporary = (self.folder / "temporary").glob("tagpipe-*")
        trees = git(self.root, "worktree", "list").splitlines()[1:]
        return [*map(str, orphans), *map(str, temporary), *trees, *map(str, self.root.glob(".git/refs/**/*.lock"))]


def part_of(arguments: list[str]) -> str | None:
    for part, words in PARTS.items():
        n = len(words)
        if any(tuple(arguments[at : at + n]) == words for at in range(len(arguments) - n + 1)):
            return part
    return None


def run_of(process: psutil.Process) -> str:
    """The flow run that a process is a part of."""
    return str(process.environ()["PREFECT__FLOW_RUN_ID"])


def family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def due(run: dict[str, Any]) -> datetime:
    """Not when it began: of a run that was killed before, the server says that it began when it crashed."""
    return datetime.fromisoformat(run["expected_start_time"].replace("Z", "+00:00"))


@contextmanager
def serve_world(folder: Path) -> Iterator[World]:
    with serve_schedule(folder) as scheduler:
        git(scheduler.project, "branch", "dataset")
        reader = Reader(scheduler.project)
        world = World(scheduler, reader, folder, iter(range(1, 1000)))
        thread = threading.Thread(target=reader.run)
        thread.start()
        try:
            yield world
        finally:
            reader.stopped.set()
            thread.join()
            for process in world.find_all(set(PARTS) - {"worker"}):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve_world(tmp_path_factory.mktemp("kills")) as world:
        yield world


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_next_scheduled_run_completes_what_was_killed(world: World) -> None:
    """A stage, DVC, the publication, the flow, the worker: each in the next run, with nothing else in between."""
    for victim in ("annotate", "dvc", "publication", "flow"):
        digest = world.change_upstream()
        since = world.run_now()
        inner = world.wait_for(victim if victim == "annotate" else "dvc", since)
        world.kill(inner if victim in ("annotate", "dvc") else world.wait_for(victim, since))
    world.complete(digest)
    digest = world.change_upstream()
    since = world.run_now()
    run = run_of(world.wait_for("dvc", since))
    world.kill(world.wait_for("worker", since))
    world.complete(digest)
    assert world.scheduler.wait(run)["state_name"] == "Published"  # it went on without its worker, and told all
    assert world.scheduler.event("tagpipe.dataset.published", run)["payload"]["content_sha256"] == digest
    assert len(world.reader.digests) > 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_schedule_goes_on_after_the_server_was_killed(world: World) -> None:
    """On the same port and database; the worker lives on."""
    worker = world.scheduler.worker.process
    digest = world.change_upstream()
    since = world.run_now()
    world.wait_for("dvc", since)
    world.scheduler.server.kill()
    world.scheduler.server.start()
    world.complete(digest)
    assert worker is world.scheduler.worker.process
    assert worker is not None
    assert worker.poll() is None


@pytest.mark.slow
def test_stage_that_outlived_all_its_parents_is_waited_for(tmp_path: Path, start: Start) -> None:
    """Stopped, so that it certainly is there; it is continued once the next publication has said that it waits."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serve() as upstream:
        root = tmp_path / "project"
        make_project(root, upstream)
        upstream.script["/projects.json"] = [answer(json.dumps(json.loads(PROJECTS)[:-1]).encode())]
        first = start_publish(root, temporary, start)
        stage, parents = wait_for_stage(first)
        stage.suspend()
        for parent in parents:
            parent.kill()
        first.communicate()
        following = start_publish(root, temporary, start)
        assert following.stderr is not None
        said = following.stderr.readline()
        was_there = is_alive(stage)
        stage.resume()
        answered, error = following.communicate(timeout=HANG_S)
    assert f"waiting for what was left behind: process {stage.pid} (python -m tagpipe.stages." in said
    assert was_there
    assert not is_alive(stage)
    assert (following.returncode, answered[:11]) == (0, "published: "), error
    assert list(temporary.glob("tagpipe-*")) == []
    assert len(git(root, "worktree", "list").splitlines()) == 1


def start_publish(root: Path, temporary: Path, start: Start) -> subprocess.Popen[str]:
    return start(
        [sys.executable, "-m", "tagpipe", "publish"],
        root,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_stage(publication: subprocess.Popen[str]) -> tuple[psutil.Process, list[psutil.Process]]:
    """(annotate, at work, and what it is a child of: DVC, its run, the publication)."""
    while True:
        assert publication.poll() is None, "it ended before annotate was seen"
        for process in family(publication.pid):
            with suppress(psutil.Error):
                if part_of(process.cmdline()) == "annotate":
                    parents = [each for each in process.parents() if each in family(publication.pid)]
                    return process, parents
        time.sleep(POLL_S)


VICTIMS = ("worker", "flow", "publication", "run", "dvc", "stage")
STAGES = ("fetch", "validate", "annotate", "threshold")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_forty_kills_of_a_scheduled_publication(tmp_path: Path) -> None:
    """40 real kills, victim and moment of its life drawn at random; the counts are printed for docs/reliability.md."""
    chance = random.Random(20261125)
    n_killed: Counter[str] = Counter()
    n_ended: Counter[str] = Counter()
    slowest_s, n_drawn = 0.0, 0
    with serve_world(tmp_path) as world:
        lives_s = measure_lives(world)
        while n_killed.total() < 40:
            n_drawn += 1
            assert n_drawn <= 120, f"only {n_killed.total()} of 120 draws found their victim"
            victim = chance.choice(VICTIMS)
            part = chance.choice(STAGES) if victim == "stage" else victim
            digest = world.change_upstream()
            since = world.run_now()
            world.wait_for("flow" if part == "worker" else part, since)
            process = world.wait_for(part, since)
            time.sleep(chance.uniform(0, lives_s[part]))
            was_there = is_alive(process)
            if was_there:
                world.kill(process)
            began = time.monotonic()
            state = world.complete(digest)
            if was_there:
                n_killed[part] += 1
                n_ended[state] += 1
                slowest_s = max(slowest_s, time.monotonic() - began)
            print(n_drawn, part, was_there, state, f"{time.monotonic() - began:.1f} s", flush=True)
        states = Counter(run["state_name"] for run in world.scheduler.runs(PUBLISH))
        print(
            f"\n{n_killed.total()} kills of {n_drawn} draws, the others after their victim's end"
            f"\nvictims {dict(n_killed)}\nthe first run afterwards that was not Busy {dict(n_ended)}"
            f"\nslowest until then {slowest_s:.0f} s; an undisturbed run {lives_s['flow']:.0f} s"
            f"\nall scheduled runs {dict(states)}"
            f"\n{world.reader.n_looks} looks at the branch, {len(world.reader.digests)} versions, all whole"
        )


def measure_lives(world: World) -> dict[str, float]:
    """For how many seconds each part of an undisturbed publication lives; for the worker, the flow's."""
    digest = world.change_upstream()
    world.run_now()
    seen: dict[str, list[float]] = {}
    while not ({"flow", "threshold"} <= set(seen) and world.find_all({"flow"}) == []):
        for part in PARTS:
            if world.find_all({part}):
                seen.setdefault(part, []).append(time.monotonic())
    world.complete(digest)
    lives_s = {part: times[-1] - times[0] for part, times in seen.items()}
    return {**lives_s, "worker": lives_s["flow"]}


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

"""Deployments on a real Prefect server with a real worker: scheduled runs, states, artifacts, events, automations."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from http_server import Reply, Server, Write, answer, failure, head, serve
from prefect.deployments.steps import run_shell_script
from prefect_server import REPO, ask_api, find_port, read_artifacts, read_events, serve_prefect
from ruamel.yaml import YAML

from flows.schedule import POOL, run_prefect, running
from tagpipe.project import init_project

DEADLINE_S = 120.0
PROJECTS = (REPO / "data/source/projects.json").read_bytes()


@dataclass(frozen=True)
class Scheduler:
    """A server and a worker for the deployments of prefect.yaml, whose runs are of `project`, which follows
    `upstream`."""

    environment: dict[str, str]
    project: Path
    upstream: Server

    def serve(self, *replies: Reply) -> None:
        """From now on upstream answers so: one a request, the last of them again and again."""
        self.upstream.requests.clear()
        self.upstream.script["/projects.json"] = replies

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = ask_api(self.environment, f"/deployments/name/{name}")
        return found

    def start(self, name: str, **parameters: object) -> str:
        """Begin a run now; its id."""
        path = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        return str(ask_api(self.environment, path, {"parameters": parameters, "state": {"type": "SCHEDULED"}})["id"])

    def wait(self, run: str) -> dict[str, Any]:
        """The run when it has ended."""
        found: list[dict[str, Any]] = []

        def has_ended() -> bool:
            found[:] = [ask_api(self.environment, f"/flow_runs/{run}")]
            return found[0]["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

        wait_until(has_ended)
        return found[0]

    def run(self, name: str, **parameters: object) -> dict[str, Any]:
        return self.wait(self.start(name, **parameters))

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Every run of a deployment that has begun, the earliest first."""
        wanted = {"flow_runs": {"deployment_id": {"any_": [self.deployment(name)["id"]]}}, "sort": "START_TIME_ASC"}
        found: list[dict[str, Any]] = ask_api(self.environment, "/flow_runs/filter", wanted)
        return [run for run in found if run["start_time"]]

    def settle(self, name: str) -> None:
        """Wait for the runs of a deployment that a deleted schedule has left."""
        wanted = {
            "flow_runs": {
                "deployment_id": {"any_": [self.deployment(name)["id"]]},
                "state": {"type": {"any_": ["PENDING", "RUNNING"]}},
            }
        }
        wait_until(lambda: not ask_api(self.environment, "/flow_runs/filter", wanted))

    def event(self, name: str, run: str) -> dict[str, Any]:
        """The event of that name that a run has emitted; the server writes them some seconds later."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = [
                event
                for event in read_events(self.environment, name)
                if f"prefect.flow-run.{run}" in [each["prefect.resource.id"] for each in event["related"]]
            ]
            return bool(found)

        wait_until(is_there)
        return found[0]

    def tasks(self, run: str) -> dict[str, str]:
        """Name of each task of a run -> the name of its state; the server hears of them a moment later."""
        rows: list[dict[str, Any]] = []

        def has_all_ended() -> bool:
            rows[:] = ask_api(self.environment, "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
            return bool(rows) and all(row["end_time"] for row in rows)

        wait_until(has_all_ended)
        return {row["name"]: row["state_name"] for row in rows}

    def logs(self, run: str) -> str:
        rows = ask_api(self.environment, "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        return "\n".join(row["message"] for row in rows)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.3)


def without(n: int) -> bytes:
    """The projects without the last `n`."""
    return json.dumps(json.loads(PROJECTS)[: -n or None]).encode()


def held(body: bytes, until: threading.Event, reached: threading.Event) -> Reply:
    """An answer that waits."""

    def reply(write: Write, _stopped: threading.Event) -> None:
        reached.set()
        until.wait(DEADLINE_S)
        write(head(content_length=len(body)) + body)

    return reply


def make_project(root: Path, upstream: Server) -> None:
    """A project, built and committed, whose projects are pinned to upstream."""
    upstream.script["/projects.json"] = [answer(PROJECTS)]
    init_project(root)
    params = root / "params.yaml"
    pin = f'{{url: "{upstream.url("/projects.json")}", sha256: {hashlib.sha256(PROJECTS).hexdigest()}}}'
    text = params.read_text(encoding="utf-8").replace("{path: projects.json}", pin)
    text = text.replace("allow_private: false", "allow_private: true").replace("attempts: 4", "attempts: 1")
    params.write_text(text, encoding="utf-8")
    for command in (
        [sys.executable, "-m", "tagpipe", "run"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "First version"],
    ):
        subprocess.run(command, cwd=root, check=True, capture_output=True)


def write_deployments(path: Path, project: Path, *, every_s: int) -> None:
    """prefect.yaml with other runs of publish than nightly, on another project."""
    yaml = YAML()
    tree = yaml.load((REPO / "prefect.yaml").read_text(encoding="utf-8"))
    for deployment in tree["deployments"]:
        deployment["parameters"]["root"] = str(project)
        if deployment["name"] == "publish":
            deployment["schedules"] = [{"interval": every_s}]
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    folder = tmp_path_factory.mktemp("schedule")
    home = folder / "prefect"
    home.mkdir()
    worker = ["worker", "start", "--pool", POOL, "--type", "process"]
    with serve() as upstream, serve_prefect(home) as environment:
        make_project(folder / "project", upstream)
        write_deployments(folder / "prefect.yaml", folder / "project", every_s=3600)
        run_prefect(["work-pool", "create", POOL, "--type", "process"], REPO, environment)
        run_prefect(["variable", "set", "tagpipe_repo", str(REPO)], REPO, environment)
        run_prefect(["deploy", "--all", "--prefect-file", str(folder / "prefect.yaml")], REPO, environment)
        with running(worker, REPO, environment, home / "worker.log"):
            yield Scheduler(environment, folder / "project", upstream)


def test_prefect_yaml_names_no_machine_and_no_limit() -> None:
    text = (REPO / "prefect.yaml").read_text(encoding="utf-8")
    tree = YAML(typ="safe").load(text)
    assert {each["name"]: "schedules" in each for each in tree["deployments"]} == {
        "publish": True,
        "build": False,
        "monitor": True,
    }
    assert all("timezone" in schedule for each in tree["deployments"] for schedule in each.get("schedules", ()))
    assert "concurrency_limit" not in text
    assert re.findall(r"(?<![\w$])/(?:home|Users|work|srv|tmp)\b|https?://", text) == []


def pull(repo: Path, remote: str, branch: str = "") -> dict[str, Any]:
    """The first pull step of prefect.yaml, as Prefect runs it, with these values of the variables."""
    tree = YAML(typ="safe").load((REPO / "prefect.yaml").read_text(encoding="utf-8"))
    ((_, step),) = tree["pull"][0].items()
    values = {"REPO": str(repo), "REMOTE": remote, "BRANCH": branch}
    assert set(step["env"]) == set(values)
    done: dict[str, Any] = asyncio.run(run_shell_script(step["script"], env=values, stream_output=False))
    return done


def test_worker_clones_a_repository_that_it_does_not_have(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    init_project(origin)
    git(origin, "add", "-A")
    git(origin, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "first")
    git(origin, "branch", "nightly")
    pull(tmp_path / "a folder; touch bad", str(origin), "nightly")
    clone = tmp_path / "a folder; touch bad"
    assert git(clone, "branch", "--show-current") == "nightly"
    (clone / "NOTES").write_text("mine", encoding="utf-8")
    pull(clone, "--upload-pack=touch bad")
    assert (clone / "NOTES").read_text(encoding="utf-8") == "mine"
    with pytest.raises(RuntimeError, match="error code 128"):
        pull(tmp_path / "none", "--upload-pack=touch bad")
    assert list(tmp_path.glob("bad*")) == []


def test_scheduled_run_happens_by_itself_and_publishes(scheduler: Scheduler) -> None:
    scheduler.serve(answer(without(3)))
    publish = scheduler.deployment("tagpipe-publish/publish")
    before = {run["id"] for run in scheduler.runs("tagpipe-publish/publish")}
    schedule = {"schedule": {"interval": 10}, "active": True}
    (added,) = ask_api(scheduler.environment, f"/deployments/{publish['id']}/schedules", [schedule])

    def find_new() -> list[dict[str, Any]]:
        return [run for run in scheduler.runs("tagpipe-publish/publish") if run["id"] not in before]

    wait_until(lambda: any(run["state_name"] == "Published" for run in find_new()))
    ask_api(scheduler.environment, f"/deployments/{publish['id']}/schedules/{added['id']}", method="DELETE")
    scheduler.settle("tagpipe-publish/publish")
    runs = find_new()
    assert all(run["auto_scheduled"] for run in runs)
    assert {run["state_name"] for run in runs} <= {"Published", "Unchanged", "Busy"}
    (published,) = (run for run in runs if run["state_name"] == "Published")

    event = scheduler.event("tagpipe.dataset.published", published["id"])
    report = json.loads(git(scheduler.project, "show", "dataset:data/reports/threshold.json"))
    assert event["resource"]["prefect.resource.id"] == "tagpipe.dataset.project"
    assert event["payload"]["commit"] == git(scheduler.project, "rev-parse", "dataset")
    assert event["payload"]["content_sha256"] == report["content_sha256"]
    assert event["payload"]["counts"]["n_labeled"] == report["projects"]["n_labeled"]
    diff, *_ = read_artifacts(scheduler.environment, "tagpipe-dataset-diff")
    assert "3 projects removed" in diff["data"]
    summary, *_ = read_artifacts(scheduler.environment, "tagpipe-dataset-summary")
    assert report["content_sha256"] in summary["data"]
    stages = scheduler.tasks(published["id"])
    assert stages.pop("look upstream, build, judge, publish") == "Published"
    assert stages == {"fetch": "Ran", "validate": "Ran", "annotate": "Ran", "threshold": "Ran"}
    tags, *_ = read_artifacts(scheduler.environment, "tagpipe-dataset-tags")
    assert "pytorch" in [row["tag"] for row in json.loads(tags["data"])]


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_overlapping_run_ends_at_once_as_busy(scheduler: Scheduler) -> None:
    until, reached = threading.Event(), threading.Event()
    scheduler.serve(held(without(4), until, reached), answer(without(4)))
    try:
        first = scheduler.start("tagpipe-publish/publish")
        assert reached.wait(DEADLINE_S)
        second = scheduler.run("tagpipe-publish/publish")
    finally:
        until.set()
    assert (second["state_type"], second["state_name"]) == ("COMPLETED", "Busy")
    assert "tagpipe publish" in second["state"]["message"]
    assert scheduler.wait(first)["state_name"] == "Published"
    assert scheduler.run("tagpipe-publish/publish")["state_name"] == "Unchanged"


@pytest.mark.slow
def test_refusal_is_a_failed_state_of_its_own_name(scheduler: Scheduler) -> None:
    scheduler.serve(answer(without(100)))
    refs = git(scheduler.project, "for-each-ref", "refs/heads/dataset")
    refused = scheduler.run("tagpipe-publish/publish")
    assert (refused["state_type"], refused["state_name"]) == ("FAILED", "Refused")
    assert "max_projects_removed" in refused["state"]["message"]
    assert "Traceback" not in scheduler.logs(refused["id"])

    event = scheduler.event("tagpipe.dataset.refused", refused["id"])
    assert "max_projects_removed" in event["payload"]["gates_failed"]
    assert event["payload"]["ref"].startswith("refused/")
    gates, *_ = read_artifacts(scheduler.environment, "tagpipe-dataset-gates")
    results = {row["gate"]: row["result"] for row in json.loads(gates["data"])}
    assert results["max_projects_removed"] == "FAILED"
    assert git(scheduler.project, "for-each-ref", "refs/heads/dataset") == refs


@pytest.mark.slow
def test_unavailable_source_is_tried_again_and_then_fails_in_one_line(scheduler: Scheduler) -> None:
    scheduler.serve(failure(503))
    failed = scheduler.run("tagpipe-publish/publish", retry_delays_s=[0.1, 0.1])
    assert (failed["state_type"], failed["state_name"]) == ("FAILED", "Failed")
    assert "source.projects: cannot be downloaded" in failed["state"]["message"]
    assert "\n" not in failed["state"]["message"]
    assert scheduler.upstream.count("/projects.json") == 3
    log = scheduler.logs(failed["id"])
    assert log.count("will start") == 2
    assert "Traceback" not in log


@pytest.mark.slow
def test_monitor_tells_the_ages(scheduler: Scheduler) -> None:
    assert scheduler.run("tagpipe-monitor/monitor")["state_type"] == "COMPLETED"
    ages, *_ = read_artifacts(scheduler.environment, "tagpipe-ages")
    rows = json.loads(ages["data"])
    assert [row["what"] for row in rows] == ["published version", "projects as published", "vocabulary as published"]
    assert all(0 <= row["age_days"] < 1 for row in rows)
    page, *_ = read_artifacts(scheduler.environment, "tagpipe-freshness")
    assert "| published version | 0.0 days |" in page["data"]
    assert "upstream has" in page["data"]


@pytest.mark.slow
def test_build_runs_on_demand(scheduler: Scheduler) -> None:
    scheduler.serve(answer(PROJECTS))
    built = scheduler.run("tagpipe-build/build")
    assert built["state_type"] == "COMPLETED", built["state"]["message"]


def documented(marker: str) -> str:
    """The code block of docs/scheduling.md below a comment that begins with `marker`."""
    text = (REPO / "docs/scheduling.md").read_text(encoding="utf-8")
    match = re.search(rf"<!-- {re.escape(marker)}[^\n]*-->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert match, marker
    return match[1]


@pytest.mark.slow
def test_documented_training_runs_on_a_published_version(scheduler: Scheduler, tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text(documented("prefect.yaml of the training"), encoding="utf-8")
    (tmp_path / "train.py").write_text(documented("train.py"), encoding="utf-8")
    run_prefect(["variable", "set", "training_repo", str(tmp_path)], tmp_path, scheduler.environment)
    run_prefect(["deploy", "--all"], tmp_path, scheduler.environment)
    scheduler.serve(answer(without(5)))
    assert scheduler.run("tagpipe-publish/publish")["state_name"] == "Published"
    wait_until(lambda: bool(scheduler.runs("train/train")))
    (run,) = scheduler.runs("train/train")
    assert scheduler.wait(run["id"])["state_type"] == "COMPLETED"
    assert run["parameters"]["commit"] == git(scheduler.project, "rev-parse", "dataset")


@pytest.mark.slow
def test_documented_notification_is_taken(scheduler: Scheduler, tmp_path: Path) -> None:
    (tmp_path / "notify.yaml").write_text(documented("notify.yaml"), encoding="utf-8")
    run_prefect(["automation", "create", "--from-file", "notify.yaml"], tmp_path, scheduler.environment)
    run_prefect(["automation", "inspect", "dataset needs a person"], tmp_path, scheduler.environment)


def family(pid: int) -> set[psutil.Process]:
    return {psutil.Process(pid), *psutil.Process(pid).children(recursive=True)}


@pytest.mark.slow
def test_make_schedule_serves_until_ctrl_c_and_leaves_no_process(tmp_path: Path) -> None:
    port = find_port()
    venv = Path(sys.prefix)
    command = ["make", "-o", f"{venv}/.ready", "schedule", f"VENV={venv}", f"PORT={port}", f"PREFECT_HOME={tmp_path}"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    process = subprocess.Popen(
        command, cwd=REPO, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline()]
        while lines[-1] and "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
        assert f"http://127.0.0.1:{port}" in lines[-1], lines
        names = {each["name"] for each in ask_api(api(port), "/deployments/filter", {})}
        assert names == {"publish", "build", "monitor"}
        started = family(process.pid)
        assert len(started) > 3
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.stdout.read().strip().splitlines()[:1] == ["stopped"]
    process.wait(30)
    process.stdout.close()
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []


def api(port: int) -> dict[str, str]:
    return {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}

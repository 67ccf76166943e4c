"""Deployments on a real Prefect server with a real worker: scheduled runs, states, artifacts, events, automations."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect.deployments.steps import run_shell_script
from ruamel.yaml import YAML
from support.http_server import Reply, Write, answer, failure, head
from support.paths import REPO
from support.prefect_server import ask_api, find_port, read_artifacts
from support.processes import Start, git
from support.scheduler import PROJECTS, Scheduler, serve_schedule
from support.waiting import HANG_S, wait_until

from flows.schedule import run_prefect
from tagpipe.operations.init_repository import init_repository


def without(n: int) -> bytes:
    """The projects without the last `n`."""
    return json.dumps(json.loads(PROJECTS)[: -n or None]).encode()


def held(body: bytes, until: threading.Event, reached: threading.Event) -> Reply:
    """An answer that waits."""

    def reply(write: Write, _stopped: threading.Event) -> None:
        reached.set()
        until.wait(HANG_S)
        write(head(content_length=len(body)) + body)

    return reply


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    with serve_schedule(tmp_path_factory.mktemp("schedule")) as scheduler:
        yield scheduler


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
    init_repository(origin)
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


@pytest.mark.slow
def test_scheduled_run_happens_by_itself_and_publishes(scheduler: Scheduler) -> None:
    scheduler.serve(answer(without(3)))
    before = {run["id"] for run in scheduler.runs("tagpipe-publish/publish")}
    # Not more often: where a run takes longer than that, the machine would have ever more of them.
    scheduler.schedule("tagpipe-publish/publish", every_s=120)

    def find_new() -> list[dict[str, Any]]:
        return [run for run in scheduler.runs("tagpipe-publish/publish") if run["id"] not in before]

    wait_until(lambda: any(run["state_name"] == "Published" for run in find_new()))
    scheduler.unschedule("tagpipe-publish/publish")
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
    assert stages == {"fetch": "Ran", "validate": "Ran", "annotate": "Ran", "threshold": "Ran", "monitor": "Ran"}
    tags, *_ = read_artifacts(scheduler.environment, "tagpipe-dataset-tags")
    assert "pytorch" in [row["tag"] for row in json.loads(tags["data"])]


@pytest.mark.slow
def test_version_that_nobody_announced_is_announced_by_the_next_run(scheduler: Scheduler) -> None:
    scheduler.serve(answer(without(3)))
    assert scheduler.run("tagpipe-publish/publish")["state_name"] in ("Published", "Unchanged")
    scheduler.serve(answer(without(6)))
    command = [sys.executable, "-m", "tagpipe", "publish"]
    by_hand = subprocess.run(command, cwd=scheduler.project, check=True, capture_output=True, text=True)
    assert by_hand.stdout.startswith("published: ")
    found = scheduler.run("tagpipe-publish/publish")
    assert found["state_name"] == "Unchanged"
    payload = scheduler.event("tagpipe.dataset.published", found["id"])["payload"]
    report = json.loads(git(scheduler.project, "show", "dataset:data/reports/threshold.json"))
    assert payload["commit"] == git(scheduler.project, "rev-parse", "dataset")
    assert payload["content_sha256"] == report["content_sha256"]
    assert payload["reason"] == "published since the last run"


@pytest.mark.slow
def test_overlapping_run_ends_at_once_as_busy(scheduler: Scheduler) -> None:
    until, reached = threading.Event(), threading.Event()
    scheduler.serve(held(without(4), until, reached), answer(without(4)))
    try:
        first = scheduler.start("tagpipe-publish/publish")
        assert reached.wait(HANG_S)
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
    scheduler.serve(answer(PROJECTS))
    assert scheduler.run("tagpipe-monitor/monitor")["state_type"] == "COMPLETED"
    ages, *_ = read_artifacts(scheduler.environment, "tagpipe-ages")
    rows = json.loads(ages["data"])
    assert [row["what"] for row in rows] == ["published version", "projects as published", "vocabulary as published"]
    assert all(0 <= row["age_days"] < 1 for row in rows)
    page, *_ = read_artifacts(scheduler.environment, "tagpipe-freshness")
    assert "| published version | 0.0 days |" in page["data"]
    assert "upstream has" in page["data"]
    new_tags, *_ = read_artifacts(scheduler.environment, "tagpipe-new-tags")
    assert "outside the vocabulary: " in new_tags["data"]
    candidates, *_ = read_artifacts(scheduler.environment, "tagpipe-new-tag-candidates")
    assert all(row["projects"] >= 5 for row in json.loads(candidates["data"]))


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
def test_make_schedule_serves_until_ctrl_c_and_leaves_no_process(tmp_path: Path, start: Start) -> None:
    port = find_port()
    venv = Path(sys.prefix)
    command = ["make", "-o", f"{venv}/.ready", "schedule", f"VENV={venv}", f"PORT={port}", f"PREFECT_HOME={tmp_path}"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    process = start(command, REPO, env=environment, stdout=subprocess.PIPE, start_new_session=True)
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
    process.wait(HANG_S)
    process.stdout.close()
    _, alive = psutil.wait_procs(started, timeout=HANG_S)
    assert alive == []


def api(port: int) -> dict[str, str]:
    return {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}

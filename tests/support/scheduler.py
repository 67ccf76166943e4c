"""The deployments of prefect.yaml on a real Prefect server, for a project that follows a scripted upstream."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows.schedule import POOL, run_prefect
from support.http_server import Reply, Server, answer, serve
from support.paths import REPO
from support.prefect_server import PrefectServer, Service, ask_api, make_server, read_events
from support.waiting import wait_until
from tagpipe.operations.init_repository import init_repository

PROJECTS = (REPO / "data/source/projects.json").read_bytes()


@dataclass(frozen=True)
class Scheduler:
    """A server and a worker for the deployments of prefect.yaml, whose runs are of `project`, which follows
    `upstream`."""

    server: PrefectServer
    worker: Service
    project: Path
    upstream: Server

    @property
    def environment(self) -> Mapping[str, str]:
        return self.server.environment

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

    def schedule(self, name: str, *, every_s: int) -> None:
        """From now on a deployment runs every so many seconds, for the first time in three seconds."""
        self.unschedule(name)
        path = f"/deployments/{self.deployment(name)['id']}/schedules"
        anchor = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        interval = {"interval": every_s, "anchor_date": anchor}
        ask_api(self.environment, path, [{"schedule": interval, "active": True}])

    def unschedule(self, name: str) -> None:
        path = f"/deployments/{self.deployment(name)['id']}/schedules"
        for old in ask_api(self.environment, path):
            ask_api(self.environment, f"{path}/{old['id']}", method="DELETE")

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
        """What a run that has ended has said; the server gets its last lines a moment later."""
        found: list[str] = []

        def has_last() -> bool:
            rows = ask_api(self.environment, "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})
            found[:] = [row["message"] for row in rows]
            return any(text.startswith("Finished in state") for text in found)

        wait_until(has_last)
        return "\n".join(found)


def make_project(root: Path, upstream: Server) -> None:
    """A project, built and committed, whose projects are pinned to upstream."""
    upstream.script["/projects.json"] = [answer(PROJECTS)]
    init_repository(root)
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


@contextmanager
def serve_schedule(folder: Path, *, every_s: int = 3600) -> Iterator[Scheduler]:
    """Everything that a schedule needs, running, in a new folder: server, project, deployments, worker."""
    home, project = folder / "prefect", folder / "project"
    home.mkdir()
    (folder / "temporary").mkdir()
    with serve() as upstream, make_server(home) as server:
        make_project(project, upstream)
        write_deployments(folder / "prefect.yaml", project, every_s=every_s)
        run_prefect(["work-pool", "create", POOL, "--type", "process"], REPO, server.environment)
        run_prefect(["variable", "set", "tagpipe_repo", str(REPO)], REPO, server.environment)
        run_prefect(["deploy", "--all", "--prefect-file", str(folder / "prefect.yaml")], REPO, server.environment)
        surroundings = {**server.environment, "TMPDIR": str(folder / "temporary")}
        with Service(
            ["worker", "start", "--pool", POOL, "--type", "process"], surroundings, home / "worker.log"
        ) as worker:
            yield Scheduler(server, worker, project, upstream)

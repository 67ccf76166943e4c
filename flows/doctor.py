"""Check that the schedule can fire: compare prefect.yaml with the server that the Prefect profile points to.

    python -m flows.doctor [--json]

Ends with 0 if nothing is an error, else with 2. It changes nothing. `tagpipe doctor` runs it, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from flows.schedule import REPO_VARIABLE
from tagpipe.checks.check_results import CheckResult, exit_code_of
from tagpipe.errors import TagpipeError
from tagpipe.io.repository.yaml_file import read_yaml
from tagpipe.render.checks import render_findings

PREFECT_FILE = "prefect.yaml"
DEPLOY = "Run `prefect deploy --all`"


def main() -> int:
    """Print the result of every check."""
    try:
        results = list(examine(Path.cwd()))
    except TagpipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(results, default=asdict) if "--json" in sys.argv[1:] else render_findings(results))
    return exit_code_of(results)


def examine(root: Path) -> Iterator[CheckResult]:
    """Check the server, then each deployment of prefect.yaml. Raises ConfigError if that cannot be read."""
    deployments = read_yaml(root / PREFECT_FILE).get("deployments") or []
    address = PREFECT_API_URL.value()
    if not address:
        fix = "Run `make schedule`, or set PREFECT_API_URL to the server that runs"
        yield CheckResult("server", "warning", "the profile names none, so nothing is scheduled", fix)
        return
    with get_client(sync_client=True) as client:
        if (trouble := client.api_healthcheck()) is not None:
            fix = "Start it (`make schedule`), or correct PREFECT_API_URL"
            yield CheckResult("server", "error", f"does not answer ({type(trouble).__name__})", fix)
            return
        yield CheckResult("server", "ok", "answers")
        yield from _check_variable(client)
        for deployment in deployments:
            yield from _check_deployment(client, deployment)


def _check_deployment(client: SyncPrefectClient, wanted: dict[str, Any]) -> Iterator[CheckResult]:
    name = str(wanted["name"])
    candidates = client.read_deployments(deployment_filter=DeploymentFilter.model_validate({"name": {"any_": [name]}}))
    deployment = next((other for other in candidates if other.entrypoint == wanted["entrypoint"]), None)
    if deployment is None:
        yield CheckResult(name, "error", "is not deployed", DEPLOY)
        return
    if wanted.get("schedules"):
        yield from _check_schedule(client, name, deployment)
        yield from _check_late(client, name, deployment)
    yield from _check_pool(client, name, deployment.work_pool_name)


def _check_variable(client: SyncPrefectClient) -> Iterator[CheckResult]:
    if client.read_variable_by_name(REPO_VARIABLE) is None:
        fix = f"Run `prefect variable set {REPO_VARIABLE} FOLDER` with the folder of the repository"
        yield CheckResult("variables", "error", f"{REPO_VARIABLE} is not set, so every run fails at once", fix)


def _check_schedule(client: SyncPrefectClient, name: str, deployment: Any) -> Iterator[CheckResult]:
    if deployment.paused or not any(schedule.active for schedule in deployment.schedules):
        fix = f"{DEPLOY}, or switch its schedule on in the UI"
        yield CheckResult(name, "error", "has no active schedule", fix)
        return
    planned = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"after_": datetime.now(UTC)}}
    if _count_runs(client, deployment, planned):
        yield CheckResult(name, "ok", "its schedule is active, and its next run is planned")
    else:
        # With SQLAlchemy 2.1 the scheduler of Prefect 3.8 dies of any deployment, while the UI shows it as active.
        fix = "Wait a minute after deploying; else see the server's log, and run `tagpipe doctor` for its libraries"
        yield CheckResult(name, "error", "its schedule is active, but no run of it is planned", fix)


def _check_late(client: SyncPrefectClient, name: str, deployment: Any) -> Iterator[CheckResult]:
    if n_late := _count_runs(client, deployment, {"state": {"name": {"any_": ["Late"]}}}):
        fix = "Look at its worker, its work queue, and the limits of both"
        yield CheckResult(name, "error", f"{n_late} of its runs are late: nothing takes them", fix)


def _count_runs(client: SyncPrefectClient, deployment: Any, conditions: dict[str, Any]) -> int:
    """The number of the deployment's runs that meet conditions of `FlowRunFilter`, at most 100."""
    chosen = FlowRunFilter.model_validate({"deployment_id": {"any_": [deployment.id]}, **conditions})
    return len(client.read_flow_runs(flow_run_filter=chosen, limit=100))


def _check_pool(client: SyncPrefectClient, name: str, pool: str | None) -> Iterator[CheckResult]:
    if pool is None:
        yield CheckResult(name, "error", "has no work pool, so no worker takes its runs", DEPLOY)
        return
    try:
        workers = client.read_workers_for_work_pool(pool)
        is_paused = client.read_work_pool(pool).is_paused
    except ObjectNotFound:
        yield CheckResult(
            name, "error", f"its work pool {pool} does not exist", f"Run `prefect work-pool create {pool}`"
        )
        return
    if is_paused:
        yield CheckResult(name, "error", f"its work pool {pool} is paused", f"Run `prefect work-pool resume {pool}`")
    elif any(worker.status == WorkerStatus.ONLINE for worker in workers):
        yield CheckResult(name, "ok", f"its work pool {pool} has a live worker")
    else:
        yield CheckResult(
            name, "error", f"its work pool {pool} has no live worker", f"Run `prefect worker start --pool {pool}`"
        )


if __name__ == "__main__":
    sys.exit(main())

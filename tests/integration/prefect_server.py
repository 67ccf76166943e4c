"""A real Prefect server on loopback with a home of its own, and what its API has."""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.schedule import HOST, make_environment, running, wait_until_ready

REPO = Path(__file__).resolve().parents[2]

QUICK = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
}
"""Schedules and workers look every second, not every minute."""


N_TRIES = 60


@contextmanager
def serve_prefect(home: Path) -> Iterator[dict[str, str]]:
    """A running server; the environment of those that use it."""
    port = find_port()
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment = {**make_environment(outer, home, port), **QUICK, "PYTHONPATH": str(REPO)}
    log = home / "server.log"
    with running(["server", "start", "--host", HOST, "--port", str(port)], home, environment, log) as server:
        wait_until_ready(server, port, log)
        yield environment


def find_port() -> int:
    """A free one."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


def ask_api(environment: Mapping[str, str], path: str, body: object = None, method: str | None = None) -> Any:
    """What the server's API answers, as plain values; a body makes it a POST. Its 503 (SQLite is locked) may pass."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        environment["PREFECT_API_URL"] + path, data, {"Content-Type": "application/json"}, method=method
    )
    for _ in range(N_TRIES):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
            return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503:
                raise
            time.sleep(0.5)
    raise AssertionError(f"{path}: unavailable")


def read_artifacts(environment: Mapping[str, str], key: str) -> list[Any]:
    """All versions of an artifact, newest first."""
    found: list[Any] = ask_api(
        environment, "/artifacts/filter", {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    )
    return found


def read_events(environment: Mapping[str, str], name: str) -> list[Any]:
    """All events of a name, newest first."""
    found: list[Any] = ask_api(environment, "/events/filter", {"filter": {"event": {"name": [name]}}})["events"]
    return found

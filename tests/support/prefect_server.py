"""A real Prefect server on loopback with a home of its own, and what its API has."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from flows import schedule
from flows.schedule import HOST, make_environment, start, stop, wait_until_ready
from support.paths import REPO
from support.waiting import HANG_S

QUICK = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
}
"""Schedules and workers look every second, not every minute."""


@dataclass
class Service:
    """A process of Prefect's that may be killed and started again, as an init system does."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        self.process = start(self.arguments, REPO, self.environment, self.log)
        return self.process

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL, f"it had ended by itself: {self.log}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        stop(self.process)


class PrefectServer(Service):
    """The server at the address in `environment`, with the database in its PREFECT_HOME."""

    def start(self) -> subprocess.Popen[bytes]:
        process = super().start()
        try:
            with patch.object(schedule, "START_TIMEOUT_S", HANG_S):
                wait_until_ready(process, int(self.arguments[-1]), self.log)
        except BaseException:
            stop(process)
            raise
        return process


def make_server(home: Path) -> PrefectServer:
    """A server on a free port, not started yet."""
    port = find_port()
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment = {**make_environment(outer, home, port), **QUICK, "PYTHONPATH": str(REPO)}
    return PrefectServer(["server", "start", "--host", HOST, "--port", str(port)], environment, home / "server.log")


@contextmanager
def serve_prefect(home: Path) -> Iterator[Mapping[str, str]]:
    """A running server; the environment of those that use it."""
    with make_server(home) as server:
        yield server.environment


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
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
            return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503:
                raise
            time.sleep(0.5)
        except TimeoutError:
            pass  # a busy machine: ask again
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

"""`python -m flows.doctor` against a real Prefect server: deployments, schedules and workers that are not there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import REPO

pytestmark = pytest.mark.timeout(300)

PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


def surroundings(home: Path, address: str) -> dict[str, str]:
    return {**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": address, "DO_NOT_TRACK": "1"}


def look(environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "flows.doctor"], cwd=REPO, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


def test_a_server_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    code, said = look(surroundings(tmp_path, f"http://127.0.0.1:{free_port()}/api"))
    assert code == 2
    assert "error    server: does not answer" in said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The surroundings of a server of the test's own."""
    port = free_port()
    environment = surroundings(tmp_path_factory.mktemp("prefect"), f"http://127.0.0.1:{port}/api")
    process = subprocess.Popen(
        [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_server(port)
        yield environment
    finally:
        process.terminate()
        process.wait()


def wait_for_server(port: int) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
                answer.read()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("the server did not start")


def prefect(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*PREFECT, *arguments], cwd=REPO, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_schedule_that_never_fires_is_told(server: dict[str, str]) -> None:
    code, said = look(server)
    assert code == 2
    assert "error    publish: is not deployed" in said
    prefect(server, "work-pool", "create", "tagpipe", "--type", "process")
    prefect(server, "deploy", "--all")
    assert "error    variables: tagpipe_repo is not set" in look(server)[1]
    prefect(server, "variable", "set", "tagpipe_repo", str(REPO))
    planned = "publish: its schedule is active, and its next run is planned"
    code, said = look_until(server, planned)
    assert code == 2  # nobody takes the runs
    assert said.count("its work pool tagpipe has no live worker") == 3
    worker = subprocess.Popen(
        [*PREFECT, "worker", "start", "--pool", "tagpipe"],
        cwd=REPO,
        env=server,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        code, said = look_until(server, "has a live worker")
        assert (code, planned in said) == (0, True)
        assert "0 warnings, 0 errors" in said
        prefect(server, "work-pool", "pause", "tagpipe")
        assert "error    build: its work pool tagpipe is paused" in look(server)[1]
        prefect(server, "deployment", "schedule", "clear", "tagpipe-publish/publish", "--accept-yes")
        assert "error    publish: has no active schedule" in look(server)[1]
    finally:
        worker.terminate()
        worker.wait()


def look_until(environment: dict[str, str], text: str) -> tuple[int, str]:
    for _ in range(20):
        code, said = look(environment)
        if text in said:
            break
        time.sleep(1)
    assert text in said
    return code, said

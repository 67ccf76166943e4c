"""`python -m flows.doctor` against a real Prefect server: deployments, schedules and workers that are not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.paths import REPO
from support.prefect_server import find_port, serve_prefect
from support.waiting import wait_until

PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


def surroundings(home: Path, address: str) -> dict[str, str]:
    return {**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": address, "DO_NOT_TRACK": "1"}


def look(environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "flows.doctor"], cwd=REPO, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_server_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    code, said = look(surroundings(tmp_path, f"http://127.0.0.1:{find_port()}/api"))
    assert code == 2
    assert "error    server: does not answer" in said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The surroundings of a server of the test's own: nothing is deployed there."""
    with serve_prefect(tmp_path_factory.mktemp("prefect")) as environment:
        yield environment


def prefect(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*PREFECT, *arguments], cwd=REPO, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_schedule_that_never_fires_is_told(server: Mapping[str, str]) -> None:
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


def look_until(environment: Mapping[str, str], text: str) -> tuple[int, str]:
    found: list[tuple[int, str]] = []

    def is_there() -> bool:
        found[:] = [look(environment)]
        return text in found[0][1]

    wait_until(is_there)
    return found[0]

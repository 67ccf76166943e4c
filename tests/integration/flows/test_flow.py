"""The Prefect flow against a real server: states, one-line errors, the lock and the artifacts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.http_server import Server, answer, failure, serve
from support.prefect_server import read_artifacts, serve_prefect

from flows.build import list_stages
from tagpipe.errors import ConfigError
from tagpipe.io.repository.files import write_json
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.run_stage import describe_error
from tagpipe.operations.init_repository import init_repository


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Prefect server on loopback; the environment of those that use it."""
    with serve_prefect(tmp_path_factory.mktemp("prefect")) as environment:
        yield environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("flow") / "project"
    init_repository(root)
    return root


def run_flow(project: Path, environment: dict[str, str], *how: str) -> subprocess.CompletedProcess[str]:
    """`python -m flows.build`, or Python with other arguments."""
    command = [sys.executable, *(how or ("-m", "flows.build"))]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_flow_runs_every_stage_and_writes_artifacts(project: Path, server: dict[str, str]) -> None:
    first = run_flow(project, server)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip().endswith("fetch ran, validate ran, annotate ran, threshold ran, monitor ran")
    assert "projects labeled with" in first.stderr  # the stage's own line is in the run's log
    digest = json.loads((project / "data/reports/threshold.json").read_text())["content_sha256"]
    assert digest in read_artifacts(server, "tagpipe-summary")[0]["data"]
    counts = read_artifacts(server, "tagpipe-tag-counts")
    assert {"tag": "pytorch", "projects": 202} in json.loads(counts[0]["data"])


@pytest.mark.slow
def test_flow_tells_skipped_and_cached_from_ran(project: Path, server: dict[str, str]) -> None:
    run_flow(project, server)
    n_before = len(read_artifacts(server, "tagpipe-summary"))
    second = run_flow(project, server)
    assert second.stdout.strip().endswith(
        "fetch skipped, validate skipped, annotate skipped, threshold skipped, monitor skipped"
    )

    params = project / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("min_projects: 12", "min_projects: 13"))
    assert "threshold ran" in run_flow(project, server).stdout
    params.write_text(text)
    assert "threshold cached" in run_flow(project, server).stdout

    summaries = read_artifacts(server, "tagpipe-summary")
    assert len(summaries) == n_before + 3, "each run is a further version of the same artifact"
    digest = json.loads((project / "data/reports/threshold.json").read_text())["content_sha256"]
    assert digest in summaries[0]["data"]
    assert digest not in summaries[1]["data"]


@pytest.mark.slow
def test_failing_stage_is_one_line_with_its_exit_code(project: Path, server: dict[str, str]) -> None:
    source = project / "data/source/projects.json"
    good = source.read_bytes()
    source.write_bytes(good[:-10])
    try:
        failed = run_flow(project, server)
    finally:
        source.write_bytes(good)
    assert failed.returncode == 3
    error = failed.stderr.strip().splitlines()[-1]
    lines = [line for line in failed.stderr.splitlines() if line.startswith("error: validate: projects.json")]
    assert len(lines) == 1, error
    assert "at byte" in lines[0]
    assert "Traceback" not in failed.stderr


@pytest.mark.slow
def test_older_error_is_not_taken_for_this_one(project: Path, server: dict[str, str]) -> None:
    """params.yaml is refused before any stage could leave an error of its own."""
    params = project / "params.yaml"
    good = params.read_bytes()
    old = ConfigError("an older and unrelated error", file="elsewhere")
    write_json(project / ".tagpipe/last-error.json", describe_error("fetch", old))
    params.write_bytes(good.replace(b"min_projects: 12", b"min_projects: twelve"))
    try:
        failed = run_flow(project, server)
    finally:
        params.write_bytes(good)
    assert failed.returncode == 2
    assert "an older and unrelated error" not in failed.stderr
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("error: fetch: exit code 2: ")]
    assert "threshold.min_projects" in line
    assert "Traceback" not in failed.stderr


QUICKLY = """
import sys
import flows.build
flows.build.FETCH_RETRY_DELAYS_S = [0.1, 0.1, 0.1]
sys.exit(flows.build.main())
"""
"""The flow as it is, but for the time between its retries."""


@pytest.fixture
def remote_project(project: Path, tmp_path: Path) -> Iterator[tuple[Path, Server]]:
    """A copy whose projects are pinned to an address; and the server there, with each request tried once."""
    root = tmp_path / "project"
    shutil.copytree(project, root, symlinks=True)
    data = (root / "data/source/projects.json").read_bytes()
    with serve() as upstream:
        upstream.script["/p.json"] = [answer(data)]
        params = root / "params.yaml"
        text = params.read_text(encoding="utf-8").replace("attempts: 4", "attempts: 1")
        pin = f'{{url: "{upstream.url("/p.json")}", sha256: {hashlib.sha256(data).hexdigest()}}}'
        text = text.replace("{path: projects.json}", pin).replace("allow_private: false", "allow_private: true")
        params.write_text(text, encoding="utf-8")
        yield root, upstream


@pytest.mark.slow
def test_unavailable_source_is_tried_four_times(remote_project: tuple[Path, Server], server: dict[str, str]) -> None:
    project, upstream = remote_project
    upstream.script["/p.json"] = [failure(503)]
    failed = run_flow(project, server, "-c", QUICKLY)
    assert failed.returncode == 5
    assert upstream.count("/p.json") == 4
    assert failed.stderr.count("will start") == 3
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: fetch: source.projects: cannot be downloaded")
    assert "Traceback" not in failed.stderr


@pytest.mark.slow
def test_source_that_comes_back_is_fetched(remote_project: tuple[Path, Server], server: dict[str, str]) -> None:
    project, upstream = remote_project
    upstream.script["/p.json"] = [failure(503), failure(503), *upstream.script["/p.json"]]
    done = run_flow(project, server, "-c", QUICKLY)
    assert done.returncode == 0, done.stderr
    assert "fetch ran, " in done.stdout
    assert upstream.count("/p.json") == 3


@pytest.mark.slow
def test_second_build_is_refused_while_one_runs(project: Path, server: dict[str, str]) -> None:
    with hold_run_lock(project / ".tagpipe", command="a test"):
        refused = run_flow(project, server)
    assert refused.returncode == 6
    assert f"process {os.getpid()} (a test)" in refused.stderr


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC 3.67, of pygtrie
def test_stages_come_from_dvc_graph(project: Path) -> None:
    assert list_stages(project) == ["fetch", "validate", "annotate", "threshold", "monitor"]

"""The README's commands as a new user types them: a fresh clone, `make run`, and both again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import REPO

import tagpipe

SOURCE = REPO / "data/source"


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` with the environment of a new user: none of this run's virtual environment in it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    return subprocess.run(
        ["make", f"PYTHON={sys.executable}", *arguments],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("e2e") / "tagpipe"
    subprocess.run(["git", "clone", "-q", str(REPO), str(target)], check=True)
    return target


@pytest.mark.slow
def test_make_run_works_from_nothing_and_again_without_work(clone: Path) -> None:
    first = make(clone, "run")
    assert first.returncode == 0, first.stderr
    for line in ("projects in", "most popular", "just made the cut", "just missed it", "dataset version"):
        assert line in first.stdout

    second = make(clone, "run")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout
    assert "threshold: nothing changed" in second.stderr

    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == "", "a run leaves the clone as it was committed"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_same_version_on_every_python(version: str, tmp_path: Path) -> None:
    """The embedded input gives the same digest on each Python that is installed here."""
    interpreter = find_python(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    uv = REPO / ".venv/bin/uv"
    environment = {**os.environ, "UV_CACHE_DIR": str(REPO / ".venv/cache")}
    python = tmp_path / "venv/bin/python"
    for command in (
        [interpreter, "-m", "venv", str(tmp_path / "venv")],
        [
            str(uv),
            "pip",
            "install",
            "-q",
            "--python",
            str(python),
            "--require-hashes",
            "-r",
            str(REPO / "requirements.lock"),
        ],
    ):
        subprocess.run(command, env=environment, check=True, capture_output=True)
    command = [str(python), "-m", "tagpipe", "build", "--projects", str(SOURCE / "projects.json")]
    command += [
        "--vocabulary",
        str(SOURCE / "vocabulary.json"),
        "--params",
        "params.yaml",
        "--out",
        str(tmp_path / "out"),
    ]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    ours = tagpipe.build(SOURCE / "projects.json", SOURCE / "vocabulary.json", params=REPO / "params.yaml")
    theirs = tagpipe.load(tmp_path / "out")
    assert theirs.manifest == ours.manifest
    assert theirs.reports == ours.reports


def find_python(version: str) -> str | None:
    """An interpreter of that version: on PATH, or in pyenv's folder."""
    for candidate in [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}*/bin/python")]:
        if candidate is None:
            continue
        told = subprocess.run([str(candidate), "--version"], capture_output=True, text=True, check=False)
        if told.returncode == 0 and told.stdout.startswith(f"Python {version}."):
            return str(candidate)
    return None

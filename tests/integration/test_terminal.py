"""What is shown where standard error or output is a terminal, and what where it is none."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.http_server import Server, answer, chunked, serve

from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.io.sources.download import download
from tagpipe.operations import refresh as refresh_module
from tagpipe.operations.init_repository import init_repository
from tagpipe.operations.refresh import refresh
from tagpipe.params import Download

LONG = "a" + "b" * 500
BOUNDS = Download(timeout_s=10.0, max_bytes=1_000_000, max_decoded_bytes=1_000_000, attempts=1, allow_private=True)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as served:
        yield served


def run_on_terminal(root: Path, *arguments: str) -> str:
    """What a terminal at standard error (of 80 columns) was sent, without its control sequences."""
    ours, theirs = pty.openpty()
    said: list[bytes] = []

    def read() -> None:
        # A pty whose other end is closed is an error on Linux.
        while data := _read(ours):
            said.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    command = [sys.executable, "-m", "tagpipe", *arguments]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    reader.join()
    os.close(ours)
    text = _CONTROL.sub("", b"".join(said).decode())
    assert done.returncode == 0, text
    return text


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 16)
    except OSError:
        return b""


def write_inputs(folder: Path, name: str = "p.json") -> None:
    (folder / name).write_text(json.dumps([{"id": 1, "title": "One", "tags": [LONG, "x " * 300 + "y"]}]))
    (folder / "v.json").write_text(json.dumps({LONG: {}}))
    text = packaged_file("params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("min_projects: 12", "min_projects: 1"))


def build_arguments(name: str = "p.json") -> list[str]:
    return ["build", "--projects", name, "--vocabulary", "v.json", "--params", "params.yaml", "--out", "out"]


@pytest.mark.slow
def test_run_names_the_stage_at_work(tmp_path: Path) -> None:
    root = tmp_path / "project"
    init_repository(root)
    said = run_on_terminal(root, "run")
    lines = [line.strip() for line in re.split("[\r\n]+", said)]
    stages = ["fetch", "validate", "annotate", "threshold", "monitor"]
    assert [name for name in stages if any(line.startswith(f"{name}: ") for line in lines)] == stages
    assert [name for name in stages if f"running {name}" not in said] == []


def test_a_file_name_is_no_markup(tmp_path: Path) -> None:
    name = "[bold]p[red].json"
    write_inputs(tmp_path, name)
    said = run_on_terminal(tmp_path, *build_arguments(name))
    assert f"reading {name}" in said.replace("\r\n", "")


def test_piped_output_is_neither_folded_nor_padded(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    for arguments in (build_arguments(), ["summary", "out"], ["explain", "1", "--dir", "out"]):
        done = subprocess.run(
            [sys.executable, "-m", "tagpipe", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        assert [line for line in done.stdout.split("\n") if line != line.rstrip()] == []
        assert LONG in done.stdout
        assert "x " * 300 + "y" in done.stdout or "x-" * 300 + "y" in done.stdout
        assert "\x1b" not in done.stdout


# Downloads


def test_a_download_tells_how_far_it_is(server: Server) -> None:
    server.script["/whole"] = [answer(b"x" * 100_000)]
    server.script["/parts"] = [chunked(b"x" * 10, b"y" * 10)]
    told: list[tuple[int, int | None]] = []
    download(server.url("/whole"), BOUNDS, name="projects", progress=lambda *each: told.append(each))
    assert told[-1] == (100_000, 100_000)
    assert told == sorted(told)
    told.clear()
    download(server.url("/parts"), BOUNDS, name="projects", progress=lambda *each: told.append(each))
    assert told[-1] == (20, None)


def test_refresh_shows_a_bar(tmp_path: Path, server: Server) -> None:
    root = tmp_path / "project"
    init_repository(root)
    server.script["/p.json"] = [answer((root / "data/source/projects.json").read_bytes())]
    pin = {"url": server.url("/p.json"), "sha256": "0" * 64}
    set_values(root / "params.yaml", {("source", "projects"): pin, ("source", "download", "allow_private"): True})
    assert "downloading" in run_on_terminal(root, "refresh")


def test_refresh_keeps_every_source_that_it_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pin moved: the other source, too, must be there when upstream has gone."""
    root = tmp_path / "project"
    init_repository(root)
    source = root / "data/source"
    upstream = {name: (source / f"{name}.json").read_bytes() for name in ("projects", "vocabulary")}
    pins = {name: hashlib.sha256(data).hexdigest() for name, data in upstream.items()}
    set_values(
        root / "params.yaml",
        {
            ("source", name): {"url": f"https://example.org/{name}.json", "sha256": pin}
            for name, pin in {**pins, "projects": "0" * 64}.items()
        },
    )
    monkeypatch.setattr(refresh_module, "download", lambda url, bounds, *, name, progress: upstream[name])
    assert refresh(root, check=True, echo=print).moved
    assert not (root / ".tagpipe/pinned").exists()
    assert refresh(root, echo=print).accepted
    assert {path.name for path in (root / ".tagpipe/pinned").iterdir()} == set(pins.values())

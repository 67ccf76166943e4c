"""`tagpipe build --out DIR`: the new build whole or the old one as it was, and nothing foreign is ever replaced."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tagpipe as package
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.versions.build_folder import SCRATCH_FOLDER

Snapshot = Callable[[Path], dict[str, bytes]]

OLD = [{"id": 1, "title": "One", "tags": ["nlp"]}]
NEW = [{"id": 1, "title": "One", "tags": ["cv"]}, {"id": 2, "title": "Two", "tags": ["nlp", "cv"]}]
N_FILES = 15


@pytest.fixture(autouse=True)
def _inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.json").write_text(json.dumps(OLD))
    Path("new.json").write_text(json.dumps(NEW))
    Path("v.json").write_text(json.dumps({"nlp": {}, "cv": {}}))
    text = packaged_file("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("min_projects: 12", "min_projects: 1"))


def options(projects: str = "new.json", out: str = "out") -> list[str]:
    return ["build", "--projects", projects, "--vocabulary", "v.json", "--params", "params.yaml", "--out", out]


@pytest.fixture
def built(tagpipe: Any) -> Path:
    """A folder that holds a good build of the old projects."""
    assert tagpipe(*options("old.json")).exit_code == 0
    return Path("out")


def fail_from(nth: int, wrapped: Callable[..., Any], code: int) -> Callable[..., Any]:
    """`wrapped`, that ends in an error of the system at its `nth` call (from 0) and ever after."""
    n_calls = 0

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls > nth:
            raise OSError(code, os.strerror(code))
        return wrapped(*arguments, **named)

    return call


def assert_refused(ended: Any, *fragments: str) -> None:
    assert ended.exit_code == 2, ended.stderr
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr
    for fragment in fragments:
        assert fragment in ended.stderr


# The disk


@pytest.mark.parametrize("nth", [0, 1, 7, N_FILES - 1])
def test_a_full_disk_leaves_the_last_good_build(
    nth: int, built: Path, tagpipe: Any, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(built)
    monkeypatch.setattr(os, "fsync", fail_from(nth, os.fsync, errno.ENOSPC))
    assert_refused(tagpipe(*options()), "out", "no space left on device")
    assert snapshot(built) == before
    assert not (built / SCRATCH_FOLDER).exists()


def test_a_full_disk_leaves_nothing_of_a_first_build(tagpipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", fail_from(3, os.fsync, errno.ENOSPC))
    assert_refused(tagpipe(*options(out="deep/er/out")), "no space left on device")
    assert not Path("deep").exists()


def test_a_file_that_may_not_grow_is_one_error(built: Path, snapshot: Snapshot) -> None:
    """The real thing: writes themselves fail, in Arrow's writer as in ours."""
    before = snapshot(built)
    # The program bounds itself: between fork and exec of a process with threads (pyarrow's), a preexec_fn may hang.
    # Python 3.11 would keep the first 1,500 bytes of a module that it has to compile (python/cpython#126606).
    code = f"""
import resource, sys
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
sys.argv = ["tagpipe", *{options()!r}]
from tagpipe.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "cannot be written: file too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(built) == before


@pytest.mark.parametrize("nth", [0, 1, N_FILES - 1, N_FILES, 2 * N_FILES - 1])
def test_a_swap_that_fails_is_undone(
    nth: int, built: Path, tagpipe: Any, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(built)
    rename, n_calls = Path.rename, 0

    def fail_once(path: Path, target: Path) -> Path:
        nonlocal n_calls
        n_calls += 1
        if n_calls == nth + 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    assert_refused(tagpipe(*options()), "out", "input/output error")
    assert snapshot(built) == before


@pytest.mark.parametrize("nth", [0, 1, N_FILES, 2 * N_FILES - 1])
def test_a_killed_swap_has_no_manifest_and_the_next_build_is_whole(nth: int, built: Path, tagpipe: Any) -> None:
    code = f"""
import os, sys
from pathlib import Path
rename, calls = Path.rename, []
def die(path, target):
    calls.append(path)
    if len(calls) > {nth}: os._exit(9)
    return rename(path, target)
Path.rename = die
sys.argv = ["tagpipe", *{options()!r}]
from tagpipe.cli import main
main()
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 9
    assert (built / "labeled" / "manifest.json").exists() == (nth == 0)
    assert tagpipe(*options()).exit_code == 0
    assert tagpipe("verify", built).exit_code == 0
    assert package.load(built).projects["id"].tolist() == [1, 2]
    assert not (built / SCRATCH_FOLDER).exists()


# What is replaced


def test_a_second_build_replaces_the_first_and_keeps_what_others_put_there(built: Path, tagpipe: Any) -> None:
    (built / "reports" / "notes.txt").write_text("mine")
    shutil.copy("new.json", "new.ndjson")
    Path("new.ndjson").write_text("\n".join(map(json.dumps, NEW)))
    assert tagpipe(*options("new.ndjson")).exit_code == 0
    assert tagpipe("verify", built).exit_code == 0
    assert package.load(built).projects["id"].tolist() == [1, 2]
    assert (built / "reports" / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in (built / "raw").iterdir()) == ["projects.ndjson", "vocabulary.json"]
    assert sorted(path.name for path in built.iterdir()) == [
        "SHA256SUMS",
        "annotated",
        "labeled",
        "params.yaml",
        "raw",
        "reports",
        "validated",
    ]


def test_a_build_of_its_own_inputs_gives_the_same(built: Path, tagpipe: Any, snapshot: Snapshot) -> None:
    before = snapshot(built)
    inputs = ["--projects", built / "raw/projects.json", "--vocabulary", built / "raw/vocabulary.json"]
    assert tagpipe("build", *inputs, "--params", built / "params.yaml", "--out", built).exit_code == 0
    assert snapshot(built) == before


def test_the_working_directory_and_a_link_may_be_built_to(built: Path, tagpipe: Any, tmp_path: Path) -> None:
    Path("link").symlink_to("out")
    assert tagpipe(*options(out="link")).exit_code == 0
    assert Path("link").is_symlink()
    assert package.load(built).projects["id"].tolist() == [1, 2]
    os.chdir(built)
    inputs = ["--projects", "../old.json", "--vocabulary", "../v.json", "--params", "../params.yaml"]
    assert tagpipe("build", *inputs, "--out", ".").exit_code == 0
    assert package.load(".").projects["id"].tolist() == [1]


def test_a_dataset_project_is_refused_and_so_is_its_data(tagpipe: Any, snapshot: Snapshot) -> None:
    assert tagpipe("init", "own", "--projects", "old.json", "--vocabulary", "v.json").exit_code == 0
    shutil.copytree("own/data/source", "own/data/raw")
    Path("own/data/labeled").mkdir(exist_ok=True)
    Path("own/data/labeled/manifest.json").write_text("{}")
    before = snapshot(Path("own"))
    assert_refused(tagpipe(*options(out="own")), "own", "dataset repository")
    assert_refused(tagpipe(*options(out="own/data")), "own/data", "did not write")
    assert snapshot(Path("own")) == before


@pytest.mark.parametrize("name", ["params.yaml", "thesis.docx", ".hidden"])
def test_a_folder_with_other_files_is_refused_before_anything_is_read(name: str, tagpipe: Any) -> None:
    Path("out").mkdir()
    (Path("out") / name).write_text("mine")
    assert_refused(tagpipe(*options("absent.json")), "out", name, "did not write", "Name another folder")
    assert [path.name for path in Path("out").iterdir()] == [name]


@pytest.mark.parametrize("path", ["labeled", "labeled/manifest.json"])
def test_a_build_that_is_damaged_at_its_manifest_is_not_taken_for_one(path: str, built: Path, tagpipe: Any) -> None:
    target = built / path
    if target.is_dir():
        shutil.rmtree(target)
        target.write_text("a file")
    else:
        target.unlink()
        target.mkdir()
    assert_refused(tagpipe(*options()), "out", "did not write")
    for command in ("summary", "verify"):
        assert_refused(tagpipe(command, built), "out", "neither a dataset repository")


def test_a_folder_where_a_file_should_be_is_replaced_whole(built: Path, tagpipe: Any) -> None:
    (built / "labeled/tags.parquet").unlink()
    (built / "labeled/tags.parquet").mkdir()
    assert tagpipe(*options()).exit_code == 0
    assert tagpipe("verify", built).exit_code == 0


def test_an_empty_folder_is_built_to(tagpipe: Any) -> None:
    Path("out").mkdir()
    assert tagpipe(*options()).exit_code == 0


def test_two_builds_of_one_folder_do_not_overlap(built: Path, tagpipe: Any, snapshot: Snapshot) -> None:
    before = snapshot(built)
    fd = os.open(built, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        ended = tagpipe(*options())
    finally:
        os.close(fd)
    assert ended.exit_code == 6
    assert "another `tagpipe build`" in ended.stderr
    assert snapshot(built) == before

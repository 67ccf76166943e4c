"""The modes of what tagpipe writes: those that the umask leaves, or those of the files that are replaced."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.in_process import run_tagpipe
from support.processes import run
from support.small_repository import init_small

from tagpipe.io.repository import files
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.raw_files import copy_raw
from tagpipe.io.repository.yaml_file import replace_text, set_values

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("collected")]


@pytest.fixture(params=[0o077, 0o027, 0o022, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def edit_yaml(path: Path) -> None:
    if not path.exists():
        files.write_bytes(path, b"a: 1\n")
    set_values(path, {("a",): 2})
    replace_text(path, {("a",): "3"})


def copy(path: Path) -> None:
    (path.parent / "source.json").write_text("[]")
    copy_raw(path.parent / "source.json", path.parent, path.stem)


WRITERS: dict[str, Callable[[Path], None]] = {
    "bytes": lambda path: files.write_bytes(path, b"x"),
    "json": lambda path: files.write_json(path, {}),
    "lines": lambda path: files.write_lines(path, [1]),
    "yaml": edit_yaml,
    "raw": copy,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_new_file_has_the_mode_that_the_umask_leaves(
    write: Callable[[Path], None], umask: int, tmp_path: Path
) -> None:
    write(tmp_path / "new.json")
    assert mode_of(tmp_path / "new.json") == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o755, 0o444])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_file_that_is_replaced_keeps_its_mode(write: Callable[[Path], None], mode: int, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text("a: 1\n")
    path.chmod(mode)
    write(path)
    assert path.read_text() != "a: 1\n"
    assert mode_of(path) == mode


def test_a_lock_has_the_mode_that_the_umask_leaves(umask: int, tmp_path: Path) -> None:
    with hold_run_lock(tmp_path / "scratch", command="a test"):
        assert mode_of(tmp_path / "scratch/run.lock") == 0o666 & ~umask


@pytest.mark.slow
def test_nothing_of_a_private_repository_is_for_others(tmp_path: Path) -> None:
    """The run is a process of its own: DVC 3.67 keeps the umask that its process had when it was imported."""
    before = os.umask(0o077)
    try:
        root = tmp_path / "own"
        init_small(root)
        run(root, sys.executable, "-m", "tagpipe", "run")
        assert run_tagpipe(root, "vocab", "alias", "oh-see-are", "ocr", "--yes").exit_code == 0
        assert run_tagpipe(root, "diff", "workspace", "workspace", "--write", "diff.html").exit_code in (0, 2, 3)
    finally:
        os.umask(before)
    parts = (path for path in root.rglob("*") if not {".git", "cache"} & set(path.relative_to(root).parts))
    assert {path.relative_to(root).as_posix(): oct(mode_of(path)) for path in parts if mode_of(path) & 0o077} == {}

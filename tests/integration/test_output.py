"""Standard output and error that are full, closed or pipes that nobody reads: never a traceback."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.small_repository import build_small

from tagpipe.cli import main

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("collected")]

COMMANDS = [
    "--version",
    "--help",
    "vocab --help",
    "summary",
    "summary --json",
    "explain k-1",
    "explain k-1 --json",
    "verify",
    "verify --json",
    "verify --deep",
    "verify --deep --json",
    "doctor",
    "doctor --json",
    "diff v1",
    "diff v1 --json",
    "preview",
    "preview --json",
    "preview --sweep threshold.min_projects=1..3",
    "log",
    "log --json",
    "history ocr",
    "history ocr --json",
    "monitor",
    "monitor --json",
    "vocab check",
    "vocab check --json",
    "vocab show ocr",
    "vocab show ocr --json",
    "vocab export",
    "run --json",
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "own"
    build_small(root)
    return root


@contextmanager
def full() -> Iterator[Any]:
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        yield stream


@contextmanager
def broken() -> Iterator[Any]:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield stream


@contextmanager
def closed() -> Iterator[Any]:
    yield None


@pytest.mark.parametrize(("make", "code"), [(full, 74), (broken, 141), (closed, 74)])
@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_does_not_arrive_is_no_traceback(
    command: str, make: Any, code: int, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sys, "argv", ["tagpipe", *shlex.split(command)])
    with make() as stream, patch.object(sys, "stdout", stream), pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == code, said
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if "error:" in line] == (
        [] if code == 141 else [f"error: standard output: cannot be written: {reason(make)}"]
    )


def reason(make: object) -> str:
    return os.strerror(errno.ENOSPC if make is full else errno.EBADF).lower()


@pytest.mark.parametrize("make", [full, broken, closed])
@pytest.mark.parametrize(("command", "code"), [("explain nobody", 3), ("summary --nothing", 2), ("verify", 0)])
def test_standard_error_that_takes_nothing_changes_nothing(
    command: str, code: int, make: Any, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sys, "argv", ["tagpipe", *shlex.split(command)])
    with make() as stream, patch.object(sys, "stderr", stream), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert "error" not in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EMFILE])
def test_a_disk_that_fails_where_no_code_expects_it_is_one_error(
    number: int, repository: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.chdir(repository)
    monkeypatch.setattr(Path, "is_file", fail)
    ended = tagpipe("summary")
    assert ended.exit_code == 74
    assert ended.stderr.count("\n") == 1
    assert os.strerror(number).lower() in ended.stderr


@pytest.mark.parametrize("name", ["rename", "replace", "unlink", "fsync", "fchmod"])
def test_a_system_call_that_fails_in_an_edit_is_one_error(
    name: str, repository: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.chdir(repository)
    with monkeypatch.context() as patched:
        patched.setattr(os, name, fail)
        ended = tagpipe("vocab", "alias", f"a-{name}", "ocr")
    assert ended.exit_code in (0, 2, 74)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("redirect", "code"),
    [(">/dev/full", 74), (">&-", 74), ("| true; exit ${PIPESTATUS[0]}", 141), ("2>&-", 0), (">&- 2>&-", 74)],
)
@pytest.mark.slow
def test_a_program_ends_as_its_output_does(redirect: str, code: int, repository: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m tagpipe summary {redirect}"
    ended = subprocess.run(["bash", "-c", command], cwd=repository, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.count("\n") == (1 if code == 74 and "2>&-" not in redirect else 0)
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


def test_a_descriptor_that_was_closed_is_not_given_to_a_file() -> None:
    code = (
        "import os, sys; os.close(1); from tagpipe.cli.streams import guarded_streams as guard; "
        "guard().__enter__(); print(os.open('/', 0), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert int(ended.stderr) > 2

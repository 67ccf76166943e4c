"""A lock that cannot be opened is one error that names it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tagpipe.errors import ConfigError
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.repository.lock import hold_run_lock, hold_stage_lock
from tagpipe.io.repository.run_stage import run_stage


def test_scratch_that_is_a_file_is_named(tmp_path: Path) -> None:
    scratch = tmp_path / ".tagpipe"
    scratch.write_text("")
    with pytest.raises(ConfigError, match="cannot be opened as a lock") as caught, hold_run_lock(scratch, command="c"):
        pass
    assert caught.value.file == str(scratch / "run.lock")
    assert str(scratch) in (caught.value.fix or "")


def test_read_only_file_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError, match="read-only file system"), hold_stage_lock(tmp_path, stage="fetch"):
        pass


def test_error_of_the_body_is_not_the_locks(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the body's own"), hold_run_lock(tmp_path, command="c"):
        raise OSError("the body's own")


def test_stage_says_it_where_it_cannot_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of last-error.json is what is wrong."""
    (tmp_path / "dvc.yaml").write_bytes(packaged_file("dvc.yaml").read_bytes())
    (tmp_path / ".tagpipe").write_text("")
    monkeypatch.chdir(tmp_path)
    assert run_stage("fetch", lambda _layout, _params: "never") == 2
    assert "stage.lock: cannot be opened as a lock" in capsys.readouterr().err

"""Git as a child process: what it prints is kept to the byte, and what is missing is None."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagpipe.errors import visible
from tagpipe.io.git.commits import read_blob, read_blobs
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git

CAFE = os.fsdecode(b"caf\xe9")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit of three files; the name of one is no UTF-8."""
    call_git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_bytes(b"one\n")
    (tmp_path / "b").write_bytes(b"\xff\n\ntwo")
    (tmp_path / CAFE).write_bytes(b"three")
    call_git(tmp_path, "add", ".")
    call_git(tmp_path, "commit", "--quiet", "--file=-", stdin="a subject\n", identity=True)
    return tmp_path


def test_output_that_is_no_utf8_ends_no_command(clone: Path) -> None:
    listed = ask_git(clone, "ls-files", "--", CAFE, is_path=True)
    assert listed == CAFE
    assert visible(listed) == "caf\\udce9"
    assert ask_git(clone, "ls-files", "--", CAFE) == "caf\ufffd"


def test_files_of_a_commit_are_read_to_the_byte(clone: Path) -> None:
    names = [("HEAD", "b"), ("HEAD", "none"), ("HEAD", "a"), ("none", "a"), ("HEAD", CAFE)]
    contents = [b"\xff\n\ntwo", None, b"one\n", None, b"three"]
    assert read_blobs(clone, names) == dict(zip(names, contents, strict=True))


def test_without_a_repository_there_is_no_file(tmp_path: Path) -> None:
    assert read_blob(tmp_path, "HEAD", "a") is None
    assert ask_git(tmp_path, "log") is None
    with pytest.raises(GitFailed, match="not a git repository"):
        call_git(tmp_path, "log")

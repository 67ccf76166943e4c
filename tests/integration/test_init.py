"""`tagpipe init`: a project that is its own git repository, wherever it lies, or nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.in_process import build, run_tagpipe
from support.paths import REPO
from support.processes import commit, run
from support.small_repository import PROJECTS, init_small


@pytest.fixture
def outer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with DVC in it and one commit; the working directory."""
    root = tmp_path / "outer"
    root.mkdir()
    run(root, "git", "init", "-q")
    run(root, "dvc", "init", "-q")
    run(root, "git", "commit", "-qm", "outer")
    monkeypatch.chdir(root)
    return root


def test_inside_a_repository_it_is_one_of_its_own(outer: Path, tagpipe: Any) -> None:
    assert tagpipe("init", "own").exit_code == 0
    own = outer / "own"
    assert run(own, "git", "rev-parse", "--show-toplevel").strip() == str(own)
    assert run(own, "dvc", "root").strip() == "."
    build(own)
    run(own, "git", "add", "-A")
    run(own, "git", "commit", "-qm", "First version")
    assert run(own, "git", "log", "--format=%s").split("\n")[0] == "First version"
    assert run(own, "git", "status", "--porcelain") == ""
    assert "up to date" in run(own, "dvc", "status")
    assert run_tagpipe(own, "verify").exit_code == 0
    assert run(outer, "git", "log", "--format=%s").splitlines() == ["outer"]
    assert not (outer / ".dvc/cache").exists()


def test_a_repository_that_is_there_is_kept(tmp_path: Path, tagpipe: Any) -> None:
    own = tmp_path / "own"
    own.mkdir()
    run(own, "git", "init", "-q")
    run(own, "git", "commit", "-qm", "mine", "--allow-empty")
    assert tagpipe("init", own).exit_code == 0
    assert run(own, "git", "log", "--format=%s").splitlines() == ["mine"]
    assert (own / ".dvc/config").is_file()
    ours, theirs = ((root / ".gitattributes").read_text(encoding="utf-8").splitlines() for root in (own, REPO))
    assert [line for line in theirs if not line.startswith("tagpipe/")] == ours


def test_without_git_nothing_is_written(tmp_path: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "nowhere"))
        ended = tagpipe("init", tmp_path / "own")
    assert ended.exit_code == 2
    assert "git is not installed" in ended.stderr
    assert not (tmp_path / "own").exists()
    assert tagpipe("init", tmp_path / "own").exit_code == 0


def test_a_hostile_folder_name_reaches_the_terminal_as_text(
    tmp_path: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = tagpipe("init", "a\x1b[31mb")
    assert ended.exit_code == 0
    assert ended.stderr == "Next: cd a\\x1b[31mb && tagpipe run\n"


def test_after_a_first_run_that_fails_the_next_step_is_right(tmp_path: Path) -> None:
    """The README's next step is `git add -A`, which must not take the data."""
    own = tmp_path / "own"
    init_small(own, projects=PROJECTS.replace("2023-02-01", "no date").replace("2023-02-02", "none"))
    failed = run_tagpipe(own, "run")
    assert failed.exit_code == 4, failed.stderr
    commit(own, "As far as it goes")
    tracked = run(own, "git", "ls-files", "data").splitlines()
    assert {path for path in tracked if not path.startswith(("data/source/", "data/curation/"))} == {
        f"data/{folder}.gitignore" for folder in ("", "annotated/", "labeled/", "validated/")
    }
    (own / "data/source/projects.csv").write_text(PROJECTS, encoding="utf-8")
    build(own)
    commit(own, "First version")
    assert run(own, "git", "status", "--porcelain") == ""
    assert run_tagpipe(own, "doctor").exit_code == 0


def test_a_run_adds_the_lines_that_an_ignore_file_lacks(tmp_path: Path) -> None:
    own = tmp_path / "own"
    init_small(own)
    before = (own / "data/labeled/.gitignore").read_bytes()
    (own / "data/labeled/.gitignore").write_bytes(b"mine")
    (own / "data/.gitignore").unlink()
    build(own)
    assert (own / "data/labeled/.gitignore").read_bytes() == b"mine\n" + before
    assert (own / "data/.gitignore").read_bytes() == b"/raw\n"


def test_data_that_git_has_is_named_with_what_mends_it(tmp_path: Path) -> None:
    own = tmp_path / "own"
    init_small(own)
    build(own)
    run(own, "git", "add", "--force", "data/raw")
    commit(own, "With the data")
    (own / "data/source/projects.csv").write_text(PROJECTS.replace("Moss", "Mosses"), encoding="utf-8")
    ended = run_tagpipe(own, "run")
    assert ended.exit_code == 2
    assert "git rm -r --cached data/raw" in ended.stderr
    assert "`tagpipe doctor`" in ended.stderr

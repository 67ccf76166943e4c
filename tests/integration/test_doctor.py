"""`tagpipe doctor` on real locks, garbled files and half-made clones; it mends nothing and changes nothing."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.in_process import build, dvc
from support.processes import OPENS_REVISIONS, commit, git

from tagpipe.checks.check_results import CheckResult, exit_code_of, judge_disk, judge_libraries
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.init_repository import init_repository

pytestmark = OPENS_REVISIONS

HOLD = """
import sys, time
from pathlib import Path
from tagpipe.io.repository.lock import hold_run_lock
with hold_run_lock(Path(".tagpipe"), command="tagpipe run"):
    child = None
    if len(sys.argv) > 1:
        import os, subprocess
        own = Path("/proc/self/fd")
        fd = next(int(each.name) for each in own.iterdir() if os.path.realpath(each).endswith("run.lock"))
        child = subprocess.Popen(["sleep", "3600"], pass_fds=(fd,))
    print(child.pid if child else 0, flush=True)
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("doctor") / "project"
    init_repository(root)
    dvc(root, "remote", "add", "-q", "-d", "storage", "../storage")
    build(root)
    dvc(root, "push", "-q")
    commit(root, "v1")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(template.parent, tmp_path / "copy", symlinks=True)
    root = tmp_path / "copy/project"
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def look(tagpipe: Any, snapshot: Callable[[Path], dict[str, bytes]]) -> Callable[[Path], tuple[int, dict[str, Any]]]:
    """(exit code, the worst finding of each check that is not ok); nothing of the project is changed."""

    def run(root: Path) -> tuple[int, dict[str, Any]]:
        before = snapshot(root)
        ended = tagpipe("doctor", "--json")
        assert ended.stderr == ""
        after = snapshot(root)
        assert {name for name in {*before, *after} if before.get(name) != after.get(name)} - {".dvc/tmp/btime"} == set()
        found = [each for each in json.loads(ended.stdout) if each["level"] != "ok"]
        assert [each for each in found if not each["fix"]] == []
        return ended.exit_code, {each["check"]: each for each in found}

    return run


def test_a_healthy_project_has_no_finding(project: Path, look: Any) -> None:
    assert look(project) == (0, {})


# Locks


@pytest.fixture
def hold(project: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """A process that holds the run lock, with or without a child that holds it, too."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, *arguments], cwd=project, stdout=subprocess.PIPE, text=True, process_group=0
        )
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_living_run_is_named(project: Path, look: Any, hold: Any) -> None:
    process, _ = hold()
    code, found = look(project)
    assert code == 0
    assert found["run lock"]["what"].startswith(f"held by process {process.pid} (tagpipe run), begun 20")
    process.kill()
    process.wait()
    assert look(project) == (0, {})  # the kernel frees it with its holder


def test_what_a_killed_run_left_behind_is_told(project: Path, look: Any, hold: Any) -> None:
    process, child = hold("with a child")
    process.kill()
    process.wait()
    try:
        code, found = look(project)
    finally:
        os.kill(child, signal.SIGKILL)
    assert code == 0
    assert f"process {process.pid} (tagpipe run)" in found["run lock"]["what"]
    assert "is dead, and what it started still holds it" in found["run lock"]["what"]


def test_a_run_that_was_cut_off_is_told_and_the_next_one_mends_it(project: Path, look: Any) -> None:
    shutil.copyfile(project / "dvc.lock", project / ".tagpipe/begun.lock")
    assert look(project)[1]["last run"]["fix"] == "Run `tagpipe run`"
    build(project)
    assert look(project) == (0, {})


@pytest.mark.parametrize("data", ["", "{", "[]", '{"write": {"x"'])
def test_a_garbled_rwlock_is_integrity_and_the_next_run_mends_it(data: str, project: Path, look: Any) -> None:
    (project / ".dvc/tmp/rwlock").write_text(data)
    code, found = look(project)
    assert (code, found["DVC's rwlock"]["kind"]) == (7, "integrity")
    if data == "{":
        build(project)
        assert look(project) == (0, {})


def test_an_rwlock_tells_dead_and_living_holders_apart(project: Path, look: Any) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    living = subprocess.Popen(["sleep", "3600"])
    path = project / ".dvc/tmp/rwlock"
    try:
        path.write_text(json.dumps({"write": {"a": {"pid": ended.pid, "cmd": "dvc repro"}}, "read": {}}))
        assert look(project)[1]["DVC's rwlock"]["what"] == f"names dead holders only: {ended.pid}"
        path.write_text(json.dumps({"write": {}, "read": {"a": [{"pid": living.pid, "cmd": "dvc repro"}]}}))
        assert look(project)[1]["DVC's rwlock"]["what"] == f"held by process {living.pid}"
    finally:
        living.kill()
        living.wait()


def test_dvcs_own_lock_is_told(project: Path, look: Any) -> None:
    with (project / ".dvc/tmp/lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = look(project)[1]
    assert list(held) == ["DVC's lock"]


# The version


def test_a_stale_version_is_told(project: Path, look: Any) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("min_projects: 12", "min_projects: 13"), "utf-8")
    code, found = look(project)
    assert (code, list(found)) == (0, ["version"])
    assert "threshold" in found["version"]["what"]


def test_a_merge_conflict_is_an_error_and_the_other_checks_go_on(project: Path, look: Any) -> None:
    lock = project / "dvc.lock"
    lock.write_bytes(b"<<<<<<< ours\n" + lock.read_bytes())
    (project / ".dvc/tmp/rwlock").write_text("{")
    code, found = look(project)
    assert code == 7  # integrity before configuration
    assert "merge conflict" in found["version"]["what"]
    (project / ".dvc/tmp/rwlock").unlink()
    assert look(project)[0] == 2


# Settings, remote, git


def test_settings_of_dvc_are_told(project: Path, look: Any) -> None:
    dvc(project, "config", "core.analytics", "true")
    dvc(project, "config", "--unset", "core.check_update")
    found = look(project)[1]
    assert found["DVC settings"]["what"].startswith("core.check_update is on")


def test_remote_missing_and_not_reached(project: Path, look: Any) -> None:
    (project.parent / "storage").rename(project.parent / "moved")
    code, found = look(project)
    assert (code, found["remote"]["level"]) == (2, "error")
    dvc(project, "remote", "modify", "storage", "url", "http://me:secret@127.0.0.1:9/storage")
    code, found = look(project)
    assert code == 2
    assert "cannot be reached" in found["remote"]["what"]
    assert "secret" not in found["remote"]["what"]
    dvc(project, "remote", "remove", "-q", "storage")
    code, found = look(project)
    assert (code, {name: each["level"] for name, each in found.items()}) == (0, {"remote": "warning"})


def test_a_shallow_clone_without_an_identity_or_data_is_told(
    project: Path, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "rm", "-q", "--cached", "data/labeled/.gitignore")
    git(project, "commit", "-qm", "second")
    clone = project.parent / "clone"
    git(project.parent, "clone", "-q", "--depth", "1", f"file://{project}", str(clone))
    monkeypatch.chdir(clone)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    ended = subprocess.run(
        [sys.executable, "-m", "tagpipe", "doctor"], cwd=clone, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    for what in ("the clone is shallow", "has no identity to commit with", "not committed: data/labeled/.gitignore"):
        assert what in ended.stdout
    assert "version: dvc.lock is out of date" in ended.stdout  # there is no data yet


def test_without_git_it_is_an_error(project: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project / "nothing"))
    ended = tagpipe("doctor")
    assert ended.exit_code == 2
    assert "git is not installed" in ended.stdout


def test_a_left_over_work_tree_is_told(project: Path, look: Any) -> None:
    tree = project.parent / "tree"
    git(project, "worktree", "add", "-q", "--detach", str(tree))
    assert look(project) == (0, {})
    shutil.rmtree(tree)
    assert str(tree) in look(project)[1]["work trees"]["what"]


def test_pinned_bytes_that_are_not_in_the_store(project: Path, look: Any) -> None:
    pin = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # of `foo`
    url = {"url": "https://example.org/projects.json", "sha256": pin}
    set_values(project / "params.yaml", {("source", "projects"): url})
    code, found = look(project)
    assert code == 0, found
    assert (code, found["pinned store"]["level"]) == (0, "warning")
    stored = project / ".tagpipe/pinned" / pin
    stored.parent.mkdir(exist_ok=True)
    stored.write_bytes(b"bar")
    code, found = look(project)
    assert (code, found["pinned store"]["kind"]) == (7, "integrity")
    stored.write_bytes(b"foo")
    assert "pinned store" not in look(project)[1]


def test_a_folder_that_is_no_project_is_one_error(
    tmp_path: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = tagpipe("doctor")
    assert (ended.exit_code, ended.stdout) == (2, "")


# Pure

GOOD = {"dvc": "3.67.1", "prefect": "3.8.8", "fastapi": "0.150.0", "sqlalchemy": "2.0.58"}


@pytest.mark.parametrize(
    ("changes", "levels"),
    [
        ({}, ["ok"]),
        ({"fastapi": "0.151.0"}, ["error"]),
        ({"sqlalchemy": "2.1.0b1"}, ["error"]),
        ({"prefect": "3.9.1"}, ["warning"]),
        ({"dvc": "3.68.0"}, ["warning"]),
        ({"dvc": "3.66.1", "fastapi": "1.0"}, ["error", "warning"]),
    ],
)
def test_libraries_that_are_known_to_fail(changes: dict[str, str], levels: list[str]) -> None:
    assert [finding.level for finding in judge_libraries({**GOOD, **changes})] == levels


def test_without_prefect_its_libraries_do_not_matter() -> None:
    assert [each.level for each in judge_libraries({"dvc": "3.67.1", "fastapi": "0.200", "sqlalchemy": "2.2"})] == [
        "ok"
    ]


@pytest.mark.parametrize(("free", "level"), [(10 << 30, "ok"), (500 << 20, "warning"), (50 << 20, "error")])
def test_a_disk_that_fills(free: int, level: str) -> None:
    assert judge_disk("here", free_bytes=free).level == level


def test_exit_code_is_that_of_the_worse_kind() -> None:
    wrong = CheckResult("a", "error", "x", "y")
    damaged = CheckResult("b", "error", "x", "y", "integrity")
    assert [exit_code_of(each) for each in ([], [CheckResult("c", "warning", "x")], [wrong], [wrong, damaged])] == [
        0,
        0,
        2,
        7,
    ]

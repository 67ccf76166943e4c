"""Bad input through `tagpipe run`, in a real DVC project: the stage's own exit code, and the last good version back.

DVC deletes a stage's outputs before it runs it, and the stages ahead of the failing one have written theirs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.commands import Ended
from support.in_process import dvc, run_tagpipe
from support.processes import commit

PROJECTS: list[dict[str, Any]] = [
    {"id": 1, "title": "One", "description": "d", "tags": ["nlp", "bert"], "created_on": "2024-01-01"},
    {"id": 2, "title": "Two", "description": "d", "tags": ["cv"], "created_on": "2024-01-02"},
    {"id": 3, "title": "Three", "description": "", "tags": ["Computer Vision", "nlp"], "created_on": "2024-01-03"},
    {"id": 4, "title": "Four", "description": "d", "tags": ["unheard-of"], "created_on": "2024-01-04"},
]
VOCABULARY = {"nlp": {}, "cv": {"aliases": ["computer-vision"]}, "bert": {"parents": ["nlp"]}}

PROJECTS_FILE = "data/source/projects.json"
VOCABULARY_FILE = "data/source/vocabulary.json"
PARAMS_FILE = "params.yaml"
PRIVATE_URL = b"vocabulary: {url: 'http://192.0.2.1/v.json', sha256: " + b"a" * 64 + b"}"


class Case(NamedTuple):
    """What breaks (`file`: from its bytes to others, or None: deleted), and how the run must end."""

    name: str
    file: str
    damage: Callable[[bytes], bytes | None]
    exit_code: int
    fragments: tuple[str, ...]


def swap(old: str, new: str) -> Callable[[bytes], bytes]:
    """Replaces `old`, which must be there once."""

    def damage(data: bytes) -> bytes:
        assert data.count(old.encode()) == 1, old
        return data.replace(old.encode(), new.encode())

    return damage


CUT_OFF = Case(
    "projects cut off",
    PROJECTS_FILE,
    lambda data: data[:-30],
    3,
    ("projects.json", "not JSON", "at byte 3", "nothing was built from it"),
)
CASES = [
    Case(
        "projects with Latin-1",
        PROJECTS_FILE,
        lambda data: data.replace(b"Four", b"Fo\xfcr"),
        3,
        ("projects.json", "not UTF-8 at byte", "Save the file as UTF-8"),
    ),
    Case(
        "too many rows rejected",
        PROJECTS_FILE,
        swap('"Four"', "null"),
        4,
        ("projects.json, row 4, field title: 1 of 4 rows were rejected", "missing", "validate.max_rejected"),
    ),
    Case(
        "projects gone",
        PROJECTS_FILE,
        lambda data: None,
        3,
        ("source/projects.json, field source.projects.path: is not there", "Put it there"),
    ),
    Case(
        "a cycle in the vocabulary",
        VOCABULARY_FILE,
        swap('"nlp": {}', '"nlp": {"parents": ["bert"]}'),
        3,
        ("vocabulary.json, field parents", '"bert" -> "nlp" -> "bert"', "Remove one of these parents"),
    ),
    Case(
        "an unknown key in params.yaml",
        PARAMS_FILE,
        swap("  normalize: true", "  normalise: true"),
        2,
        ("params.yaml", "annotate.normalise: Extra inputs", "annotate.normalize: Field required", "docs/parameters.md"),
    ),
    Case(
        "min_projects a text",
        PARAMS_FILE,
        swap("min_projects: 1", "min_projects: one"),
        2,
        ("params.yaml", "threshold.min_projects", 'found "one"', "docs/parameters.md"),
    ),
    Case(
        "a section of params.yaml gone",
        PARAMS_FILE,
        lambda data: data[: data.index(b"threshold:")],
        2,
        ("params.yaml", "threshold"),
    ),
    Case(
        "params.yaml no YAML",
        PARAMS_FILE,
        swap("  normalize: true", "  normalize: [true"),
        2,
        ("params.yaml", "not YAML", "line "),
    ),
    Case(
        "params.yaml with a key twice",
        PARAMS_FILE,
        swap("  normalize: true", "  normalize: true\n  normalize: false"),
        2,
        ("params.yaml", "not YAML", "normalize"),
    ),
    Case("params.yaml gone", PARAMS_FILE, lambda data: None, 2, ("params.yaml", "is not there")),
    Case(
        "an upstream inside the network",
        PARAMS_FILE,
        lambda data: re.sub(rb"vocabulary:\s*\{?path: vocabulary.json\}?", PRIVATE_URL, data),
        5,
        ("source.vocabulary: leads to 192.0.2.1", "source.download.allow_private"),
    ),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made by `tagpipe init` and run once, nothing committed; to be copied, never written to."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "projects.json").write_text(json.dumps(PROJECTS), encoding="utf-8")
    (folder / "vocabulary.json").write_text(json.dumps(VOCABULARY), encoding="utf-8")
    project = folder / "project"
    own = ["--projects", str(folder / "projects.json"), "--vocabulary", str(folder / "vocabulary.json")]
    run_tagpipe(folder, "init", str(project), *own)
    params = (project / PARAMS_FILE).read_text(encoding="utf-8")
    assert "min_projects: 12" in params
    (project / PARAMS_FILE).write_text(params.replace("min_projects: 12", "min_projects: 1"), encoding="utf-8")
    ended = run_tagpipe(project, "run")
    assert ended.exit_code == 0, ended.stderr
    return project


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "project", symlinks=True))


Snapshot = Callable[[Path], dict[str, bytes]]


def read_version(project: Path, snapshot: Snapshot) -> dict[str, bytes]:
    """The version in the workspace: every output and report, and dvc.lock."""
    data = {path: content for path, content in snapshot(project / "data").items() if not path.startswith("source/")}
    return {**data, "dvc.lock": (project / "dvc.lock").read_bytes()}


def content_sha256(version: dict[str, bytes]) -> str:
    return str(json.loads(version["reports/threshold.json"])["content_sha256"])


Run = Callable[..., Any]
"""`tagpipe ARGUMENT...` in a folder: an exit code, and what was said."""


def break_and_repair(case: Case, project: Path, snapshot: Snapshot, run: Run = run_tagpipe) -> None:
    before = read_version(project, snapshot)
    assert {"raw/projects.json", "labeled/manifest.json", "reports/threshold.json", "reports/tag_counts.csv"} < set(
        before
    )
    path = project / case.file
    good = path.read_bytes()
    damaged = case.damage(good)
    if damaged is None:
        path.unlink()
    else:
        path.write_bytes(damaged)
    assert_fails(case, project, run)
    assert read_version(project, snapshot) == before
    path.write_bytes(good)
    ended = run(project, "run")
    assert ended.exit_code == 0, ended.stderr
    after = read_version(project, snapshot)
    assert content_sha256(after) == content_sha256(before)
    assert after == before


def assert_fails(case: Case, project: Path, run: Run = run_tagpipe) -> None:
    ended = run(project, "run")
    assert ended.exit_code == case.exit_code, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "warning" not in ended.stderr
    last = [line for line in ended.stderr.splitlines() if line.startswith("error: ")][-1]
    for fragment in case.fragments:
        assert fragment in ended.stderr[ended.stderr.rindex(last) :], ended.stderr


def test_last_good_version_is_put_back(project: Path, snapshot: Snapshot) -> None:
    break_and_repair(CUT_OFF, project, snapshot)


def start_tagpipe(folder: Path, *arguments: str) -> Ended:
    command = [sys.executable, "-m", "tagpipe", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_last_good_version_is_put_back_between_processes(project: Path, snapshot: Snapshot) -> None:
    """The run, its DVC and the stages are processes of their own here, as everywhere but in these tests."""
    break_and_repair(CUT_OFF, project, snapshot, start_tagpipe)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_last_good_version_is_put_back_after_each_kind(case: Case, project: Path, snapshot: Snapshot) -> None:
    break_and_repair(case, project, snapshot)


def test_version_of_a_plain_dvc_repro_is_the_last_good_one(project: Path, snapshot: Snapshot) -> None:
    """What a killed run remembered is out of date once somebody has built without `tagpipe run`."""
    remember_as_killed(project)
    change_and_repro(project)
    after = read_version(project, snapshot)
    damage_source(project)
    assert_fails(CUT_OFF, project)
    assert read_version(project, snapshot) == after


def test_half_built_version_is_not_the_last_good_one(project: Path, snapshot: Snapshot) -> None:
    """After a kill between two stages, dvc.lock describes no version."""
    before = read_version(project, snapshot)
    remember_as_killed(project)
    source = project / PROJECTS_FILE
    source.write_bytes(swap('"One"', '"Eno"')(source.read_bytes()) or b"")
    dvc(project, "repro", "-q", "validate")
    assert (project / "dvc.lock").read_bytes() != before["dvc.lock"]
    damage_source(project)
    assert_fails(CUT_OFF, project)
    assert read_version(project, snapshot) == before


def remember_as_killed(project: Path) -> None:
    """What a run that was killed before its first stage ended leaves."""
    shutil.copy(project / "dvc.lock", project / ".tagpipe/begun.lock")


def change_and_repro(project: Path) -> None:
    params = project / PARAMS_FILE
    params.write_bytes(swap("min_projects: 1", "min_projects: 2")(params.read_bytes()) or b"")
    before = (project / "dvc.lock").read_bytes()
    dvc(project, "repro", "-q")
    assert (project / "dvc.lock").read_bytes() != before


def damage_source(project: Path) -> None:
    source = project / PROJECTS_FILE
    source.write_bytes(CUT_OFF.damage(source.read_bytes()) or b"")


def test_last_good_version_is_put_back_without_git(
    project: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project / "no-such-folder"))
    assert shutil.which("git") is None
    break_and_repair(CUT_OFF, project, snapshot)


def conflict(data: bytes) -> bytes:
    """As git leaves a merge of two versions, from line 5 on."""
    lines = data.splitlines(keepends=True)
    both = [b"<<<<<<< HEAD\n", *lines[4:7], b"=======\n", *lines[4:7], b">>>>>>> main\n"]
    return b"".join([*lines[:4], *both, *lines[7:]])


NO_LOCK = "dvc.lock: is not what DVC writes"
LOCKS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a merge conflict": (conflict, "dvc.lock: has an unresolved merge conflict (line 5)"),
    "no YAML": (lambda data: data[:30] + b"\n  - [" + data[30:], "dvc.lock: not YAML: "),
    "a list": (lambda _data: b"- a\n", NO_LOCK),
    "empty": (lambda _data: b"", NO_LOCK),
    "stages of another form": (lambda _data: b"schema: '2.0'\nstages: {fetch: 1}\n", NO_LOCK),
    "outputs of another form": (lambda _data: b"schema: '2.0'\nstages: {fetch: {cmd: x, outs: [1]}}\n", NO_LOCK),
}


@pytest.mark.parametrize("kind", LOCKS)
def test_damaged_dvc_lock_is_one_error(kind: str, project: Path, snapshot: Snapshot) -> None:
    damage, says = LOCKS[kind]
    lock_file = project / "dvc.lock"
    lock_file.write_bytes(damage(lock_file.read_bytes()))
    before = read_version(project, snapshot)
    ended = run_tagpipe(project, "run")
    assert ended.exit_code == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {says}")
    assert "`git checkout dvc.lock`" in line
    assert read_version(project, snapshot) == before


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_dvc_lock_that_a_kill_cut_off_is_healed(share: float, project: Path, snapshot: Snapshot) -> None:
    before = read_version(project, snapshot)
    remember_as_killed(project)
    lock_file = project / "dvc.lock"
    lock_file.write_bytes(before["dvc.lock"][: int(share * len(before["dvc.lock"]))])
    ended = run_tagpipe(project, "run")
    assert ended.exit_code == 0, ended.stderr
    assert read_version(project, snapshot) == before


def test_dvc_lock_that_a_kill_cut_off_in_the_first_run_is_healed(project: Path, snapshot: Snapshot) -> None:
    before = read_version(project, snapshot)
    (project / ".tagpipe/begun.lock").write_bytes(b"")
    (project / "dvc.lock").write_bytes(b"")
    ended = run_tagpipe(project, "run")
    assert ended.exit_code == 0, ended.stderr
    assert read_version(project, snapshot) == before


def test_merge_conflict_after_a_kill_is_for_a_person(project: Path) -> None:
    remember_as_killed(project)
    lock_file = project / "dvc.lock"
    lock_file.write_bytes(conflict(lock_file.read_bytes()))
    ended = run_tagpipe(project, "run")
    assert ended.exit_code == 2
    assert "unresolved merge conflict (line 5)" in ended.stderr


def test_scratch_folder_that_is_a_file_is_one_error(project: Path) -> None:
    shutil.rmtree(project / ".tagpipe")
    (project / ".tagpipe").write_text("")
    ended = run_tagpipe(project, "run")
    assert ended.exit_code == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert ".tagpipe/run.lock: cannot be opened as a lock" in line


@pytest.mark.slow
def test_last_good_version_outlives_two_failures_in_different_stages(project: Path, snapshot: Snapshot) -> None:
    """The second failing run begins from what the first has put back."""
    before = read_version(project, snapshot)
    for case in (CASES[1], next(case for case in CASES if case.name == "min_projects a text"), CUT_OFF):
        path = project / case.file
        good = path.read_bytes()
        damaged = case.damage(good)
        assert damaged is not None
        path.write_bytes(damaged)
        assert_fails(case, project)
        assert read_version(project, snapshot) == before
        path.write_bytes(good)


@pytest.mark.slow
def test_last_good_version_comes_back_from_the_commit(project: Path, snapshot: Snapshot) -> None:
    """A fresh clone of the scratch folder, so to say: reports come from git, data from DVC's cache."""
    commit(project, "a version")
    shutil.rmtree(project / ".tagpipe")
    break_and_repair(CUT_OFF, project, snapshot)


@pytest.mark.slow
def test_first_run_that_fails_leaves_no_version(built: Path, tmp_path: Path) -> None:
    """Nothing to put back: the exit code and message are the same, and a repaired input builds."""
    project = tmp_path / "project"
    (tmp_path / "projects.json").write_bytes(CUT_OFF.damage((built / PROJECTS_FILE).read_bytes()) or b"")
    own = ["--projects", str(tmp_path / "projects.json"), "--vocabulary", str(built / VOCABULARY_FILE)]
    assert run_tagpipe(tmp_path, "init", str(project), *own).exit_code == 0
    (project / PARAMS_FILE).write_bytes((built / PARAMS_FILE).read_bytes())
    assert_fails(CUT_OFF, project)
    assert not (project / "data/labeled/manifest.json").exists()
    (project / PROJECTS_FILE).write_bytes((built / PROJECTS_FILE).read_bytes())
    assert run_tagpipe(project, "run").exit_code == 0
    manifest = "data/labeled/manifest.json"
    assert (project / manifest).read_bytes() == (built / manifest).read_bytes()

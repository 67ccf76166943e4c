"""`tagpipe verify --deep`: every copy that a dvc.lock names is read and hashed, and what it says heals it, heals it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from support.in_process import build, dvc
from support.processes import OPENS_REVISIONS, commit, git
from support.processes import run as call

from tagpipe.checks.stored_objects import Copy, ObjectCheck, describe_fix, summarize_checks
from tagpipe.io.repository.files import read_json
from tagpipe.io.repository.yaml_file import read_yaml
from tagpipe.operations.init_repository import init_repository

TAGS = "data/labeled/tags.parquet"
MEMBER = "data/raw/projects.json"
FOLDER = "data/raw"
REPORT = "data/reports/threshold.json"
PLACES = ("cache", "remote")

pytestmark = OPENS_REVISIONS


@dataclass(frozen=True)
class Project:
    """A built, committed and pushed project, with its remote beside it."""

    root: Path

    @property
    def stores(self) -> dict[str, Path]:
        return {"cache": self.root / ".dvc/cache/files/md5", "remote": self.root.parent / "storage/files/md5"}

    def md5_of(self, path: str) -> str:
        """What dvc.lock, or the listing of data/raw, has for a path."""
        stages = read_yaml(self.root / "dvc.lock")["stages"].values()
        found = {out["path"]: out["md5"] for stage in stages for out in stage["outs"]}
        if path in found:
            return str(found[path])
        # The original's listing: the one under test may be damaged.
        listing = read_json(self.root.parent / "listing.json")
        return str({f"{FOLDER}/{each['relpath']}": each["md5"] for each in listing}[path])

    def object(self, place: str, path: str) -> Path:
        oid = self.md5_of(path)
        return self.stores[place] / oid[:2] / oid[2:]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deep")
    root = folder / "project"
    init_repository(root)
    dvc(root, "remote", "add", "-q", "-d", "storage", "../storage")
    build(root)
    dvc(root, "push", "-q")
    commit(root, "v1")
    shutil.copyfile(Project(root).object("cache", FOLDER), folder / "listing.json")
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(template, tmp_path / "copy", symlinks=True)
    root = tmp_path / "copy/project"
    monkeypatch.chdir(root)
    return Project(root)


def truncate(path: Path) -> None:
    rewrite(path, path.read_bytes()[:-7])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    rewrite(path, bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    """As a disk would: the mode stays, and DVC takes a read-only object for a good one."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


def remove(path: Path) -> None:
    path.unlink()


DAMAGES: dict[str, Callable[[Path], None]] = {"truncate": truncate, "flip": flip, "remove": remove}


def look(tagpipe: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    """(exit code, the document)."""
    ended = tagpipe("verify", "--deep", "--json", *arguments)
    return ended.exit_code, json.loads(ended.stdout)


def state_of(document: dict[str, Any], path: str) -> str:
    return str(next(each for each in document["objects"] if path in each["paths"])["state"])


def heal(project: Project, document: dict[str, Any]) -> None:
    """Do what every object's `fix` says, to the letter, each step once."""
    steps = [step for each in document["objects"] if each["fix"] for step in each["fix"].split(", then ")]
    for step in sorted(dict.fromkeys(steps), key=lambda step: not step.startswith("delete")):
        if step.startswith("delete "):
            for location in step.removeprefix("delete ").removesuffix(" in the remote").split(" and "):
                (project.root / location).unlink(missing_ok=True)
            continue
        if step.startswith("check that revision out and "):
            git(project.root, "checkout", "-q", document["revision"])
        command = re.search(r"`([^`]+)`", step)
        assert command, step
        tool, *arguments = shlex.split(command[1])
        if tool in ("dvc", "tagpipe"):
            call(project.root, sys.executable, "-m", tool, *arguments)
        else:
            call(project.root, tool, *arguments)


def test_a_whole_version_is_ok(project: Project, tagpipe: Any, snapshot: Any) -> None:
    before = snapshot(project.root)
    code, document = look(tagpipe)
    assert code == 0
    assert {each["state"] for each in document["objects"]} == {"ok"}
    paths = {path for each in document["objects"] for path in each["paths"]}
    assert {TAGS, MEMBER, FOLDER, REPORT, "data/raw/vocabulary.json"} <= paths
    places = {
        path: [copy["place"] for copy in each["copies"]] for each in document["objects"] for path in each["paths"]
    }
    assert places[TAGS] == places[MEMBER] == ["workspace", "cache", "remote"]
    assert places[REPORT] == ["workspace"]
    assert document["digests"]["content"]
    assert document["error"] is None
    after = snapshot(project.root)
    assert {name for name in after if after[name] != before.get(name) and "/tmp/" not in name} == set()


def cases(*fast: tuple[str, ...], of: Iterable[tuple[str, ...]]) -> list[Any]:
    """All of them; those that are not `fast` only in `make test-slow`, for each runs DVC several times."""
    return [pytest.param(*each, marks=() if each in fast else pytest.mark.slow, id="-".join(each)) for each in of]


@pytest.mark.parametrize(
    ("place", "damage", "path"),
    cases(
        ("cache", "truncate", TAGS),
        ("cache", "flip", MEMBER),
        ("remote", "flip", MEMBER),
        ("remote", "remove", MEMBER),
        ("remote", "truncate", FOLDER),
        of=product(PLACES, DAMAGES, (TAGS, MEMBER, FOLDER)),
    ),
)
def test_a_damaged_object_is_named_and_heals(
    place: str, damage: str, path: str, project: Project, tagpipe: Any
) -> None:
    DAMAGES[damage](project.object(place, path))
    code, document = look(tagpipe)
    state = f"{'missing' if damage == 'remove' else 'corrupt'} in {place}"
    assert {each["state"] for each in document["objects"] if path not in each["paths"]} == {"ok"}
    assert state_of(document, path) == state
    assert code == (0 if damage == "remove" else 7)
    assert document["error"] is None  # the workspace's own file is whole
    heal(project, document)
    code, document = look(tagpipe)
    assert code == 0
    assert {each["state"] for each in document["objects"]} == {"ok"}


@pytest.mark.parametrize(
    ("damage", "path"),
    cases(("remove", TAGS), ("flip", MEMBER), ("truncate", FOLDER), of=product(DAMAGES, (TAGS, MEMBER, FOLDER))),
)
@pytest.mark.slow
def test_what_is_good_nowhere_is_exit_7_and_is_built_anew(
    damage: str, path: str, project: Project, tagpipe: Any
) -> None:
    for place in PLACES:
        DAMAGES[damage](project.object(place, path))
    code, document = look(tagpipe)
    state = "missing" if damage == "remove" else "corrupt"
    assert state_of(document, path) == f"{state} in cache, {state} in remote"
    assert code == 7
    heal(project, document)
    assert look(tagpipe)[0] == 0


@pytest.mark.parametrize(
    ("damage", "path"),
    cases(("flip", TAGS), ("remove", MEMBER), ("truncate", REPORT), of=product(DAMAGES, (TAGS, MEMBER, REPORT))),
)
def test_a_damaged_file_of_the_workspace_is_named_and_heals(
    damage: str, path: str, project: Project, tagpipe: Any
) -> None:
    DAMAGES[damage](project.root / path)
    code, document = look(tagpipe)
    assert state_of(document, path) == f"{'missing' if damage == 'remove' else 'corrupt'} in workspace"
    assert code == (0 if (damage, path) == ("remove", MEMBER) else 7)  # the manifest is not of the raw data
    heal(project, document)
    assert look(tagpipe)[0] == 0


def test_a_damaged_copy_of_a_report_that_the_run_cache_would_restore_is_named_and_heals(
    project: Project, tagpipe: Any
) -> None:
    """DVC keeps it for its run cache, although dvc.lock says that git has the report."""
    flip(project.object("cache", REPORT))
    code, document = look(tagpipe)
    assert (code, state_of(document, REPORT)) == (7, "corrupt in cache")
    assert document["error"] is None
    heal(project, document)
    assert look(tagpipe)[0] == 0


def test_file_and_cache_that_are_one_damaged_file_heal(project: Project, tagpipe: Any) -> None:
    """With links for a cache type a bad block is in both."""
    dvc(project.root, "config", "cache.type", "hardlink")
    dvc(project.root, "checkout", "--relink")
    assert (project.root / TAGS).samefile(project.object("cache", TAGS))
    truncate(project.object("cache", TAGS))
    code, document = look(tagpipe)
    assert state_of(document, TAGS) == "corrupt in workspace, corrupt in cache"
    assert (code, document["error"]["kind"]) == (7, "IntegrityError")
    heal(project, document)
    assert look(tagpipe)[0] == 0


@pytest.mark.slow
def test_dvc_itself_misses_what_is_found_here(project: Project, tagpipe: Any) -> None:
    """Why the command is there: DVC checks a truncated object out, and pushes it, with exit 0."""
    truncate(project.object("cache", TAGS))
    remove(project.root / TAGS)
    remove(project.object("remote", TAGS))
    dvc(project.root, "checkout")
    dvc(project.root, "push")
    code, document = look(tagpipe)
    assert code == 7
    assert state_of(document, TAGS) == "corrupt in workspace, corrupt in cache, corrupt in remote"
    heal(project, document)
    assert look(tagpipe)[0] == 0


def test_text_says_what_where_and_how(project: Project, tagpipe: Any) -> None:
    truncate(project.object("cache", MEMBER))
    flip(project.object("remote", TAGS))
    ended = tagpipe("verify", "--deep")
    assert (ended.exit_code, ended.stderr) == (7, "")
    cache = project.object("cache", MEMBER).relative_to(project.root)
    lines = ended.stdout.splitlines()
    assert "remote: storage" in lines
    assert "objects: 16 named by dvc.lock: 14 ok; 1 corrupt in cache; 1 corrupt in remote" in lines
    at = lines.index(f"corrupt in cache: {MEMBER} (md5 {project.md5_of(MEMBER)})")
    assert lines[at + 1].startswith(f"  corrupt in cache: {cache}: its bytes have the md5 ")
    assert lines[at + 2] == f"  to heal it: delete {cache}, then `dvc pull --force`"
    remote = project.object("remote", TAGS)
    at = lines.index(f"corrupt in remote: {TAGS} (md5 {project.md5_of(TAGS)})")
    assert lines[at + 2] == f"  to heal it: delete {remote} in the remote, then `dvc push`"


# A revision


@pytest.fixture
def two_versions(project: Project) -> Project:
    """A second version, checked out; the first one is tagged."""
    git(project.root, "tag", "v1")
    params = project.root / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("min_projects: 12", "min_projects: 13"), "utf-8")
    build(project.root)
    dvc(project.root, "push", "-q")
    git(project.root, "commit", "-qam", "v2")
    return project


def test_a_revision_is_checked_and_not_the_workspace(two_versions: Project, tagpipe: Any) -> None:
    project = two_versions
    newer = project.object("cache", TAGS)
    git(project.root, "checkout", "-q", "v1", "--", "dvc.lock")
    older = project.object("cache", TAGS)
    git(project.root, "checkout", "-q", "HEAD", "--", "dvc.lock")
    assert older != newer
    truncate(older)
    assert look(tagpipe)[0] == 0
    code, document = look(tagpipe, "--rev", "v1")
    assert (code, state_of(document, TAGS)) == (7, "corrupt in cache")
    assert TAGS in document["error"]["file"]  # the values are read from the cache, as every other command would
    heal(project, document)
    git(project.root, "checkout", "-q", "-")
    code, document = look(tagpipe, "--rev", "v1")
    assert (code, {each["state"] for each in document["objects"]}) == (0, {"ok"})
    assert {copy["place"] for each in document["objects"] for copy in each["copies"]} == {"git", "cache", "remote"}


@pytest.mark.slow
def test_an_older_revision_heals_in_the_remote(two_versions: Project, tagpipe: Any) -> None:
    project = two_versions
    git(project.root, "checkout", "-q", "v1", "--", "dvc.lock")
    older = project.object("remote", TAGS)
    git(project.root, "checkout", "-q", "HEAD", "--", "dvc.lock")
    flip(older)
    code, document = look(tagpipe, "--rev", "v1")
    assert (code, state_of(document, TAGS)) == (7, "corrupt in remote")
    heal(project, document)
    assert look(tagpipe, "--rev", "v1")[0] == 0


def test_a_clone_without_data_is_no_damage(project: Project, tagpipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = project.root.parent / "clone"
    git(project.root.parent, "clone", "-q", str(project.root), str(clone))
    monkeypatch.chdir(clone)
    code, document = look(tagpipe, "--rev", "HEAD")
    assert code == 0
    assert {each["state"] for each in document["objects"]} == {"ok", "missing in cache"}
    assert document["digests"] == look(tagpipe, "--rev", "HEAD")[1]["digests"]
    heal(Project(clone), document)
    assert {each["state"] for each in look(tagpipe, "--rev", "HEAD")[1]["objects"]} == {"ok"}


def test_a_report_that_git_has_wrong_is_named(project: Project, tagpipe: Any) -> None:
    """A merge may take dvc.lock from one side and a report from the other."""
    report = project.root / "data/reports/validation.json"
    report.write_text(report.read_text(encoding="utf-8").replace("856", "857"), "utf-8")
    git(project.root, "commit", "-qam", "a merge that went wrong")
    code, document = look(tagpipe, "--rev", "HEAD")
    assert (code, state_of(document, "data/reports/validation.json")) == (7, "corrupt in git")


# What cannot be looked at


def test_a_remote_that_does_not_answer_is_unread_not_damaged(project: Project, tagpipe: Any) -> None:
    dvc(project.root, "remote", "modify", "storage", "url", "http://me:secret@127.0.0.1:9/storage")
    ended = tagpipe("verify", "--deep")
    assert ended.exit_code == 5
    assert "11 unreadable in remote" in ended.stdout
    assert "secret" not in ended.stdout + ended.stderr
    truncate(project.object("cache", TAGS))
    assert tagpipe("verify", "--deep").exit_code == 7


def test_without_a_remote_the_cache_alone_is_checked(project: Project, tagpipe: Any) -> None:
    dvc(project.root, "remote", "remove", "-q", "storage")
    code, document = look(tagpipe)
    assert (code, document["remote"]) == (0, None)
    remove(project.object("cache", TAGS))
    code, document = look(tagpipe)
    assert (code, state_of(document, TAGS)) == (7, "missing in cache")
    heal(project, document)
    assert look(tagpipe)[0] == 0


def test_what_is_no_version_is_one_error(project: Project, tagpipe: Any, tmp_path: Path) -> None:
    (project.root / "dvc.lock").rename(project.root / "kept.lock")
    assert tagpipe("verify", "--deep").exit_code == 3
    (project.root / "dvc.lock").write_bytes(b"<<<<<<< ours\n" + (project.root / "kept.lock").read_bytes())
    ended = tagpipe("verify", "--deep")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "unresolved merge conflict" in ended.stderr
    assert tagpipe("verify", "--deep", "--rev", "no-such-tag").exit_code == 3
    assert tagpipe("verify", "--deep", tmp_path).exit_code == 2


def test_plain_verify_takes_a_revision_too(two_versions: Project, tagpipe: Any) -> None:
    older, newer = tagpipe("verify", "--rev", "v1"), tagpipe("verify")
    assert older.exit_code == newer.exit_code == 0
    assert older.stdout != newer.stdout


# Pure


def test_fix_names_every_step_in_order() -> None:
    copies = (Copy("cache", "C", "corrupt", "x"), Copy("remote", "R", "corrupt", "x"))
    fix = describe_fix(ObjectCheck("m", ("data/raw/a",), copies, ("D",)), at_revision=False)
    assert fix == ("delete C, then `tagpipe run` to build it anew, then delete R and D in the remote, then `dvc push`")


def test_an_unread_copy_is_no_loss() -> None:
    check = ObjectCheck("m", ("a",), (Copy("cache", "C", "missing"), Copy("remote", "R", "unreadable", "timed out")))
    assert (check.is_lost, check.is_damaged, check.is_unread) == (False, False, True)
    assert summarize_checks([check]) == "1 named by dvc.lock: 1 missing in cache, unreadable in remote"

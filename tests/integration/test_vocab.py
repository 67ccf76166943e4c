"""`tagpipe vocab` in a real project: edits are shown, asked about, logged and taken back to the byte."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paths import REPO
from support.processes import Start

import tagpipe as package
from tagpipe.cli import vocab_review
from tagpipe.errors import Busy, ConfigError
from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.io.runs import edit_log
from tagpipe.io.runs import reproduce as repro
from tagpipe.io.sources.pinned_store import store_pinned
from tagpipe.operations import edit_vocabulary as curation
from tagpipe.operations import preview
from tagpipe.operations.init_repository import init_repository
from tagpipe.operations.open_curation import open_curation
from tagpipe.render.vocabulary import describe_line
from tagpipe.vocabulary import spelling
from tagpipe.vocabulary.problems import read_vocabulary

Tagpipe = Callable[..., Any]

VOCABULARY = "data/source/vocabulary.json"
IGNORE = "data/curation/ignore.json"
NOT_SAME = "data/curation/not-same.json"
LOG = "data/curation/vocabulary-log.jsonl"
MONITORED = "data/reports/monitor.json"

EDITS = {
    "add": ["add", "nvidia", "--parent", "mlops", "--alias", "nvidia gpu"],
    "alias": ["alias", "nvidia", "mlops"],
    "rename": ["rename", "automl", "automated-machine-learning"],
    "merge": ["merge", "automl", "mlops"],
    "split": ["split", "pytorch", "--off", "torch", "--into", "torch"],
    "parent": ["parent", "automl", "mlops"],
    "parent --remove": ["parent", "--remove", "3d-reconstruction", "3d-vision"],
    "parent --instead-of": ["parent", "--instead-of", "3d-vision", "3d-reconstruction", "mlops"],
    "deprecate": ["deprecate", "kubernetes"],
    "deprecate --replaced-by": ["deprecate", "automl", "--replaced-by", "mlops"],
    "import": ["import", "other.csv"],
    "ignore": ["ignore", "Hello  World"],
    "not-same": ["not-same", "supervised-learning", "unsupervised-learning"],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, made with `tagpipe init`, with the tables that `tagpipe run` would give."""
    folder = tmp_path_factory.mktemp("vocab")
    root = folder / "template"
    init_repository(root)
    source = root / "data/source"
    package.build(
        source / "projects.json", source / "vocabulary.json", params=root / "params.yaml", out=folder / "built"
    )
    for path in (folder / "built").iterdir():
        if path.is_dir():
            shutil.copytree(path, root / "data" / path.name, dirs_exist_ok=True)
    (root / "unseen.json").write_text(json.dumps({"a\u200bb": {}}))
    (root / "other.csv").write_text("tag,aliases,parents\npytorch,torch,nowhere\nmlops,,\n")
    (root / "signs.csv").write_text("tag,aliases,parents\nc,c++,\nmlops,,\n")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


def content_of(root: Path) -> dict[str, bytes]:
    """The files that people edit, without the log; and whatever else lies beside them."""
    paths = [path for folder in ("data/source", "data/curation") for path in (root / folder).glob("*")]
    return {path.name: path.read_bytes() for path in paths if path.name != Path(LOG).name}


def log_of(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / LOG).read_bytes().splitlines() if line]


def is_valid(root: Path) -> bool:
    return bool(read_vocabulary((root / VOCABULARY).read_bytes(), ".json", file="vocabulary").tags)


# Edits


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_logged_and_undone_to_the_byte(project: Path, tagpipe: Tagpipe, name: str) -> None:
    before = content_of(project)
    ended = tagpipe("vocab", *EDITS[name], "--why", "a test", "--yes")
    assert ended.exit_code == 0, ended.stderr
    after = content_of(project)
    (changed,) = [each for each in (VOCABULARY, IGNORE, NOT_SAME) if after[Path(each).name] != before[Path(each).name]]
    assert is_valid(project)
    (line,) = log_of(project)
    assert (line["action"], line["who"], line["why"]) == (EDITS[name][0], "Test <test@example.org>", "a test")
    assert [patch["file"] for patch in line["patches"]] == [changed]
    is_dataset = changed == VOCABULARY
    assert ("n_labels_added" in line["evidence"]) == is_dataset
    assert f"{changed} is changed; `tagpipe vocab undo` takes it back" in ended.stdout
    undone = tagpipe("vocab", "undo")
    assert undone.exit_code == 0, undone.stderr
    assert content_of(project) == before
    digest = hashlib.sha256((project / LOG).read_bytes().splitlines()[0]).hexdigest()
    assert [each["undoes"] for each in log_of(project)] == [None, digest]


def test_edits_are_undone_one_after_the_other_until_none_is_left(project: Path, tagpipe: Tagpipe) -> None:
    states = [content_of(project)]
    for name in ("parent", "not-same", "rename"):
        assert tagpipe("vocab", *EDITS[name], "--yes").exit_code == 0
        states.append(content_of(project))
    for before in reversed(states[:-1]):
        assert tagpipe("vocab", "undo").exit_code == 0
        assert content_of(project) == before
    ended = tagpipe("vocab", "undo")
    assert (ended.exit_code, content_of(project)) == (2, states[0])
    assert "there is no edit to take back" in ended.stderr
    assert tagpipe("vocab", *EDITS["ignore"], "--yes").exit_code == 0  # behind undone ones, too
    assert tagpipe("vocab", "undo").exit_code == 0
    assert content_of(project) == states[0]


def test_an_edit_shows_first_what_it_does_to_the_dataset(project: Path, tagpipe: Tagpipe) -> None:
    """kubernetes has 10 projects, no parent and no child, and the cut is at 12."""
    ended = tagpipe("vocab", *EDITS["deprecate"], "--yes")
    lines = ended.stdout.splitlines()
    assert lines[0] == "deprecate kubernetes"
    (line,) = log_of(project)
    numbers = line["evidence"]
    assert numbers["support"] == 10
    assert (numbers["n_labels_added"], numbers["n_tags_entered"], numbers["n_tags_left"]) == (0, 0, 0)
    assert "other support: kubernetes 10 -> 0" in ended.stdout
    entered = tagpipe("vocab", "merge", "automl", "auto-ml-tools", "--yes")
    assert entered.exit_code == 2


def test_the_preview_is_of_this_edit_alone(project: Path, tagpipe: Tagpipe) -> None:
    """Edits that are not built yet do not count again."""
    assert tagpipe("vocab", "deprecate", "notebooks", "--yes").exit_code == 0
    ended = tagpipe("vocab", "alias", "nobody-writes-this", "mlops", "--yes")
    assert "It changes no label and no tag's support." in ended.stdout
    assert [line["evidence"]["n_labels_removed"] > 0 for line in log_of(project)] == [True, False]


def test_numbers_of_the_preview_are_those_of_a_build(project: Path, tmp_path: Path, tagpipe: Tagpipe) -> None:
    assert tagpipe("vocab", "deprecate", "notebooks", "--yes").exit_code == 0
    source = project / "data/source"
    built = package.build(source / "projects.json", source / "vocabulary.json", params=project / "params.yaml")
    before = package.load(project)
    count = [sum(map(len, each.projects["tags"])) for each in (before, built)]
    numbers = log_of(project)[0]["evidence"]
    assert count[1] - count[0] == numbers["n_labels_added"] - numbers["n_labels_removed"]
    assert numbers["n_labels_removed"] == numbers["n_losing"] == numbers["support"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["ignore", "--", "--help"],
        ["ignore", "Hello  World"],
        ["not-same", "--", "it's $(x)", "-x"],
        ["add", "--parent=mlops", "--alias=--help", "--", "-x"],
        ["alias", "--", "--parent=x", "mlops"],
        ["rename", "--", "mlops", "-x"],
        ["split", "--off=torch", "--into=--help", "pytorch"],
        ["parent", "--instead-of=3d-vision", "3d-reconstruction", "mlops"],
        ["deprecate", "--replaced-by=mlops", "automl"],
        ["import", "--form=csv", "other.csv"],
    ],
    ids=" ".join,
)
def test_an_edit_is_shown_and_logged_as_a_command_to_copy(
    project: Path, tagpipe: Tagpipe, arguments: list[str]
) -> None:
    action, *rest = arguments
    ended = tagpipe("vocab", action, "--yes", *rest)
    assert ended.exit_code == 0, ended.stderr
    assert shlex.split(ended.stdout.splitlines()[0]) == arguments
    (line,) = log_of(project)
    assert line["arguments"] == rest
    assert shlex.join(arguments) in describe_line(edit_log.read_log(repository_layout(project))[0])
    assert tagpipe("vocab", "undo").stdout.startswith(f"taken back: {shlex.join(arguments)} (of 2")


def test_without_a_terminal_and_without_yes_nothing_is_written(project: Path, tagpipe: Tagpipe) -> None:
    before = content_of(project)
    ended = tagpipe("vocab", *EDITS["parent"])
    assert ended.exit_code == 2
    assert "standard input is not a terminal" in ended.stderr
    assert "parent automl mlops" in ended.stdout
    assert content_of(project) == before
    assert not (project / LOG).exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "pytorch"],
        ["add", "torch"],
        ["add", " "],
        ["add", "a\u202eb"],
        ["add", "new", "--parent", "nowhere"],
        ["alias", "torch", "mlops"],
        ["alias", "C", "c++"],
        ["rename", "pytorch", "mlops"],
        ["merge", "pytorch", "pytorch"],
        ["merge", "pytorch", "nowhere"],
        ["split", "pytorch", "--off", "nothing", "--into", "x"],
        ["parent", "pytorch", "pytorch"],
        ["parent", "3d-vision", "3d-reconstruction"],
        ["parent", "--remove", "--instead-of", "a", "pytorch", "mlops"],
        ["deprecate", "nowhere"],
        ["deprecate", "3d-vision"],
        ["deprecate", "pytorch", "--replaced-by", "torch"],
        ["not-same", "pytorch", "PyTorch"],
        ["not-same", "", "a"],
        ["not-same", "Torch", "pytorch"],
        ["ignore", "  "],
        ["ignore", "PyTorch"],
        ["import", "params.yaml"],
        ["import", "unseen.json"],
        ["import", "signs.csv"],
    ],
)
def test_what_would_break_integrity_is_refused(project: Path, tagpipe: Tagpipe, arguments: list[str]) -> None:
    before = content_of(project)
    ended = tagpipe("vocab", *arguments, "--yes")
    assert ended.exit_code == 2, ended.stdout
    assert ended.stderr.startswith("error: ")
    assert content_of(project) == before
    assert not (project / LOG).exists()


def test_what_was_decided_already_is_refused(project: Path, tagpipe: Tagpipe) -> None:
    for name in ("ignore", "not-same"):
        assert tagpipe("vocab", *EDITS[name], "--yes").exit_code == 0
    for arguments in (EDITS["ignore"], ["not-same", "Unsupervised Learning", "supervised-learning"]):
        ended = tagpipe("vocab", *arguments, "--yes")
        assert (ended.exit_code, "already" in ended.stderr) == (2, True)


def test_a_decision_that_nothing_would_go_by_is_refused_with_what_would(project: Path, tagpipe: Tagpipe) -> None:
    path = project / VOCABULARY
    tree = json.loads(path.read_bytes())
    tree["old-ops"] = {"deprecated": True, "replaced_by": "mlops"}
    path.write_text(json.dumps(tree))
    for arguments, words in (
        (["ignore", "pytorch"], ["is a tag of the vocabulary", "`tagpipe vocab deprecate pytorch`"]),
        (["ignore", "Torch"], ['is an alias of "pytorch"']),
        (["ignore", "arXiv:1706.03762"], ["is ignored already, by the pattern", '"arxiv:1706.03762"']),
        (["not-same", "PyTorch", "torch"], ["`tagpipe vocab split --off torch --into NEW pytorch`"]),
        (["not-same", "old-ops", "mlops"], ["`tagpipe vocab deprecate old-ops`, without a replacement"]),
    ):
        ended = tagpipe("vocab", *arguments, "--yes")
        assert (ended.exit_code, [word for word in words if word not in ended.stderr]) == (2, []), ended.stderr
    assert not (project / LOG).exists()
    assert tagpipe("vocab", "split", "--off", "torch", "--into", "torch7", "pytorch", "--yes").exit_code == 0
    assert tagpipe("vocab", "not-same", "torch", "pytorch", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("file", "text", "edits"),
    [
        (
            IGNORE,
            '{"schema": 1,\r\n\t"tags": ["x",\r\n\r\n\t\t"a"],\r\n\t"patterns": ["z", "b+"]}',
            [["ignore", "News"], ["ignore", "Blogs"]],
        ),
        (VOCABULARY, None, [EDITS["parent"], EDITS["alias"]]),
    ],
)
def test_the_first_edit_of_a_file_in_another_form_says_that_it_rewrites_it_and_is_undone_to_the_byte(
    project: Path, tagpipe: Tagpipe, file: str, text: str | None, edits: list[list[str]]
) -> None:
    path = project / file
    path.write_text(text or json.dumps(json.loads(path.read_bytes()), indent=4).replace("\n", "\r\n"), newline="")
    theirs = path.read_bytes()
    said = f"{file} is not in the form that tagpipe writes, so this edit rewrites it whole, once"
    first = tagpipe("vocab", *edits[0], "--yes")
    rewritten = path.read_bytes()
    assert (first.exit_code, said in first.stdout, b"\r" in rewritten) == (0, True, False)
    second = tagpipe("vocab", *edits[1], "--yes")
    assert (second.exit_code, said in second.stdout) == (0, False)
    changed = set(path.read_bytes().splitlines()) - set(rewritten.splitlines())
    assert 0 < len(changed) <= 2  # the element, and the comma behind the one before it
    assert tagpipe("vocab", "undo").exit_code == 0
    assert path.read_bytes() == rewritten
    assert tagpipe("vocab", "undo").exit_code == 0
    assert path.read_bytes() == theirs


@pytest.mark.parametrize("name", ["ignore", "not-same"])
def test_a_list_that_is_missing_is_written_anew(project: Path, tagpipe: Tagpipe, name: str) -> None:
    path = project / {"ignore": IGNORE, "not-same": NOT_SAME}[name]
    path.unlink()
    assert tagpipe("vocab", *EDITS[name], "--yes").exit_code == 0
    assert path.read_bytes().startswith(b'{\n  "schema": 1,\n')
    assert tagpipe("vocab", "undo").exit_code == 0
    assert not path.exists()


def test_a_run_writes_the_lists_that_are_missing_and_no_other(project: Path) -> None:
    from tagpipe.io.repository.curation_files import write_missing_lists
    from tagpipe.io.repository.layout import repository_layout

    before = content_of(project)
    assert write_missing_lists(repository_layout(project)) == []
    (project / NOT_SAME).unlink()
    assert write_missing_lists(repository_layout(project)) == [NOT_SAME]
    assert content_of(project) == {**before, "not-same.json": b'{\n  "schema": 1,\n  "pairs": []\n}\n'}


def test_text_that_is_no_unicode_is_refused(project: Path, tagpipe: Tagpipe) -> None:
    """Bytes of the command line that are no UTF-8 come as halves of surrogate pairs."""
    before = content_of(project)
    for arguments in (["ignore", "\udcff"], ["not-same", "a", "b", "--why", "\udcff"], ["add", "\udcff"]):
        assert tagpipe("vocab", *arguments, "--yes").exit_code == 2
    assert content_of(project) == before
    assert not (project / LOG).exists()


@pytest.mark.parametrize(
    "name", ["../../params.yaml", "params.yaml", "vocabulary.json", "data/source/projects.json", "/etc/passwd"]
)
def test_undo_writes_no_file_that_edits_do_not_write(project: Path, tagpipe: Tagpipe, name: str) -> None:
    assert tagpipe("vocab", *EDITS["not-same"], "--yes").exit_code == 0
    path = project / LOG
    path.write_bytes(path.read_bytes().replace(f'"{NOT_SAME}"'.encode(), f'"{name}"'.encode()))
    ended = tagpipe("vocab", "undo")
    assert (ended.exit_code, f'found "{name}"; expected data/curation/ignore.json, ' in ended.stderr) == (3, True)
    assert f"{NOT_SAME}, {VOCABULARY}. Restore the log" in ended.stderr


def test_a_project_made_before_there_was_a_monitor_is_still_shown(project: Path, tagpipe: Tagpipe) -> None:
    """And not edited, which is said before anything is shown or asked, with what makes it one that can be."""
    stages, params = (project / "dvc.yaml").read_text(), (project / "params.yaml").read_text()
    before, _, rest = params.replace("schema: 3", "schema: 2").partition("# Tags outside the vocabulary")
    (project / "params.yaml").write_text(before + rest[rest.index("# The most that") :])
    (project / "dvc.yaml").write_text(stages.partition("  monitor:\n")[0])
    shutil.rmtree(project / "data/curation")
    for arguments in (["check"], ["show", "pytorch"], ["tree", "mlops"]):
        assert tagpipe("vocab", *arguments).exit_code == 0
    for name in ("add", "ignore", "not-same"):
        ended = tagpipe("vocab", *EDITS[name])
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert "dvc.yaml: has no stage monitor" in ended.stderr
    for words in ("`tagpipe init DIR`", "stage monitor of dvc.yaml", "section monitor of params.yaml", "data/curation"):
        assert words in ended.stderr
    (project / "dvc.yaml").write_text(stages)  # what was copied is all that it lacked
    (project / "params.yaml").write_text(params)
    (project / "data/curation").mkdir()
    for name in ("add", "ignore"):
        assert tagpipe("vocab", *EDITS[name], "--yes").exit_code == 0


def test_a_vocabulary_from_a_url_cannot_be_edited(project: Path, tagpipe: Tagpipe) -> None:
    data = (project / VOCABULARY).read_bytes()
    store_pinned(repository_layout(project), data)
    pin = {"url": "https://example.org/vocabulary.json", "sha256": hashlib.sha256(data).hexdigest()}
    set_values(project / "params.yaml", {("source", "vocabulary"): pin})
    ended = tagpipe("vocab", *EDITS["parent"], "--yes")
    assert ended.exit_code == 2
    assert "comes from a url" in ended.stderr
    assert "tagpipe refresh" in ended.stderr
    for arguments in (["tree", "mlops"], ["show", "pytorch"], ["not-same", "a", "b", "--yes"]):
        assert tagpipe("vocab", *arguments).exit_code == 0


def test_undo_refuses_where_the_file_has_changed(project: Path, tagpipe: Tagpipe) -> None:
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    path = project / VOCABULARY
    path.write_bytes(path.read_bytes() + b"\n")
    before = content_of(project)
    ended = tagpipe("vocab", "undo")
    assert ended.exit_code == 2
    assert "vocabulary.json: the file has changed since that edit" in ended.stderr
    assert (content_of(project), len(log_of(project))) == (before, 1)


def test_an_edit_is_refused_where_the_file_has_changed_since_it_was_shown(project: Path) -> None:
    opened = open_curation(project)
    plan = curation.plan_not_same(opened, "a", "b", evidence={})
    path = project / NOT_SAME
    path.write_bytes(b'{"schema": 1, "pairs": []}')
    with pytest.raises(Busy, match="has been changed since the edit was shown"):
        curation.apply_plan(opened, plan, why=None)
    assert path.read_bytes() == b'{"schema": 1, "pairs": []}'


def test_while_a_run_is_at_work_nothing_is_written(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curation, "WAIT_S", 0.1)
    before = content_of(project)
    with hold_run_lock(project / ".tagpipe", command="tagpipe run"):
        assert tagpipe("vocab", *EDITS["not-same"], "--yes").exit_code == 6
        assert tagpipe("vocab", "undo").exit_code == 6
        assert tagpipe("vocab", "tree", "mlops").exit_code == 0
    assert content_of(project) == before


def test_an_edit_waits_a_little_for_another_command(project: Path, tagpipe: Tagpipe, start: Start) -> None:
    """The holder of the lock is a program that ends when the edit has begun to wait."""
    holder = start([sys.executable, "-c", HOLDS_FOR_A_SECOND], project, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert tagpipe("vocab", *EDITS["not-same"], "--yes").exit_code == 0
    assert len(log_of(project)) == 1


HOLDS_FOR_A_SECOND = """
import time
from pathlib import Path
from tagpipe.io.repository.lock import hold_run_lock
with hold_run_lock(Path(".tagpipe"), command="another edit"):
    print("held", flush=True)
    time.sleep(1)
"""


@pytest.mark.parametrize("n_edits", [pytest.param(8, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.soak)])
def test_edits_at_once_are_all_made_by_trying_again(project: Path, start: Start, n_edits: int) -> None:
    """Each ends as made (0) or as busy (6), and nothing is made twice or lost."""
    left = [f"tag number {number}" for number in range(n_edits)]
    for _ in range(n_edits):
        programs = {
            tag: start(
                [sys.executable, "-m", "tagpipe", "vocab", "add", tag, "--yes"],
                project,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for tag in left
        }
        codes = {tag: program.wait() for tag, program in programs.items()}
        assert set(codes.values()) <= {0, 6}
        left = [tag for tag, code in codes.items() if code == 6]
        assert len(left) < len(codes), "none of them was made"
        if not left:
            break
    made = [line["arguments"] for line in log_of(project)]
    assert sorted(made) == sorted([f"tag number {number}"] for number in range(n_edits))
    tags = read_vocabulary((project / VOCABULARY).read_bytes(), ".json", file="vocabulary").tags
    assert {f"tag number {number}" for number in range(n_edits)} <= set(tags)


def test_a_preview_that_cannot_be_made_is_said_to_be_none(project: Path, tagpipe: Tagpipe) -> None:
    (project / "data/source/projects.json").unlink()
    ended = tagpipe("vocab", *EDITS["parent"], "--yes")
    assert ended.exit_code == 0
    assert "What it does to the dataset is not known: source/projects.json" in ended.stdout
    assert is_valid(project)


def test_without_a_built_version_edits_and_checks_go_on(project: Path, tagpipe: Tagpipe) -> None:
    shutil.rmtree(project / "data/labeled")
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    ended = tagpipe("vocab", "check")
    assert ended.exit_code == 0
    assert "No version is built here" in ended.stdout
    assert tagpipe("vocab", "show", "pytorch").exit_code == 3


# Branches


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git(root, "add", "data/source", "data/curation", ".gitattributes")
    git(root, "commit", "-qm", message)


@pytest.mark.parametrize("head", ["ours", "theirs"])
def test_the_logs_of_two_branches_are_joined_and_an_undo_still_means_its_edit(
    project: Path, tagpipe: Tagpipe, head: str
) -> None:
    """One branch undoes an edit made before; the other makes edits of another file and undoes the first of them.

    Joined, the lines of one branch move those of the other, in each order of the merge.
    """

    def do(*arguments: str) -> None:
        assert tagpipe("vocab", *arguments).exit_code == 0

    first = content_of(project)
    do(*EDITS["alias"], "--yes")
    commit(project, "base")
    git(project, "branch", "theirs")
    git(project, "switch", "-qc", "ours")
    do("undo")
    do(*EDITS["parent"], "--yes")
    commit(project, "ours")
    git(project, "switch", "-q", "theirs")
    do("not-same", "a", "b", "--yes")
    do("undo")
    do(*EDITS["not-same"], "--yes")
    commit(project, "theirs")
    theirs = content_of(project)
    git(project, "switch", "-q", head)
    git(project, "merge", "-q", "--no-edit", "ours" if head == "theirs" else "theirs")
    assert len(log_of(project)) == 6
    stand = {"parent", "not-same"}
    while stand:
        before = content_of(project)
        ended = tagpipe("vocab", "undo")
        assert ended.exit_code == 0, ended.stderr
        undone = ended.stdout.removeprefix("taken back: ").split(" ")[0]
        stand.remove(undone)
        (changed,) = [name for name, data in content_of(project).items() if data != before[name]]
        assert changed == {"parent": "vocabulary.json", "not-same": "not-same.json"}[undone]
    assert content_of(project) == first != theirs
    ended = tagpipe("vocab", "undo")
    assert (ended.exit_code, "there is no edit to take back" in ended.stderr) == (2, True)


def test_an_undo_refuses_where_both_branches_edited_the_file(project: Path, tagpipe: Tagpipe) -> None:
    commit(project, "base")
    git(project, "tag", "base")
    for branch, arguments in (("theirs", ["alias", "pytorch-framework", "pytorch"]), ("ours", EDITS["parent"])):
        git(project, "switch", "-qc", branch, "base")
        assert tagpipe("vocab", *arguments, "--yes").exit_code == 0
        commit(project, branch)
    git(project, "merge", "-q", "--no-edit", "theirs")
    before = content_of(project)
    ended = tagpipe("vocab", "undo")
    assert (ended.exit_code, "has changed since that edit" in ended.stderr) == (2, True)
    assert (content_of(project), len(log_of(project))) == (before, 2)


# A kill in between


class Killed(BaseException):
    """What ends the process, where no handler of ours is asked."""


def kill(tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, arguments: list[str], n_puts: int) -> None:
    """Run a command that dies before it writes its line into the log (0), its file (1), or the line as done (2)."""
    put, count = edit_log._put, iter(range(1_000))

    def dying_put(path: Path, data: bytes | None) -> None:
        if next(count) == n_puts:
            raise Killed
        put(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(edit_log, "_put", dying_put)
        with pytest.raises(Killed):
            tagpipe("vocab", *arguments)


def is_pending(root: Path) -> bool:
    return any("pending" in line for line in log_of(root))


def test_a_kill_before_the_line_is_in_the_log_leaves_nothing(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_of(project)
    kill(tagpipe, monkeypatch, [*EDITS["parent"], "--yes"], 0)
    assert (content_of(project), (project / LOG).exists()) == (before, False)
    begun = project / "data/curation/.vocabulary-log.jsonl.x.tmp"  # as a kill within a write leaves it
    begun.touch()
    ended = tagpipe("vocab", *EDITS["parent"], "--yes")
    assert (ended.exit_code, ended.stderr, begun.exists()) == (0, "", False)
    assert [line["action"] for line in log_of(project)] == ["parent"]


@pytest.mark.parametrize(
    ("name", "n_puts"),
    [*((name, 1) for name in EDITS), ("not-same", 2), ("parent", 2)],
)
def test_after_a_kill_the_same_command_finishes_the_edit_and_makes_it_once(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, name: str, n_puts: int
) -> None:
    before = content_of(project)
    kill(tagpipe, monkeypatch, [*EDITS[name], "--yes"], n_puts)
    ended = tagpipe("vocab", *EDITS[name], "--yes")
    assert (ended.exit_code, ended.stdout.startswith(f"made already: {EDITS[name][0]} ")) == (0, True), ended.stderr
    assert ended.stderr.startswith(f"finished the edit `tagpipe vocab {EDITS[name][0]} ")
    assert ended.stderr.count("\n") == 1
    (line,) = log_of(project)
    (patch,) = line["patches"]
    assert hashlib.sha256((project / patch["file"]).read_bytes()).hexdigest() == patch["sha256_after"]
    assert "pending" not in line
    assert tagpipe("vocab", "undo").exit_code == 0
    assert content_of(project) == before


def test_after_a_kill_another_edit_finishes_the_first(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(tagpipe, monkeypatch, [*EDITS["parent"], "--yes"], 1)
    for arguments in (EDITS["rename"], EDITS["not-same"]):
        ended = tagpipe("vocab", *arguments, "--yes")
        assert (ended.exit_code, "made already" in ended.stdout) == (0, False)
    assert [line["action"] for line in log_of(project)] == ["parent", "rename", "not-same"]
    assert json.loads((project / VOCABULARY).read_bytes())["automated-machine-learning"]["parents"][-1] == "mlops"


@pytest.mark.parametrize("n_puts", [1, 2])
def test_after_a_kill_of_undo_it_undoes_one_edit(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, n_puts: int
) -> None:
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    before = content_of(project)
    assert tagpipe("vocab", *EDITS["not-same"], "--yes").exit_code == 0
    kill(tagpipe, monkeypatch, ["undo"], n_puts)
    ended = tagpipe("vocab", "undo")
    assert (ended.exit_code, ended.stdout) == (0, "made already: undo\n")
    assert (content_of(project), len(log_of(project))) == (before, 3)
    ended = tagpipe("vocab", "undo")
    assert ended.stdout.startswith("taken back: parent automl mlops (of ")


@pytest.mark.parametrize("n_puts", [1, 2])
def test_what_only_reads_after_a_kill_writes_nothing_and_waits_for_nobody(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, n_puts: int
) -> None:
    shutil.copy(REPO / MONITORED, project / MONITORED)
    kill(tagpipe, monkeypatch, [*EDITS["parent"], "--yes"], n_puts)
    monkeypatch.setattr(sys, "stdin", io.StringIO("q\n"))
    before = content_of(project), (project / LOG).read_bytes()
    with hold_run_lock(project / ".tagpipe", command="tagpipe run"):
        for arguments in (["check"], ["show", "automl"], ["tree", "mlops"], ["candidates"], ["export"], ["review"]):
            ended = tagpipe("vocab", *arguments)
            assert ended.exit_code == 0, ended.stderr
            assert ended.stderr.startswith("note: an edit of the vocabulary was killed while it was being written; ")
        assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 6
        assert tagpipe("refresh", "--check").exit_code == 6
    assert (content_of(project), (project / LOG).read_bytes()) == before
    tagpipe("refresh", "--check")  # it reads, too
    assert (content_of(project), (project / LOG).read_bytes()) == before


@pytest.mark.parametrize("command", ["run", "refresh"])
def test_a_run_and_a_refresh_finish_a_killed_edit(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    kill(tagpipe, monkeypatch, [*EDITS["parent"], "--yes"], 1)
    monkeypatch.setattr(repro, "run_dvc", lambda *_: ([], 0, []))
    ended = tagpipe(command)
    assert ended.exit_code == {"run": 0, "refresh": 2}[command]  # no source has a url
    assert "finished the edit `tagpipe vocab parent automl mlops`, which was killed" in ended.stderr
    assert [line["action"] for line in log_of(project)] == ["parent"]
    assert not is_pending(project)
    ended = tagpipe("vocab", "show", "automl")
    assert "parent automl mlops" in ended.stdout


def test_what_somebody_wrote_after_a_kill_stays(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    kill(tagpipe, monkeypatch, [*EDITS["not-same"], "--yes"], 1)
    (project / NOT_SAME).write_bytes(b'{"schema": 1, "pairs": [["x", "y"]]}')
    before = content_of(project)
    ended = tagpipe("vocab", *EDITS["ignore"], "--yes")
    assert ended.exit_code == 0
    assert ended.stderr == (
        "dropped the edit `tagpipe vocab not-same supervised-learning unsupervised-learning`, which was killed while "
        f"it was being written: {NOT_SAME} has been changed since; it stays as it is, and `git diff` shows it\n"
    )
    assert content_of(project)["not-same.json"] == before["not-same.json"]
    assert [line["action"] for line in log_of(project)] == ["parent", "ignore"]
    assert not is_pending(project)


@pytest.mark.parametrize("n_puts", [1, 2])
def test_a_killed_edit_gets_its_line_where_the_log_has_others_by_now(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, n_puts: int
) -> None:
    """As a `git pull` may bring them: what is written in the file must be there to be undone."""
    before = content_of(project)
    assert tagpipe("vocab", *EDITS["ignore"], "--yes").exit_code == 0
    theirs = (project / LOG).read_bytes().replace(b"+00:00", b"+00:01")
    edited = content_of(project)
    kill(tagpipe, monkeypatch, [*EDITS["parent"], "--yes"], n_puts)
    with (project / LOG).open("ab") as log:
        log.write(b"\n" + theirs)
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    assert [line["action"] for line in log_of(project)].count("parent") == 1
    assert content_of(project) != edited
    assert tagpipe("vocab", "undo").exit_code == 0
    assert content_of(project) == edited
    assert before.keys() == edited.keys()


def test_an_edit_that_another_clone_has_finished_by_now_is_not_made_again(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge can bring a pending line back beside the line that it became, and the undo of that."""
    before = content_of(project)
    kill(tagpipe, monkeypatch, [*EDITS["parent"], "--yes"], 1)
    pending = (project / LOG).read_bytes()
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    assert tagpipe("vocab", "undo").exit_code == 0
    with (project / LOG).open("ab") as log:
        log.write(pending)
    ended = tagpipe("vocab", "undo")
    assert (ended.exit_code, "there is no edit to take back" in ended.stderr) == (2, True)
    assert content_of(project) == before
    assert [line["action"] for line in log_of(project)] == ["parent", "undo"]


def test_a_file_that_somebody_restores_stays_restored(project: Path, tagpipe: Tagpipe) -> None:
    """As `git checkout data/source/vocabulary.json` does: its edit is done, and only looks like a killed one."""
    before = content_of(project)
    assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    (project / VOCABULARY).write_bytes(before["vocabulary.json"])
    ended = tagpipe("vocab", *EDITS["not-same"], "--yes")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert content_of(project)["vocabulary.json"] == before["vocabulary.json"]
    assert [line["action"] for line in log_of(project)] == ["parent", "not-same"]


@pytest.mark.parametrize("name", ["params.yaml", "../outside.json"])
def test_a_pending_line_writes_no_file_that_edits_do_not_write(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kill(tagpipe, monkeypatch, [*EDITS["not-same"], "--yes"], 1)
    path = project / LOG
    path.write_bytes(path.read_bytes().replace(f'"{NOT_SAME}"'.encode(), f'"{name}"'.encode()))
    before = (project / "params.yaml").read_bytes()
    for arguments in (["vocab", *EDITS["ignore"], "--yes"], ["vocab", "undo"], ["run"]):
        ended = tagpipe(*arguments)
        assert (ended.exit_code, "an edit of a file that edits do not write" in ended.stderr) == (3, True)
    assert ((project / "params.yaml").read_bytes(), (project.parent / "outside.json").exists()) == (before, False)


# An error in between


def fail(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Let the writes of these numbers fail, as on a full disk."""
    put, count = edit_log._put, iter(range(1_000))

    def failing_put(path: Path, data: bytes | None) -> None:
        if next(count) in numbers:
            raise ConfigError("cannot be written: no space left on device", file=str(path))
        put(path, data)

    monkeypatch.setattr(edit_log, "_put", failing_put)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("name", ["parent", "not-same", "ignore"])
def test_an_edit_that_cannot_be_written_is_taken_back_whole(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    (project / IGNORE).unlink()
    before = content_of(project)
    with monkeypatch.context() as patch:
        fail(patch, number)
        ended = tagpipe("vocab", *EDITS[name], "--yes")
    assert (ended.exit_code, "no space left on device" in ended.stderr) == (2, True)
    assert (content_of(project), (project / LOG).exists()) == (before, False)
    assert tagpipe("vocab", *EDITS["alias"], "--yes").exit_code == 0
    assert [line["action"] for line in log_of(project)] == ["alias"]


def test_an_edit_that_cannot_be_taken_back_is_said_to_be_pending_and_undo_drops_it(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_of(project)
    with monkeypatch.context() as patch:
        fail(patch, *range(1, 100))
        ended = tagpipe("vocab", *EDITS["parent"], "--yes")
    assert ended.exit_code == 2
    assert "the edit is pending: the next edit, " in ended.stderr
    assert tagpipe("vocab", "undo").stdout.startswith("taken back: parent automl mlops (of ")
    assert content_of(project) == before


@pytest.mark.slow
@pytest.mark.parametrize("build", ["tagpipe run", "dvc repro"])
def test_what_a_kill_left_may_be_built_and_nothing_of_it_is_reverted(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, build: str
) -> None:
    kill(tagpipe, monkeypatch, ["rename", "pytorch", "torch-x", "--yes"], 2)
    if build == "tagpipe run":
        assert tagpipe("run").exit_code == 0
    else:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(["dvc", "repro", "-q"], cwd=project, env=environment, check=True, capture_output=True)
    built = content_of(project), (project / "dvc.lock").read_bytes()
    assert tagpipe("vocab", "check").exit_code == 0
    assert is_pending(project) == (build == "dvc repro")
    assert tagpipe("vocab", *EDITS["not-same"], "--yes").exit_code == 0
    assert [line["action"] for line in log_of(project)] == ["rename", "not-same"]
    assert content_of(project) == built[0] | {"not-same.json": (project / NOT_SAME).read_bytes()}
    assert tagpipe("run").exit_code == 0
    assert "pytorch" not in package.load(project).tags


KILLED = """
import os, sys
from pathlib import Path
real, count = Path.replace, iter(range(1_000))
def replace(self, target):
    if next(count) == {n}:
        os._exit(9)
    return real(self, target)
Path.replace = replace
sys.argv = ["tagpipe", "vocab", *{arguments!r}, "--yes"]
from tagpipe.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("n", range(4))
def test_a_process_that_dies_at_any_rename_leaves_nothing_behind(project: Path, tagpipe: Tagpipe, n: int) -> None:
    """The log, the vocabulary, the log; the fourth rename is never made."""
    before = content_of(project)
    code = KILLED.format(n=n, arguments=EDITS["parent"])
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, check=False)
    assert done.returncode == (9 if n < 3 else 0)
    if n < 3:
        assert tagpipe("vocab", *EDITS["parent"], "--yes").exit_code == 0
    assert set(content_of(project)) == set(before)  # no file that was only begun
    assert len(log_of(project)) == 1
    assert tagpipe("vocab", "undo").exit_code == 0
    assert content_of(project) == before


@pytest.mark.slow
def test_from_init_to_a_built_edit_without_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tagpipe: Tagpipe
) -> None:
    """The real run, twice; without dates, the versions in git tell how a tag fared."""
    rows = [{"id": at, "title": f"T{at}", "tags": ["bert", "mlops"] if at < 20 else ["mlops"]} for at in range(40)]
    (tmp_path / "projects.json").write_text(json.dumps(rows))
    (tmp_path / "vocabulary.json").write_text(json.dumps({"mlops": {}}))
    root = tmp_path / "project"
    init_repository(root, projects=tmp_path / "projects.json", vocabulary=tmp_path / "vocabulary.json")
    monkeypatch.chdir(root)

    def run_and_commit(message: str) -> None:
        assert tagpipe("run").exit_code == 0
        for arguments in (["add", "-A"], ["commit", "-qm", message]):
            subprocess.run(["git", *arguments], cwd=root, check=True)

    run_and_commit("first")
    (candidate,) = json.loads(tagpipe("vocab", "candidates", "--json").stdout)
    assert (candidate["tag"], candidate["n_projects"], candidate["suggested"]) == ("bert", 20, False)
    ended = tagpipe("vocab", "add", "bert", "--yes")
    assert "enters the cut: bert 0 -> 20" in ended.stdout
    assert json.loads(tagpipe("vocab", "candidates", "--json").stdout) == []  # it is decided on, built or not
    assert "decided on since the last run: 1" in tagpipe("vocab", "candidates").stdout
    run_and_commit("bert")
    assert "No candidate" in tagpipe("vocab", "candidates").stdout
    tree = json.loads(tagpipe("vocab", "show", "bert", "--json").stdout)
    assert (tree["profile"]["periods"], tree["n_support"], tree["is_kept"]) == ([], 20, True)
    assert [row["n_projects"] for row in tree["versions"]] == [None, 20]
    assert "versions" in tagpipe("vocab", "show", "bert").stdout
    assert tagpipe("diff", "HEAD~1", "--json").exit_code == 1  # one label in three is new
    numbers = log_of(root)[0]["evidence"]
    assert (numbers["n_projects"], numbers["n_labels_added"], numbers["n_tags_entered"]) == (20, 20, 1)


# What is shown


def test_check_finds_everything_and_says_what_would_mend_it(project: Path, tagpipe: Tagpipe) -> None:
    assert tagpipe("vocab", "check").exit_code == 0
    assert tagpipe("vocab", "check", "--strict").exit_code == 1  # some tags are never used
    path = project / VOCABULARY
    tree = json.loads(path.read_bytes())
    tree["pytorch"]["parents"] = ["mlopss", "auto-ml", "nvidia"]
    path.write_text(json.dumps(tree))
    ended = tagpipe("vocab", "check")
    assert ended.exit_code == 0
    for fix in (
        "Name the tag: `tagpipe vocab parent --instead-of auto-ml pytorch automl`",
        "Did you mean mlops? `tagpipe vocab parent --instead-of mlopss pytorch mlops`",
        "Add it: `tagpipe vocab add nvidia`; or take it away: `tagpipe vocab parent --remove pytorch nvidia`",
    ):
        assert fix in ended.stdout
    tree["mlops"] |= {"aliases": ["torch", "pytorch"], "parents": ["automl"]}
    tree["automl"]["parents"] = ["mlops"]
    path.write_text(json.dumps(tree))
    ended = tagpipe("vocab", "check", "--json")
    assert ended.exit_code == 1
    found = json.loads(ended.stdout)["findings"]
    errors = {each["what"]: (each["kind"], each["tag"], each["value"]) for each in found if each["level"] == "error"}
    assert errors == {
        'alias "pytorch" of "mlops" is itself a canonical tag': ("alias_is_tag", "mlops", "pytorch"),
        'alias "torch" is claimed by "mlops" and "pytorch"': ("alias_of_several", "mlops", "torch"),
        'parents form a cycle: "automl" -> "mlops" -> "automl"': ("parent_cycle", "automl", "mlops"),
    }
    shown = tagpipe("vocab", "check").stdout
    assert 'Remove alias "torch" from "mlops" or from "pytorch" in data/source/vocabulary.json' in shown
    assert unknown_parents(found) == ["mlopss", "nvidia"]


def test_a_parent_that_went_out_of_use_is_to_be_taken_away(project: Path, tagpipe: Tagpipe) -> None:
    path = project / VOCABULARY
    tree = json.loads(path.read_bytes())
    tree["3d-vision"]["deprecated"] = True  # by hand; `deprecate` refuses it
    path.write_text(json.dumps(tree))
    shown = tagpipe("vocab", "check").stdout
    assert "parent 3d-vision of 3d-reconstruction is deprecated" in shown
    assert "Take it away: `tagpipe vocab parent --remove 3d-reconstruction 3d-vision`" in shown


def unknown_parents(found: list[dict[str, Any]]) -> list[str]:
    return [each["value"] for each in found if (each["kind"], each["tag"]) == ("unknown_parent", "pytorch")]


def test_the_command_that_mends_is_one_that_can_be_run(project: Path, tagpipe: Tagpipe) -> None:
    path = project / VOCABULARY
    tree = json.loads(path.read_bytes())
    tree["pytorch"]["parents"] = ["mlopss", "-it's $(x)", "k nearest neighbours!"]
    path.write_text(json.dumps(tree))
    for n_left in (2, 1, 0):
        found = json.loads(tagpipe("vocab", "check", "--json").stdout)["findings"]
        fix = next(each["fix"] for each in found if each["value"] in unknown_parents(found))
        _, group, name, *words = shlex.split(fix.split("`")[-2])
        ended = tagpipe(group, name, "--yes", *words)
        assert ended.exit_code == 0, ended.stderr
        assert len(unknown_parents(json.loads(tagpipe("vocab", "check", "--json").stdout)["findings"])) == n_left


def test_a_file_that_is_no_vocabulary_is_an_error_of_input(project: Path, tagpipe: Tagpipe) -> None:
    (project / VOCABULARY).write_text("[1]")
    assert tagpipe("vocab", "check").exit_code == 3


def test_show_tells_all_about_a_tag(project: Path, tagpipe: Tagpipe) -> None:
    tagpipe("vocab", "parent", "pytorch", "mlops", "--yes", "--why", "for the test")
    tree = json.loads(tagpipe("vocab", "show", "pytorch", "--json").stdout)
    profile = tree["profile"]
    assert (profile["name"], profile["status"]) == ("pytorch", "tag")
    assert "torch" in profile["aliases"]
    assert sum(each["n_projects"] for each in profile["periods"]) == profile["n_projects"]  # every one has a date
    assert len(profile["together"]) == 10
    assert [line["why"] for line in tree["log"]] == ["for the test"]
    shown = tagpipe("vocab", "show", "Torch").stdout  # an alias, as somebody writes it
    assert shown.splitlines()[0] == "pytorch"
    for words in ("aliases", "support", "written as", "over time", "goes with", "lift", "edits", "for the test"):
        assert words in shown


def test_show_tells_of_what_the_vocabulary_has_not(project: Path, tagpipe: Tagpipe) -> None:
    shown = tagpipe("vocab", "show", "nvidia").stdout
    assert "not in the vocabulary" in shown
    assert "8 of 848 projects" in shown
    ended = tagpipe("vocab", "show", "pytorchh")
    assert ended.exit_code == 3
    assert 'such as "pytorch"' in ended.stderr


def test_show_goes_without_git_but_not_over_a_damaged_project(
    tiny: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no dates is shown along the versions of git."""
    for command in (["init", "-q"], ["add", "dvc.yaml"], ["commit", "-qm", "no version"]):
        assert tagpipe("vocab", "show", "mlops").exit_code == 0  # no repository, or no commit
        subprocess.run(["git", *command], cwd=tiny, check=True)
    (tiny / "dvc.lock").write_text("schema: '2.0'")
    for command in (["add", "dvc.lock"], ["commit", "-qm", "version"]):
        assert tagpipe("vocab", "show", "mlops").exit_code == 0
        subprocess.run(["git", *command], cwd=tiny, check=True)
    path = tiny / "dvc.yaml"
    path.write_text(path.read_text().replace("data/reports/tag_counts.csv", "data/reports/elsewhere.csv"))
    ended = tagpipe("vocab", "show", "mlops")
    assert (ended.exit_code, "dvc.yaml" in ended.stderr) == (2, True)
    monkeypatch.setenv("PATH", "")
    assert tagpipe("vocab", "show", "mlops").exit_code == 0


def test_tree_draws_children_below_parents(project: Path, tagpipe: Tagpipe) -> None:
    assert tagpipe("vocab", "tree", "3d").stdout.splitlines()[:2] == ["3d-vision 6", "  3d-reconstruction 2"]
    rows = json.loads(tagpipe("vocab", "tree", "--json").stdout)
    names = set(json.loads((project / VOCABULARY).read_bytes()))
    assert {row["tag"] for row in rows if row["is_known"]} == names
    assert tagpipe("vocab", "tree", "nowhere").exit_code == 3


def test_candidates_need_the_report_of_the_monitor(project: Path, tagpipe: Tagpipe) -> None:
    report = project / "data/reports/monitor.json"
    report.unlink(missing_ok=True)
    ended = tagpipe("vocab", "candidates")
    assert (ended.exit_code, "tagpipe run" in ended.stderr) == (3, True)


# Review


Review = Callable[[str], Any]


@pytest.fixture
def review(tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch) -> Review:
    """`tagpipe vocab review` with keys from a pipe, one a line."""

    def run(keys: str) -> Any:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{key}\n" for key in keys)))
        ended = tagpipe("vocab", "review")
        assert ended.exit_code == 0, ended.stderr
        return ended

    return run


C_NAMES = ("objective-c", "objective-c++", "Objective-C#")


@pytest.fixture
def tiny(project: Path) -> Path:
    """A project of a few tags: three variants and a fuzzy one."""
    tags = ["ml-ops", "graph", "forcasting", "supervised-learning", "decision-tree", *C_NAMES, "tutorial"]
    known = ["mlops", "graphs", "forecasting", "unsupervised-learning", "decision-trees", C_NAMES[1]]
    source = project / "data/source"
    rows = [{"id": at, "title": f"Title {at} \x1b[31m", "tags": tags[: len(tags) - at]} for at in range(3)]
    (source / "projects.json").write_text(json.dumps(rows))
    (source / "vocabulary.json").write_text(json.dumps({tag: {} for tag in known}, indent=2))
    package.build(
        source / "projects.json", source / "vocabulary.json", params=project / "params.yaml", out=project / "built"
    )
    for path in (project / "built").iterdir():
        if path.is_dir():
            shutil.copytree(path, project / "data" / path.name, dirs_exist_ok=True)
    shutil.rmtree(project / "built")
    return project


def asked_about(done: Any) -> list[str]:
    return [line.split("] ")[1] for line in done.stdout.splitlines() if line.startswith("[")]


def test_review_asks_for_variants_first_and_remembers(tiny: Path, review: Review) -> None:
    done = review("ynssnq")
    assert asked_about(done) == [
        "decision-tree  =  decision-trees",
        "graph  =  graphs",
        "ml-ops  =  mlops",
        "forcasting  =  forecasting",
        "supervised-learning  =  unsupervised-learning",
    ]
    assert "but un- makes another word of it" in done.stdout
    assert "- Title 0 \\x1b[31m" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 alias added, 2 kept apart, 2 skipped; 0 left"
    tree = json.loads((tiny / VOCABULARY).read_bytes())
    assert tree["decision-trees"]["aliases"] == ["decision-tree"]
    assert json.loads((tiny / NOT_SAME).read_bytes())["pairs"] == [
        ["graph", "graphs"],
        ["supervised-learning", "unsupervised-learning"],
    ]
    assert [(line["action"], line["evidence"]["n_projects"]) for line in log_of(tiny)] == [
        ("alias", 3),
        ("not-same", 3),
        ("not-same", 3),
    ]
    assert asked_about(review("q")) == ["ml-ops  =  mlops"]
    assert asked_about(review("ss")) == ["ml-ops  =  mlops", "forcasting  =  forecasting"]


def test_review_shows_what_an_alias_does_as_the_edit_itself_does(tiny: Path, tagpipe: Tagpipe, review: Review) -> None:
    set_values(tiny / "params.yaml", {("threshold", "min_projects"): 2})
    shown = tagpipe("vocab", "alias", "decision-tree", "decision-trees").stdout.splitlines()[1:]
    assert "enters the cut: decision-trees 0 -> 3" in shown
    done = review("yq").stdout.splitlines()
    at = done.index(f"    as an alias: {shown[0]}")
    assert done[at + 1 : at + len(shown)] == [f"    {line}" for line in shown[1:]]
    assert tagpipe("vocab", "undo").exit_code == 0
    assert tagpipe("vocab", "alias", "decision-tree", "decision-trees", "--yes").exit_code == 0
    first, _, same = log_of(tiny)
    assert first["evidence"] == same["evidence"]
    assert first["evidence"]["n_labels_added"] == 3


def test_review_builds_each_edited_dataset_once_and_what_it_is_held_against_once_in_all(
    tiny: Path, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = []
    build = preview.build
    monkeypatch.setattr(preview, "build", lambda *given: builds.append(1) or build(*given))
    assert len(asked_about(review("ynssy"))) == 5
    assert len(builds) == 6


def test_review_says_where_it_cannot_tell_what_an_alias_does(tiny: Path, review: Review) -> None:
    (tiny / "data/source/projects.json").unlink()
    assert "    as an alias: What it does to the dataset is not known: source/projects" in review("yq").stdout
    assert "n_labels_added" not in log_of(tiny)[0]["evidence"]


def test_review_of_what_cannot_be_edited_still_tells_names_apart(tiny: Path, review: Review) -> None:
    data = (tiny / VOCABULARY).read_bytes()
    store_pinned(repository_layout(tiny), data)
    pin = {"url": "https://example.org/vocabulary.json", "sha256": hashlib.sha256(data).hexdigest()}
    set_values(tiny / "params.yaml", {("source", "vocabulary"): pin})
    done = review("nq").stdout
    assert "as an alias: refused: params.yaml, field source.vocabulary.url: the vocabulary comes from a url" in done
    assert done.splitlines()[-1] == "0 aliases added, 1 kept apart, 0 skipped; 4 left"


def test_review_keeps_what_another_writes_while_it_asks(
    tiny: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter("nq")

    def press() -> str:
        if (key := next(keys)) == "n":
            (tiny / NOT_SAME).write_bytes(b'{"schema": 1, "pairs": [["x", "y"]]}')
        return key

    monkeypatch.setattr(vocab_review, "_read_key", press)
    assert tagpipe("vocab", "review").exit_code == 0
    assert json.loads((tiny / NOT_SAME).read_bytes())["pairs"] == [["decision-tree", "decision-trees"], ["x", "y"]]


def test_review_finishes_a_killed_edit_before_it_decides_and_asks_anew(
    tiny: Path, tagpipe: Tagpipe, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(tagpipe, monkeypatch, ["alias", "decision-tree", "decision-trees", "--yes"], 1)
    done = review("yyyq")
    assert asked_about(done)[:3] == ["decision-tree  =  decision-trees"] * 2 + ["graph  =  graphs"]
    assert "as an alias: refused: " in done.stdout
    assert "finished the edit `tagpipe vocab alias decision-tree decision-trees`" in done.stderr
    assert done.stdout.splitlines()[-1] == "1 alias added, 0 kept apart, 1 skipped; 3 left"
    assert [line["arguments"] for line in log_of(tiny)] == [["decision-tree", "decision-trees"], ["graph", "graphs"]]


def test_review_says_what_it_wrote_after_ctrl_c(tiny: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter("ys")

    def press() -> str:
        for key in keys:
            return key
        raise KeyboardInterrupt

    monkeypatch.setattr(vocab_review, "_read_key", press)
    ended = tagpipe("vocab", "review")
    assert (ended.exit_code, len(log_of(tiny))) == (130, 1)
    assert ended.stdout.splitlines()[-1] == "1 alias added, 0 kept apart, 1 skipped; 3 left"


def test_a_rejected_suggestion_never_returns(tiny: Path, tagpipe: Tagpipe, review: Review) -> None:
    review("nnnnn")
    assert asked_about(review("")) == []
    assert tagpipe("vocab", "rename", "mlops", "machine-learning-operations", "--yes").exit_code == 0
    assert asked_about(review("")) == []


def test_what_is_told_apart_is_so_wherever_names_are_compared(tiny: Path, tagpipe: Tagpipe) -> None:
    """In `show` and in `check`, and under the name that a tag has after a rename."""
    path = tiny / VOCABULARY
    tree = json.loads(path.read_bytes())
    tree["graphs"]["parents"] = ["supervised-learning"]
    tree["decision-tree-s"] = {}
    path.write_text(json.dumps(tree))
    tagpipe("vocab", "rename", "unsupervised-learning", "learning-without-labels", "--yes")
    tagpipe("vocab", "rename", "decision-tree-s", "decision-treess", "--yes")

    def compare() -> tuple[str | None, list[str], set[tuple[str, str]]]:
        nearest = json.loads(tagpipe("vocab", "show", "supervised-learning", "--json").stdout)["nearest"]
        near = json.loads(tagpipe("vocab", "show", "decision-trees", "--json").stdout)["near"]
        found = json.loads(tagpipe("vocab", "check", "--json").stdout)["findings"]
        return nearest, near, {(each["kind"], each["nearest"]) for each in found if each["nearest"]}

    assert compare() == (
        "learning-without-labels",
        ["decision-treess"],
        {
            ("unknown_parent", "learning-without-labels"),
            ("near_duplicate", "decision-trees"),
            ("never_used", "decision-trees"),
            ("never_used", "decision-treess"),
        },
    )
    for old_names in (("supervised-learning", "unsupervised-learning"), ("decision-trees", "decision-tree-s")):
        assert tagpipe("vocab", "not-same", *old_names, "--yes").exit_code == 0
    assert compare() == (None, [], set())


def test_review_undoes_its_own_last_decision_and_no_other(tiny: Path, tagpipe: Tagpipe, review: Review) -> None:
    assert tagpipe("vocab", "not-same", "a", "b", "--yes").exit_code == 0
    before = content_of(tiny)
    done = review("uyusnuuuq")
    first, second = "decision-tree  =  decision-trees", "graph  =  graphs"
    assert asked_about(done) == [first, first, second, first, second, "ml-ops  =  mlops", second, first, first]
    assert content_of(tiny) == before
    assert len(log_of(tiny)) == 5


def test_review_passes_over_what_means_nothing_and_ends_with_its_input(tiny: Path, review: Review) -> None:
    assert asked_about(review("x?s")) == ["decision-tree  =  decision-trees", "graph  =  graphs"]
    assert not (tiny / LOG).exists()


def test_c_and_its_relatives_are_never_asked_about(review: Review, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_asked() -> set[str]:
        return {asked for asked in asked_about(review("ssssssss")) if asked.startswith("objective-c")}

    assert find_asked() == set()
    monkeypatch.setattr(spelling, "signs_of", lambda name: "")  # nothing else keeps them apart
    assert find_asked() == {"objective-c  =  objective-c++", "objective-c#  =  objective-c++"}


# A terminal


def on_terminal(
    project: Path, arguments: list[str], prompt: bytes, answers: list[bytes], *, by_key: bool
) -> tuple[int, str]:
    """Exit code and output of a command on a terminal where each prompt gets the next answer.

    by_key: the answers are read one key press at a time; the terminal drops what was typed before it listens so.
    """
    pid, fd = pty.fork()
    if pid == 0:  # the child: nothing but exec
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests in the background of a shell inherit that it is ignored
        os.chdir(project)
        os.execv(sys.executable, [sys.executable, "-m", "tagpipe", "vocab", *arguments])
    said = b""
    left = list(answers)
    with contextlib.suppress(OSError):  # on Linux, reading is an error when the other end is closed
        while data := os.read(fd, 1 << 16):
            said += data
            if left and said.count(prompt) > len(answers) - len(left):
                while by_key and termios.tcgetattr(fd)[3] & termios.ICANON:
                    time.sleep(0.01)
                os.write(fd, left.pop(0))
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "code"), [(b"y\n", 0), (b"YES\n", 0), (b"n\n", 1), (b"\n", 1), (b"\x04", 1), (b"\x03", 130)]
)
def test_on_a_terminal_a_person_is_asked(project: Path, keys: bytes, code: int) -> None:
    """Ctrl-D is 4, Ctrl-C is 3."""
    before = content_of(project)
    ended, said = on_terminal(project, EDITS["not-same"], b"[y/N]:", [keys], by_key=False)
    assert ended == code, said
    assert "Make this edit? [y/N]" in said
    assert (content_of(project) != before) == (code == 0)
    assert said.endswith("nothing was written\r\n") == (code != 0)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("", 1), (None, 130)])
def test_no_and_the_ends_of_a_terminal_write_nothing_and_say_so(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch, answer: str | None, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, size: int | None = -1, /) -> str:
            if answer is None:  # Ctrl-C
                raise KeyboardInterrupt
            return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    before = content_of(project)
    ended = tagpipe("vocab", *EDITS["not-same"])
    assert (ended.exit_code, ended.stderr.splitlines()[-1][-19:]) == (code, "nothing was written")
    assert "nothing was written" not in ended.stdout
    assert content_of(project) == before


@pytest.mark.slow
def test_on_a_terminal_one_key_press_decides(tiny: Path) -> None:
    ended, said = on_terminal(tiny, ["review"], b"quit? ", [b"y", b"n", b"\x04"], by_key=True)  # Ctrl-D
    assert ended == 0, said
    assert [line["action"] for line in log_of(tiny)] == ["alias", "not-same"]


# Exchange


@pytest.mark.parametrize("form", ["json-object", "json-list", "ndjson", "csv"])
def test_export_and_import_give_the_same_vocabulary(project: Path, tagpipe: Tagpipe, form: str) -> None:
    ending = {"json-object": "json", "json-list": "json", "ndjson": "ndjson", "csv": "csv"}[form]
    before = content_of(project)
    assert tagpipe("vocab", "export", "--form", form, "--out", f"out.{ending}").exit_code == 0
    assert tagpipe("vocab", "import", f"out.{ending}", "--yes").exit_code == 2  # it changes nothing
    assert content_of(project) == before
    assert tagpipe("vocab", "export", "--out", "out.txt").exit_code == 2


def test_an_export_makes_a_new_file_and_nothing_else(project: Path, tagpipe: Tagpipe) -> None:
    (project / "link.csv").symlink_to("data/source/link.csv")
    (project / "folder").symlink_to("data/source")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    for out, words in (
        ("other.csv", "other.csv: already exists. Remove it"),
        (VOCABULARY, "already exists"),
        ("link.csv", "already exists"),
        ("new/out.csv", "is in a folder that does not exist"),
        ("data/source/out.csv", "among the data of the dataset repository. Name a file outside of data/"),
        ("data/out.csv", "among the data of the dataset repository"),
        ("folder/out.csv", "among the data of the dataset repository"),
    ):
        ended = tagpipe("vocab", "export", "--out", out)
        assert (ended.exit_code, ended.stdout, words in ended.stderr) == (2, "", True), (out, ended.stderr)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
    assert tagpipe("vocab", "export", "--out", project / "new.csv").exit_code == 0
    assert (project / "new.csv").is_file()


# Hostile text


@pytest.fixture
def hostile_project(project: Path) -> Path:
    from support.hostile import STRINGS

    texts = [text for text in STRINGS if text.strip() and len(text) < 300 and "\ud800" not in text]
    source = project / "data/source"
    rows = [{"id": at, "title": text, "tags": [text, text + "s", "pytorch"]} for at, text in enumerate(texts)]
    (source / "projects.json").write_text(json.dumps(rows))
    (source / "vocabulary.json").write_text(json.dumps({"pytorch": {"parents": texts[:100]}, "[red]x[/red]": {}}))
    package.build(
        source / "projects.json", source / "vocabulary.json", params=project / "params.yaml", out=project / "built"
    )
    for path in (project / "built").iterdir():
        if path.is_dir():
            shutil.copytree(path, project / "data" / path.name, dirs_exist_ok=True)
    return project


def test_hostile_text_is_shown_and_never_obeyed(hostile_project: Path, tagpipe: Tagpipe) -> None:
    from support.hostile import STRINGS

    asked = [text for text in STRINGS if text.strip() and len(text) < 300][::40]
    calls = [["check"], ["tree"], ["show", "pytorch"], ["show", "[red]x[/red]"]]
    calls += [["ignore", "--yes", "--", text] for text in asked]
    calls += [["show", "--", text] for text in asked[:5]]
    n_ignored = 0
    for arguments in calls:
        ended = tagpipe("vocab", *arguments)
        n_ignored += arguments[0] == "ignore" and ended.exit_code == 0
        assert ended.exit_code in (0, 2, 3)
        for line in (ended.stdout + ended.stderr).split("\n"):
            assert line.replace("\u00a0", " ").replace("\u3000", " ").isprintable(), (arguments, line)
    assert "[red]x[/red]" in tagpipe("vocab", "show", "[red]x[/red]").stdout
    assert len(log_of(hostile_project)) == n_ignored >= len(asked) - 1  # "code" is ignored from the start
    assert {path.name for path in (hostile_project / "data/curation").iterdir()} <= {
        "ignore.json",
        "not-same.json",
        "vocabulary-log.jsonl",
    }

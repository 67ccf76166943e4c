"""`tagpipe diff`, `preview`, `log`, `history` in real repositories: every kind of side, missing and stale ones too."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from support.in_process import build, dvc
from support.processes import Start, commit, git

from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.compare import compare
from tagpipe.operations.init_repository import init_repository

pytestmark = pytest.mark.usefixtures("in_process")

Tagpipe = Callable[..., Any]
CUT = ("threshold", "min_projects")


def edit_vocabulary(root: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = root / "data/source/vocabulary.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    edit(tree)
    path.write_text(json.dumps(tree), encoding="utf-8")


def forget_data(root: Path) -> None:
    """As in a fresh clone: no cache, and no data but what git has."""
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(root / ".tagpipe")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions: the sample, a higher cut (tag `higher`), an alias given away; then main stays at the first."""
    root = tmp_path_factory.mktemp("diff") / "template"
    init_repository(root)
    build(root)
    commit(root, "the sample")
    git(root, "branch", "-M", "main")
    git(root, "checkout", "-qb", "change")
    set_values(root / "params.yaml", {CUT: 15})
    build(root)
    commit(root, "a higher cut")
    git(root, "tag", "higher")
    edit_vocabulary(root, lambda tree: tree["pytorch"]["aliases"].clear())
    build(root)
    commit(root, "pytorch without aliases")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    monkeypatch.chdir(root)
    monkeypatch.delenv("CI", raising=False)
    return root


def document(ended: Any) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(ended.stdout)
    return tree


def groups(tree: dict[str, Any]) -> list[tuple[str, list[str], int]]:
    return [(row["cause"], row["factors"], row["n_added"] + row["n_removed"]) for row in tree["causes"]["groups"]]


def test_a_change_of_cut_between_two_revisions(project: Path, tagpipe: Tagpipe) -> None:
    ended = tagpipe("diff", "main", "higher", "--json")
    tree = document(ended)
    assert ended.exit_code == 1  # more tags leave than the gate lets
    assert [gate["name"] for gate in tree["gates"] if not gate["passed"]] == [
        "max_labels_changed",
        "max_tags_leaving",
        "max_newly_unlabeled",
    ]
    assert (tree["base"]["min_projects"], tree["head"]["min_projects"]) == (12, 15)
    assert tree["base"]["commit"] == git(project, "rev-parse", "main")
    assert groups(tree) == [("sole", ["threshold.min_projects"], 142)]
    assert tree["causes"]["n_replays"] == 0  # there is nothing to tell apart
    assert {row["tag"] for row in tree["left"]["rows"]} >= {"golang", "javascript"}
    assert all(12 <= row["base"] < 15 for row in tree["left"]["rows"])
    assert [(row["name"], row["base"], row["head"]) for row in tree["params"]["rows"]] == [
        ("threshold.min_projects", 12, 15)
    ]


def test_a_comparison_leaves_no_file_open(project: Path) -> None:
    """DVC 3.67 keeps two for each revision; nobody closes those that its collector of garbage has not come to."""
    gc.collect()
    gc.disable()
    try:
        before = [each.path for each in psutil.Process().open_files()]
        compare(project, "main", "higher")
        assert [each.path for each in psutil.Process().open_files()] == before
    finally:
        gc.enable()


def test_the_default_sides_are_the_merge_base_and_the_workspace(project: Path, tagpipe: Tagpipe) -> None:
    tree = document(tagpipe("diff", "--json"))
    assert tree["base"]["commit"] == git(project, "rev-parse", "main")
    assert tree["head"]["name"] == "workspace"
    assert {name for _, factors, _ in groups(tree) for name in factors} == {"vocabulary", "threshold.min_projects"}
    assert sum(n for _, _, n in groups(tree)) == tree["n_labels_added"] + tree["n_labels_removed"]


def test_a_remote_serves_what_the_cache_has_lost(project: Path, tmp_path: Path, tagpipe: Tagpipe) -> None:
    dvc(project, "remote", "add", "-d", "store", str(tmp_path / "store"))
    for revision in ("main", "higher", "change"):  # what each has; it does not have the remote in its configuration
        git(project, "checkout", "-q", revision)
        dvc(project, "checkout")
        dvc(project, "push")
    forget_data(project)
    assert document(tagpipe("diff", "main", "higher", "--json"))["left"]["n"] == 11


@pytest.mark.parametrize("sides", [("main", "higher"), ("higher", "workspace")])
def test_missing_data_is_never_green(project: Path, tagpipe: Tagpipe, sides: tuple[str, str]) -> None:
    forget_data(project)
    ended = tagpipe("diff", *sides)
    assert ended.exit_code == 3
    assert "dvc pull" in ended.stderr
    assert "--rebuild" in ended.stderr


def test_rebuild_builds_what_is_nowhere_and_leaves_no_trace(project: Path, tagpipe: Tagpipe) -> None:
    expected = document(tagpipe("diff", "main", "higher", "--json"))
    forget_data(project)
    before = git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")
    indexes = Path(os.environ["DVC_SITE_CACHE_DIR"]) / "repo"
    known = set(indexes.iterdir())
    found = document(tagpipe("diff", "main", "higher", "--json", "--rebuild"))
    assert found == expected
    assert set(indexes.iterdir()) == known
    assert (git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")) == before
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert not (project / ".dvc/cache").exists()  # built in memory
    assert [path.name for path in (project / ".dvc/cache/files").rglob("files")] == []


@pytest.mark.parametrize("rebuild", [False, True])
def test_received_bytes_that_are_gone_are_no_cause(project: Path, tagpipe: Tagpipe, rebuild: bool) -> None:
    """Two edits must be told apart by replays, and base's data/raw is nowhere."""
    expected = document(tagpipe("diff", "main", "change", "--json"))
    git(project, "checkout", "-q", "main")
    raw = hashlib.md5((project / "data/source/projects.json").read_bytes(), usedforsecurity=False).hexdigest()
    git(project, "checkout", "-q", "change")
    (project / ".dvc/cache/files/md5" / raw[:2] / raw[2:]).unlink()
    ended = tagpipe("diff", "main", "change", "--json", "--rebuild" if rebuild else "--no-rebuild")
    if rebuild:
        assert document(ended) == expected
    else:
        assert ended.exit_code == 3
        assert "neither in the cache nor in a remote" in ended.stderr


def test_sigterm_leaves_no_work_tree(project: Path, start: Start) -> None:
    forget_data(project)
    command = [sys.executable, "-m", "tagpipe", "diff", "main", "higher", "--rebuild"]
    process = start(command, project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(git(project, "worktree", "list").splitlines()) == 1:
        assert process.poll() is None
        time.sleep(0.02)
    process.terminate()
    assert process.wait() == 128 + 15
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_a_work_tree_of_somebody_else_stays(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    git(project, "worktree", "add", "-q", "--detach", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "unmounted")
    forget_data(project)
    assert tagpipe("diff", "main", "higher", "--rebuild").exit_code == 1
    assert "mine" in git(project, "worktree", "list")


def test_rebuild_is_the_default_where_ci_is_set(
    project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_data(project)
    monkeypatch.setenv("CI", "true")
    assert tagpipe("diff", "main", "higher", "--json", "--no-rebuild").exit_code == 3
    assert tagpipe("diff", "main", "higher", "--json").exit_code == 1


def stale_params(root: Path) -> None:
    set_values(root / "params.yaml", {CUT: 20})


def stale_vocabulary(root: Path) -> None:
    edit_vocabulary(root, lambda tree: tree["tensorflow"]["aliases"].clear())


def stale_report(root: Path) -> None:
    (root / "data/reports/tag_counts.csv").write_text("tag,n_projects,kept\n", encoding="utf-8")


def stale_lock(root: Path) -> None:
    """A clean merge of two locks: each stage's part is one that somebody built, the whole is none."""
    git(root, "checkout", "-q", "main", "--", "dvc.lock")


@pytest.mark.parametrize("make_stale", [stale_params, stale_vocabulary, stale_report, stale_lock])
def test_a_stale_side_is_refused(project: Path, tagpipe: Tagpipe, make_stale: Callable[[Path], None]) -> None:
    make_stale(project)
    for sides in (("main", "workspace"), ("main",)):
        ended = tagpipe("diff", *sides)
        assert ended.exit_code == 3
        assert "dvc.lock does not describe what is there" in ended.stderr
        assert "is modified" in ended.stderr or "is not the one that was built" in ended.stderr
    commit(project, "not built")
    ended = tagpipe("diff", "main", "change")
    assert ended.exit_code == 3
    assert "revision change" in ended.stderr


def test_rebuild_builds_a_stale_revision_by_its_parameters(project: Path, tagpipe: Tagpipe) -> None:
    stale_params(project)
    commit(project, "not built")
    tree = document(tagpipe("diff", "higher", "change", "--json", "--rebuild"))
    assert tree["head"]["min_projects"] == 20


@pytest.mark.parametrize("text", ["stages: [\n<<<<<<< HEAD\n", "[]\n", "schema: '2.0'\nstages: 3\n"])
def test_a_broken_lock_is_one_error(project: Path, tagpipe: Tagpipe, text: str) -> None:
    (project / "dvc.lock").write_text(text, encoding="utf-8")
    ended = tagpipe("diff", "main")
    assert ended.exit_code == 3
    assert "dvc.lock" in ended.stderr
    commit(project, "broken")
    assert tagpipe("diff", "main", "change").exit_code == 3
    assert tagpipe("diff", "higher", "change", "--rebuild").exit_code in (2, 3)


def test_nothing_is_compared_where_history_ends_too_early(
    project: Path, tagpipe: Tagpipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{project}", str(shallow))
    monkeypatch.chdir(shallow)
    ended = tagpipe("diff")
    assert ended.exit_code == 3
    assert "git fetch --unshallow" in ended.stderr
    monkeypatch.chdir(project)
    git(project, "checkout", "-q", "--orphan", "alone")
    commit(project, "no ancestor")
    ended = tagpipe("diff")
    assert ended.exit_code == 3
    assert "no commit in common with main" in ended.stderr


def test_a_side_that_is_nothing_is_one_error(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    for name in ("nowhere", "HEAD~99", "--output=x", str(tmp_path / "nothing")):
        ended = tagpipe("diff", "main", "--", name)
        assert ended.exit_code == 2
        assert "neither a revision of this repository nor a directory" in ended.stderr
    (tmp_path / "empty").mkdir()
    ended = tagpipe("diff", tmp_path / "empty", "main")
    assert ended.exit_code == 2
    assert "not a directory written by `tagpipe build`" in ended.stderr


def build_into(tagpipe: Tagpipe, source: Path, out: Path, *options: object) -> Path:
    arguments = ("--projects", source / "projects.json", "--vocabulary", source / "vocabulary.json", "--out", out)
    assert tagpipe("build", *arguments, *options).exit_code == 0
    return out


def other_cut(project: Path, folder: Path) -> Path:
    """A params.yaml whose cut is one higher, with every gate off."""
    path = folder / "other.yaml"
    shutil.copy(project / "params.yaml", path)
    names = ("projects_removed", "labels_changed", "tags_leaving", "newly_unlabeled", "new_warnings", "unexplained")
    set_values(path, {CUT: 13, **{("gates", f"max_{name}"): None for name in names}})
    return path


def test_directories_are_sides_and_order_is_no_difference(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    source = project / "data/source"
    ours = build_into(tagpipe, source, tmp_path / "ours")
    rows = json.loads((source / "projects.json").read_text(encoding="utf-8"))
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    shutil.copy(source / "vocabulary.json", shuffled)
    turned = [{**row, "tags": row["tags"][::-1]} for row in rows[::-1]]
    (shuffled / "projects.json").write_text(json.dumps(turned), encoding="utf-8")
    theirs = build_into(tagpipe, shuffled, tmp_path / "theirs")
    ended = tagpipe("diff", ours, theirs, "--json")
    tree = document(ended)
    assert ended.exit_code == 0
    assert (tree["n_labels_added"], tree["n_labels_removed"], tree["tags"]["n"]) == (0, 0, 0)
    assert tree["base"]["content_sha256"] == tree["head"]["content_sha256"]
    assert [row["name"] for row in tree["sources"]["rows"]] == ["projects"]
    assert tree["is_same"]
    assert tagpipe("diff", ours, theirs, "--fail-if-different").exit_code == 0
    other = build_into(tagpipe, source, tmp_path / "other", "--params", other_cut(project, tmp_path))
    assert tagpipe("diff", ours, other, "--fail-if-different", "--no-causes").exit_code == 1


def test_a_damaged_directory_is_no_side(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    ours = build_into(tagpipe, project / "data/source", tmp_path / "ours")
    shutil.copy(ours / "annotated/projects.parquet", ours / "labeled/projects.parquet")
    ended = tagpipe("diff", ours, "workspace")
    assert ended.exit_code == 7
    assert "labeled/projects.parquet" in ended.stderr


def test_every_form_is_written_from_one_result(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    forms = [tmp_path / f"diff.{ending}" for ending in ("md", "html", "json", "parquet")]
    options = [part for path in forms for part in ("--write", path)]
    ended = tagpipe("diff", "main", "higher", "--json", *options)
    assert forms[2].read_text(encoding="utf-8") == ended.stdout
    table = pq.read_table(forms[3])
    assert table.column_names == ["project_id", "tag", "change", "cause", "factors"]
    assert table.num_rows == document(ended)["changes"]["n"] == 142
    assert set(table.column("factors").to_pylist()[0]) == {"threshold.min_projects"}
    refused = tagpipe("diff", "main", "higher", "--write", tmp_path / "diff.doc")
    assert refused.exit_code == 2
    assert "expected .md, .html, .json or .parquet" in refused.stderr


def test_without_causes_nothing_is_attributed(project: Path, tagpipe: Tagpipe) -> None:
    tree = document(tagpipe("diff", "main", "--json", "--no-causes"))
    assert tree["causes"] is None
    assert [(gate["found"], gate["passed"]) for gate in tree["gates"] if gate["name"] == "max_unexplained"] == [
        (None, False)  # what was not looked for is not known to hold
    ]
    assert {row["cause"] for row in tree["changes"]["rows"]} == {None}


def test_a_gate_is_switched_off_in_the_reviewed_file_only(project: Path, tagpipe: Tagpipe) -> None:
    assert tagpipe("diff", "main", "workspace", "--json").exit_code == 1
    off = ("max_labels_changed", "max_tags_leaving", "max_newly_unlabeled")
    set_values(project / "params.yaml", {("gates", name): None for name in off})
    ended = tagpipe("diff", "main", "workspace", "--json")
    tree = document(ended)
    assert ended.exit_code == 0
    assert {row["name"] for row in tree["params"]["rows"]} >= {f"gates.{name}" for name in off}
    assert "gates.max_tags_leaving" not in {name for _, factors, _ in groups(tree) for name in factors}


# Preview


def test_preview_says_what_an_edit_would_do_and_writes_nothing(
    project: Path, tagpipe: Tagpipe, snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    before = snapshot(project)
    tree = document(tagpipe("preview", "--set", "threshold.min_projects=12", "--json"))
    after = snapshot(project)
    assert after == before
    assert (tree["base"]["min_projects"], tree["head"]["min_projects"]) == (15, 12)
    assert groups(tree) == [("sole", ["threshold.min_projects"], tree["n_labels_added"])]


def test_preview_tells_code_from_parameters(project: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version was built by other code than that of now."""
    monkeypatch.setattr("tagpipe.io.versions.load_sides.code_version", lambda: "another tagpipe\n")
    tree = document(tagpipe("preview", "--set", "threshold.min_projects=12", "--json"))
    assert tree["causes"]["n_replays"] == 2  # with base's inputs, and with head's
    assert {tuple(factors) for _, factors, _ in groups(tree)} == {("threshold.min_projects",)}


def test_preview_is_what_the_build_then_gives(project: Path, tagpipe: Tagpipe) -> None:
    stale_params(project)
    edit_vocabulary(project, lambda tree: tree["tensorflow"].update(aliases=[]))
    foreseen = document(tagpipe("preview", "--json"))
    build(project)
    built = document(tagpipe("diff", "HEAD", "workspace", "--json"))
    differing = ("base", "head")
    assert {name: part for name, part in foreseen.items() if name not in differing} == {
        name: part for name, part in built.items() if name not in differing
    }
    assert foreseen["head"]["content_sha256"] == built["head"]["content_sha256"]


def test_preview_takes_another_vocabulary(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    tree = json.loads((project / "data/source/vocabulary.json").read_text(encoding="utf-8"))
    tree["torch"] = tree.pop("pytorch") | {"aliases": ["pytorch"]}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(tree), encoding="utf-8")
    found = document(tagpipe("preview", "--vocabulary", other, "--json"))
    (move,) = found["moves"]["rows"]
    assert (move["kind"], move["old"], move["new"], move["declared"]) == ("rename", "pytorch", "torch", True)
    assert move["n_moved"] == move["n_lost"] > 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "threshold.min_project=3"), "there is no such parameter"),
        (("--set", "threshold.min_projects=many"), "threshold.min_projects: Input should be a valid integer"),
        (("--set", "threshold"), "expected NAME=VALUE"),
        (("--set", "threshold.min_projects=[1"), "not YAML"),
        (("--sweep", "threshold.min_projects=9..3:1"), "not a sweep"),
        (("--sweep", "threshold.min_projects=1..900"), "1 to 200 values"),
        (("--sweep", "threshold.min_projects=1..3:0"), "not a sweep"),
        (("--sweep", "threshold.min=1..3"), "there is no such parameter"),
        (("--plot", "x.svg"), "--plot draws a sweep"),
        (("--sweep", "threshold.min_projects=1..3", "--write", "x.html"), "a sweep compares nothing"),
        (("--sweep", "threshold.min_projects=1..3", "--plot", "x.pdf"), "expected .png or .svg"),
    ],
)
def test_a_wrong_preview_is_one_error(project: Path, tagpipe: Tagpipe, arguments: tuple[str, ...], words: str) -> None:
    ended = tagpipe("preview", *arguments)
    assert ended.exit_code == 2
    assert words in ended.stderr


def test_preview_needs_a_whole_version(project: Path, tagpipe: Tagpipe) -> None:
    (project / "data/labeled/tags.parquet").unlink()
    ended = tagpipe("preview")
    assert ended.exit_code == 7
    assert "tags.parquet" in ended.stderr


def test_a_sweep_counts_what_each_cut_keeps(project: Path, tagpipe: Tagpipe, tmp_path: Path) -> None:
    plot = tmp_path / "new folder/sweep.svg"
    ended = tagpipe("preview", "--sweep", "threshold.min_projects=5..20:5", "--plot", plot, "--json")
    rows = json.loads(ended.stdout)
    assert [row["value"] for row in rows] == [5, 10, 15, 20]
    kept = [row["n_tags_kept"] for row in rows]
    assert kept == sorted(kept, reverse=True)
    assert rows[2]["n_tags_kept"] == document(tagpipe("diff", "main", "--json"))["head"]["n_tags_kept"]
    assert all(count >= row["value"] for row in rows for _, count in row["just_made"])
    assert all(count < row["value"] for row in rows for _, count in row["just_missed"])
    assert plot.read_text(encoding="utf-8").count("<svg") == 1


# Log and history


def test_log_shows_each_version_and_what_made_it(project: Path, tagpipe: Tagpipe) -> None:
    rows = json.loads(tagpipe("log", "--json").stdout)
    assert [(row["subject"], row["causes"]) for row in rows] == [
        ("the sample", ["first"]),
        ("a higher cut", ["parameters"]),
        ("pytorch without aliases", ["vocabulary"]),
    ]
    assert len(rows[1]["left"]) == 11
    assert rows[1]["content_sha256"] == document(tagpipe("diff", "main", "higher", "--json"))["head"]["content_sha256"]
    shown = tagpipe("log", "--most", 1).stdout
    assert "vocabulary" in shown
    assert "parameters" not in shown


def test_history_follows_one_tag(project: Path, tagpipe: Tagpipe) -> None:
    rows = json.loads(tagpipe("history", "golang", "--json").stdout)
    assert [(row["n_projects"], row["is_kept"], row["min_projects"]) for row in rows] == [
        (12, True, 12),
        (12, False, 15),
        (12, False, 15),
    ]
    shown = tagpipe("history", "golang").stdout
    assert "golang  ███" in shown
    unknown = tagpipe("history", "go-lang")
    assert unknown.exit_code == 3
    assert 'such as "golang"' in unknown.stderr


def test_log_takes_any_subject_and_leaves_out_what_nobody_built(project: Path, tagpipe: Tagpipe) -> None:
    lock = project / "dvc.lock"
    whole = lock.read_text(encoding="utf-8")
    for report in ("[]", "{}"):
        (project / "data/reports/threshold.json").write_text(report, encoding="utf-8")
        lock.write_text(f"# {report}\n{whole}", encoding="utf-8")
        commit(project, "broken report")
    git(project, "checkout", "-q", "HEAD~2", "--", ".")
    lock.write_text(f"# whole\n{whole}", encoding="utf-8")
    commit(project, "a subject\u2028in two\x0clines")
    lock.write_text("[]\n", encoding="utf-8")
    commit(project, "broken lock")
    rows = json.loads(tagpipe("log", "--json").stdout)
    assert [row["subject"] for row in rows][-2:] == ["pytorch without aliases", "a subject\u2028in two\x0clines"]
    assert "\u2028" not in tagpipe("log").stdout


def test_log_needs_versions(tmp_path: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch) -> None:
    init_repository(tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    ended = tagpipe("log")
    assert ended.exit_code == 3
    assert "tagpipe run" in ended.stderr

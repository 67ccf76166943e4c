"""A version as people ask about it: explain and verify on the command line, and files that were damaged since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tagpipe as package
from tagpipe.io.repository.files import read_table, write_table
from tagpipe.io.repository.layout import packaged_file

Snapshot = Callable[[Path], dict[str, bytes]]

JSON_ROWS: list[Any] = [
    {"id": 1, "title": "One", "tags": ["torch", "Rare", "unheard-of"]},
    {"id": 2, "title": "Two", "tags": ["pytorch"]},
    {"id": 4, "title": " ", "tags": []},
    {"id": True, "title": "Five", "tags": []},
    {"id": "six", "title": "Six", "tags": []},
    {"id": 7.0, "title": "Seven", "tags": []},
]
CSV_ROWS = "id,title,tags\n1,One,torch\n2,Two,pytorch\n4, ,pytorch\n+5, ,pytorch\nsix,Six,pytorch\n"
VOCABULARY = {"pytorch": {"aliases": ["torch"]}, "rare": {}}
TABLES = ("annotated/projects", "annotated/tag_uses", "labeled/projects", "labeled/tags")


def build(folder: Path, projects: str, text: str, **changes: str) -> Path:
    (folder / projects).write_text(text)
    (folder / "v.json").write_text(json.dumps(VOCABULARY))
    params = packaged_file("params.yaml").read_text()
    for old, new in {
        "min_projects: 12": "min_projects: 2",
        "max_rejected: 0.05": "max_rejected: 0.9",
        **changes,
    }.items():
        assert params.count(old) == 1, old
        params = params.replace(old, new)
    (folder / "params.yaml").write_text(params)
    package.build(folder / projects, folder / "v.json", params=folder / "params.yaml", out=folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def of_json(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("json"), "p.json", json.dumps(JSON_ROWS))


@pytest.fixture(scope="module")
def of_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("csv"), "p.csv", CSV_ROWS)


@pytest.fixture
def version(of_json: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(of_json, tmp_path / "out")
    return tmp_path / "out"


# explain


def test_explain_a_project(of_json: Path, tagpipe: Any) -> None:
    ended = tagpipe("explain", "1", "--dir", of_json)
    assert ended.exit_code == 0
    assert ended.stdout.splitlines() == [
        "project 1: labeled with 1 tag: pytorch",
        "raw tag     outcome            why",
        "torch       alias              'torch' -> alias of pytorch -> kept: 2 projects, at least 2",
        "Rare        kept               'Rare' -> normalised to 'rare' -> the tag rare -> cut at 1 < 2",
        "unheard-of  out_of_vocabulary  'unheard-of' -> not in the vocabulary",
    ]


def test_explain_one_tag(of_json: Path, tagpipe: Any) -> None:
    assert tagpipe("explain", "1", "torch", "--dir", of_json).stdout.startswith("project 1: has pytorch\n")
    ended = tagpipe("explain", "2", "rare", "--dir", of_json)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == (
        "project 2: lacks rare: none of its tags is it, an alias of it or implies it (1 projects have it)\n"
    )


def test_explain_as_json(of_json: Path, tagpipe: Any) -> None:
    told = json.loads(tagpipe("explain", "1", "rare", "--dir", of_json, "--json").stdout)
    assert (told["project_id"], told["tag"], told["tags"]) == (1, "rare", ["pytorch"])
    assert [(use["raw_tag"], use["outcome"], use["n_projects"], use["is_labeled"]) for use in told["uses"]] == [
        ("Rare", "kept", 1, False)
    ]


def test_explain_follows_aliases_as_the_build_did(tmp_path: Path, tagpipe: Any) -> None:
    out = build(tmp_path, "p.json", json.dumps(JSON_ROWS), **{"aliases: true": "aliases: false"})
    said = tagpipe("explain", "1", "pytorch", "--dir", out).stdout
    assert "an alias of it" not in said
    assert "aliases are not followed (annotate.aliases: false)" in said


@pytest.mark.parametrize(
    ("project_id", "words"),
    [
        ("4", 'Row 3 with this id was rejected: title is blank (" ")'),
        ("+04", "Row 3 with this id was rejected"),
        ("six", 'Row 5 with this id was rejected: id is wrong_type ("six")'),
        ("99", "Look the id up"),
        ("9" * 5000, "expected an integer"),
        ("2_0", "expected an integer"),
        ("１", "expected an integer"),
        ("True", "expected an integer"),
        ("seven", "expected an integer"),
    ],
)
def test_explain_tells_why_there_is_no_such_project(project_id: str, words: str, of_json: Path, tagpipe: Any) -> None:
    ended = tagpipe("explain", project_id, "--dir", of_json)
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert "field PROJECT_ID" in ended.stderr
    assert words in ended.stderr
    assert ("rejected" in words) == ("rejected" in ended.stderr)


@pytest.mark.parametrize("project_id", ["1", "+1", "01"])
def test_true_is_not_the_id_1(project_id: str, of_json: Path, tagpipe: Any) -> None:
    assert tagpipe("explain", project_id, "--dir", of_json).stdout.startswith("project 1: labeled")


@pytest.mark.parametrize(("project_id", "row"), [("4", 3), ("5", 4), ("+5", 4), ("six", 5)])
def test_explain_finds_rejected_rows_of_csv(project_id: str, row: int, of_csv: Path, tagpipe: Any) -> None:
    ended = tagpipe("explain", project_id, "--dir", of_csv)
    assert ended.exit_code == 3
    assert f"Row {row} with this id was rejected" in ended.stderr


def test_a_hostile_id_reaches_the_terminal_as_text(tmp_path: Path, tagpipe: Any) -> None:
    hostile = "p\x1b]0;owned\x07\u202e1"
    rows = [{"id": hostile, "title": "t", "tags": ["torch"]}, {"id": "q", "title": "t", "tags": ["torch"]}]
    out = build(tmp_path, "p.json", json.dumps(rows), **{"id: integer": "id: string"})
    ended = tagpipe("explain", hostile, "--dir", out)
    assert ended.exit_code == 0
    assert ended.stdout.startswith("project p\\x1b]0;owned\\x07\\u202e1: labeled with 1 tag: pytorch\n")


# verify


def test_verify_names_every_digest(version: Path, tagpipe: Any) -> None:
    ended = tagpipe("verify", version)
    assert ended.exit_code == 0
    shown = dict(reversed(line.split("  ")) for line in ended.stdout.splitlines())
    manifest = json.loads((version / "labeled/manifest.json").read_bytes())
    assert set(shown) == {*(f"{name}.parquet" for name in TABLES), "content"}
    assert shown["content"] == manifest["content_sha256"]


def change_a_value(path: Path) -> None:
    """The first value of the last column of another type than a list."""
    table = read_table(path)
    at = next(i for i in reversed(range(table.num_columns)) if not pa.types.is_list(table.schema.field(i).type))
    values = table.column(at).to_pylist()
    values[0] = (not values[0]) if isinstance(values[0], bool) else f"{values[0]}!"
    changed = pa.array(values, table.schema.field(at).type)
    write_table(path, table.set_column(at, table.schema.field(at), changed))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def drop_a_column(path: Path) -> None:
    table = read_table(path)
    write_table(path, table.drop_columns(table.column_names[-1]))


def change_a_type(path: Path) -> None:
    table = pq.read_table(path)
    numbers = pa.array(range(table.num_rows), pa.float32())
    pq.write_table(table.set_column(0, table.column_names[0], numbers), path)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("damage", [change_a_value, Path.unlink, truncate, make_folder, drop_a_column, change_a_type])
def test_verify_names_the_damaged_table(
    damage: Callable[[Path], None], table: str, version: Path, tagpipe: Any
) -> None:
    damage(version / f"{table}.parquet")
    ended = tagpipe("verify", version)
    assert (ended.exit_code, ended.stdout) == (7, "")
    assert ended.stderr.startswith(f"error: {table}.parquet: 1 file differs from the manifest")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("key", ["content_sha256", *("annotate/tag_uses", "threshold/tags")])
def test_verify_names_what_a_changed_manifest_no_longer_fits(key: str, version: Path, tagpipe: Any) -> None:
    path = version / "labeled/manifest.json"
    manifest = json.loads(path.read_bytes())
    if key == "content_sha256":
        manifest[key] = "0" * 64
    else:
        manifest["tables"][key]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    ended = tagpipe("verify", version)
    assert ended.exit_code == 7
    named = {"annotate/tag_uses": "annotated/tag_uses.parquet", "threshold/tags": "labeled/tags.parquet"}
    assert named.get(key, "labeled/manifest.json") in ended.stderr
    assert "0" * 64 in ended.stderr


# Damaged files


def edit_json(path: Path, *keys: str, to: object) -> None:
    tree = json.loads(path.read_bytes())
    if keys:
        inner = tree
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
    else:
        tree = to
    path.write_text(json.dumps(tree))


DAMAGED = [
    ("verify", "labeled/manifest.json", ("tables",), [1]),
    ("verify", "labeled/manifest.json", (), []),
    ("verify", "labeled/manifest.json", ("tables",), {"annotate/projects": 5}),
    ("verify", "reports/threshold.json", (), []),
    ("summary", "reports/threshold.json", (), []),
    ("summary", "reports/threshold.json", ("most_popular",), ["abc"]),
    ("summary", "reports/threshold.json", ("most_popular",), [["a", "1"]]),
    ("summary", "reports/threshold.json", ("projects", "n_unlabeled"), [3]),
    ("summary", "reports/threshold.json", ("cardinality",), "1"),
    ("summary", "reports/annotation.json", ("tags", "out_of_vocabulary"), {"a": 1}),
    ("summary", "reports/validation.json", ("vocabulary",), None),
    ("summary", "reports/validation.json", ("projects", "n_in"), "\x1b[31m"),
    ("explain", "labeled/manifest.json", ("params", "threshold"), {}),
    ("explain", "labeled/manifest.json", ("params", "annotate"), {"aliases": "yes"}),
    ("explain", "validated/vocabulary.json", ("tags",), [{"tag": "a"}]),
    ("explain", "validated/vocabulary.json", (), 5),
    ("explain-absent", "validated/rejected.jsonl", (), [1]),
]


@pytest.mark.parametrize("with_sums", [True, False], ids=["recorded", "not recorded"])
@pytest.mark.parametrize(("command", "file", "keys", "to"), DAMAGED)
def test_a_file_of_another_form_is_named(
    command: str, file: str, keys: tuple[str, ...], to: object, with_sums: bool, version: Path, tagpipe: Any
) -> None:
    if not with_sums:  # as a folder that an earlier tagpipe built
        (version / "SHA256SUMS").unlink()
    if file.endswith(".jsonl"):
        (version / file).write_text(json.dumps(to) + "\n")
    else:
        edit_json(version / file, *keys, to=to)
    arguments = {
        "explain": ["explain", "1", "--dir", version],
        "explain-absent": ["explain", "99", "--dir", version],
    }
    ended = tagpipe(*arguments.get(command, [command, version]))
    assert (ended.exit_code, ended.stdout) == (7, "")
    is_read = not with_sums or command == "verify"
    assert ended.stderr.startswith(f"error: {file}, field {'.'.join(keys)}" if is_read else f"error: {file}: sha256 ")
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stderr


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"{}"])
@pytest.mark.parametrize("file", ["labeled/manifest.json", "reports/threshold.json", "validated/rejected.jsonl"])
def test_a_file_that_is_no_json_is_named(file: str, data: bytes, version: Path, tagpipe: Any) -> None:
    (version / file).write_bytes(data)
    if file == "validated/rejected.jsonl":
        ended = tagpipe("explain", "99", "--dir", version)
    else:
        ended = tagpipe("verify", version)
    assert ended.exit_code == 7
    assert file in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["annotated/projects", "annotated/tag_uses", "labeled/tags"])
@pytest.mark.parametrize("damage", [change_a_type, truncate, Path.unlink])
def test_explain_names_a_damaged_table(damage: Callable[[Path], None], name: str, version: Path, tagpipe: Any) -> None:
    damage(version / f"{name}.parquet")
    ended = tagpipe("explain", "1", "--dir", version)
    assert ended.exit_code == (3 if damage is Path.unlink else 7)
    assert ended.stderr.startswith(f"error: {name}.parquet")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("    outs:\n      - data/raw\n", "    outs: 5\n", "stages.fetch.outs"),
        ("    outs:\n      - data/raw\n", "    outs: [[data/raw]]\n", "stages.fetch.outs"),
        ("    outs:\n      - data/raw\n", "    outs: [{data/raw: 5}]\n", "stages.fetch.outs"),
        ("    deps:\n      - data/raw\n", "    deps:\n    cmds:\n", "stages.validate.deps"),
    ],
)
def test_a_stage_of_another_form_is_named(old: str, new: str, field: str, tmp_path: Path, tagpipe: Any) -> None:
    text = packaged_file("dvc.yaml").read_text()
    assert text.count(old) == 1
    (tmp_path / "dvc.yaml").write_text(text.replace(old, new))
    for command in ("summary", "verify"):
        ended = tagpipe(command, tmp_path)
        assert ended.exit_code == 2
        assert "dvc.yaml" in ended.stderr
        assert f"field {field}" in ended.stderr


def test_a_project_without_a_stage_is_one_error(tmp_path: Path, tagpipe: Any) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {other: {cmd: x}}\n")
    ended = tagpipe("summary", tmp_path)
    assert ended.exit_code == 2
    assert "has no stage validate" in ended.stderr


def test_a_project_without_stages_is_one_error(tmp_path: Path, tagpipe: Any) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    ended = tagpipe("summary", tmp_path)
    assert ended.exit_code == 2
    assert "has no stages" in ended.stderr

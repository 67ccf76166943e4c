"""The form in which vocabularies and curation lists are written, and what an edit of another form does to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tagpipe.curation.canonical_form import rewrite_list, rewrite_vocabulary
from tagpipe.curation.edits import add_alias, add_tag, deprecate_tag, merge_tags, rename_tag
from tagpipe.errors import EditRefused, InputError
from tagpipe.vocabulary.curation_lists import ListName
from tagpipe.vocabulary.entries import Entry, read_entries

ROOT = Path(__file__).parents[3]


def rewrite(old: str, suffix: str, change: Callable[[Sequence[Entry]], Sequence[Entry]] = tuple) -> str:
    """The file after an edit of its entries."""
    entries = change(read_entries(old.encode(), suffix, file="v"))
    return rewrite_vocabulary(old.encode(), suffix, entries, file="v").decode()


OBJECT = """{
  "a": {"aliases": ["x", "y"], "parents": []},
  "b": {"aliases": [], "parents": ["a"]},
  "d": {"aliases": [], "parents": [], "deprecated": true, "replaced_by": "b"}
}
"""
LIST = """[
  {"tag": "b", "aliases": [], "parents": ["a"]},
  {"tag": "a", "aliases": ["é"], "parents": []}
]
"""
LINES = '{"tag": "b", "aliases": [], "parents": ["a"]}\n{"tag": "a", "aliases": ["x"], "parents": []}\n'
TABLE = 'tag,aliases,parents\nb,,a\n"a""",x|y,\n'
WITH_DEPRECATED = "tag,aliases,parents,deprecated,replaced_by\nb,,,,\na,x,,true,b\n"
CANONICAL = [(OBJECT, ".json"), (LIST, ".json"), (LINES, ".ndjson"), (TABLE, ".csv"), (WITH_DEPRECATED, ".csv")]


@pytest.mark.parametrize(("text", "suffix"), CANONICAL)
def test_a_file_in_canonical_form_keeps_its_bytes(text: str, suffix: str) -> None:
    assert rewrite(text, suffix) == text


@pytest.mark.parametrize(
    ("text", "suffix", "canonical"),
    [
        (json.dumps(json.loads(OBJECT), indent="\t").replace("\n", "\r\n"), ".json", OBJECT),
        (json.dumps(json.loads(OBJECT), separators=(",", ":")), ".json", OBJECT),
        (f"\n {json.dumps(json.loads(LIST))}", ".json", LIST),  # escaped
        (
            '[{"parents": ["a"], "tag": "b"}, {"aliases": ["\\u00E9"], "tag": "a", "deprecated": false}]',
            ".json",
            LIST,
        ),
        (LINES.replace("\n", "\r\n\r\n").rstrip(), ".ndjson", LINES),
        (LINES.replace(" ", ""), ".jsonl", LINES),
        ('\ufeffaliases,"tag",parents\r\n,b,a\r\n\r\nx|y,"a""",""', ".csv", TABLE),
        ("replaced_by,deprecated,tag,aliases\n,,b,\nb,TRUE,a,x\n", ".csv", WITH_DEPRECATED),
        ("tag,deprecated\na,\n", ".csv", "tag,aliases,parents\na,,\n"),
    ],
)
def test_any_other_form_of_the_same_entries_is_written_in_the_canonical_one(
    text: str, suffix: str, canonical: str
) -> None:
    assert rewrite(text, suffix) == canonical


def test_an_edit_of_a_canonical_file_changes_the_lines_of_its_entries_alone() -> None:
    assert rewrite(OBJECT, ".json", lambda old: add_tag(old, "c", parents=["a"])) == OBJECT.replace(
        '  "d":', '  "c": {"aliases": [], "parents": ["a"]},\n  "d":'
    )
    assert rewrite(OBJECT, ".json", lambda old: add_alias(old, "z", "b")) == OBJECT.replace(
        '"b": {"aliases": []', '"b": {"aliases": ["z"]'
    )
    assert rewrite(LIST, ".json", lambda old: rename_tag(old, "b", "bb")) == LIST.replace(
        '"b", "aliases": []', '"bb", "aliases": ["b"]'
    )
    assert rewrite(LINES, ".ndjson", lambda old: merge_tags(old, "a", "b")) == (
        '{"tag": "b", "aliases": ["a", "x"], "parents": []}\n'
    )
    assert rewrite(TABLE, ".csv", lambda old: add_tag(old, "c", aliases=["u", "v"])) == TABLE + "c,u|v,\n"
    assert rewrite(OBJECT, ".json", lambda old: deprecate_tag(old, "b", replaced_by="a")) == OBJECT.replace(
        '"parents": ["a"]', '"parents": ["a"], "deprecated": true, "replaced_by": "a"'
    ).replace('"replaced_by": "b"', '"replaced_by": "a"')


def test_columns_of_deprecated_tags_are_there_if_a_tag_is_deprecated() -> None:
    assert rewrite(
        "tag,aliases,parents\na,x,\nb,,\n", ".csv", lambda old: deprecate_tag(old, "b", replaced_by="a")
    ) == ("tag,aliases,parents,deprecated,replaced_by\na,x,,,\nb,,,true,a\n")


def test_a_name_with_the_separator_is_refused_in_csv() -> None:
    with pytest.raises(EditRefused, match=r"separates names by \|") as caught:
        rewrite("tag,aliases\na,x\n", ".csv", lambda old: add_alias(old, "u|v", "a"))
    assert (caught.value.file, caught.value.field, caught.value.found) == ("v", 'aliases of "a"', '"u|v"')
    assert rewrite("tag\na\n", ".csv", lambda old: add_tag(old, "u|v")) == "tag,aliases,parents\na,,\nu|v,,\n"


def test_entries_that_the_form_would_not_give_back_are_refused() -> None:
    with pytest.raises(EditRefused, match="cannot be written in the form of this file") as caught:
        rewrite("tag,aliases\na,x\n", ".csv", lambda old: (*old, Entry("b", ("",))))
    assert caught.value.file == "v"


def test_a_file_without_entries_takes_the_first() -> None:
    for old, suffix in (("{}", ".json"), ("[]\n", ".json"), ("", ".ndjson"), ("tag\n", ".csv"), ("tag\r\n", ".csv")):
        entries = (Entry("a"), Entry("b", ("x",)))
        written = rewrite_vocabulary(old.encode(), suffix, entries, file="v")
        assert read_entries(written, suffix, file="v") == entries


def test_the_committed_vocabulary_is_in_canonical_form() -> None:
    data = (ROOT / "data/source/vocabulary.json").read_text()
    assert rewrite(data, ".json") == data


# Curation lists


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"schema":1,"tags":["a","c"],"patterns":["z", "y"]}', {"tags": ["a", "b", "c"], "patterns": ["z", "y"]}),
        ('{"schema": 1, "tags": [], "patterns": []}', {"tags": ["b"], "patterns": []}),
        ('{"patterns": [], "tags": ["c", "a"], "schema": 1}\n', {"tags": ["c", "a", "b"], "patterns": []}),
        (
            '{\r\n"schema": 1,\r\n\t"tags": ["0", "\\u0061", "c"],\r\n"patterns": []}',
            {"tags": ["0", "a", "b", "c"], "patterns": []},
        ),
    ],
)
def test_a_tag_is_added_where_the_order_wants_it(before: str, after: dict[str, list[str]]) -> None:
    check_added(before, "tags", "b", after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"schema":1,"pairs":[["a","c"],["x","y"]]}', [["a", "c"], ["b", "é"], ["x", "y"]]),
        ('{"pairs": [["y", "x"], ["a", "c"]], "schema": 1}', [["y", "x"], ["a", "c"], ["b", "é"]]),
        ('{\n  "schema": 1,\n  "pairs": []\n}\n', [["b", "é"]]),
    ],
)
def test_a_pair_is_added_where_the_order_wants_it(before: str, after: list[list[str]]) -> None:
    check_added(before, "pairs", ["b", "é"], {"pairs": after})


def check_added(before: str, name: ListName, element: str | list[str], after: dict[str, list[object]]) -> None:
    written = rewrite_list(before.encode(), name, element, file="f")
    assert json.loads(written) == {"schema": 1, **after}
    canonical = rewrite_list(before.encode(), name, file="f")
    assert json.loads(canonical) == json.loads(before)
    assert rewrite_list(canonical, name, file="f") == canonical
    new, old = written.decode().splitlines(), canonical.decode().splitlines()
    if len(after[name]) > 1:  # else the brackets of an empty list part
        assert len(set(new) - set(old)) <= 2  # the element, and the comma behind the one before it


def test_a_list_that_cannot_be_read_is_an_input_error() -> None:
    with pytest.raises(InputError, match="is not in normal form"):
        rewrite_list(b'{"schema": 1, "tags": ["A b"], "patterns": []}', "tags", "c", file="f")

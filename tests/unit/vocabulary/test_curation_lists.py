"""ignore.json and not-same.json: what is read, what is refused, and what is written."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from support.paths import REPO

from tagpipe.errors import InputError
from tagpipe.vocabulary.curation_lists import (
    DistinctNames,
    Ignored,
    dump_lists,
    empty_file,
    find_ignored,
    find_pattern,
    parse_ignored,
    parse_not_same,
)

CURATION = REPO / "data" / "curation"
ARXIV = r"(arxiv:)?[0-9]{4}\.[0-9]{4,5}(v[0-9]+)?"


def ignored_of(tags: list[object], patterns: list[object]) -> Ignored:
    return parse_ignored(
        json.dumps({"schema": 1, "tags": tags, "patterns": patterns}).encode(), file="data/curation/ignore.json"
    )


def test_both_files_are_read_in_any_order_and_written_in_one() -> None:
    ignored = ignored_of(["b", "a", "b", "基于"], ["x+", "a|b"])
    assert ignored == Ignored(("a", "b", "基于"), ("a|b", "x+"))
    written = dump_lists({"tags": ignored.tags, "patterns": ignored.patterns})
    assert written.decode() == (
        '{\n  "schema": 1,\n  "tags": [\n    "a",\n    "b",\n    "基于"\n  ],\n'
        '  "patterns": [\n    "a|b",\n    "x+"\n  ]\n}\n'
    )
    assert parse_ignored(written, file="f") == ignored
    pairs = parse_not_same(b'{"schema": 1, "pairs": [["y", "x"], ["c", "c++"]]}', file="f")
    assert pairs == DistinctNames(frozenset({("c", "c++"), ("x", "y")}))
    written = dump_lists({"pairs": sorted(pairs.pairs)})
    assert written == b'{\n  "schema": 1,\n  "pairs": [\n    ["c", "c++"],\n    ["x", "y"]\n  ]\n}\n'
    assert parse_not_same(written, file="f") == pairs


def test_an_empty_file_says_what_no_file_says() -> None:
    assert empty_file("pairs") == b'{\n  "schema": 1,\n  "pairs": []\n}\n'
    assert parse_not_same(empty_file("pairs"), file="f") == DistinctNames()
    assert parse_ignored(empty_file("tags"), file="f") == Ignored()


def test_a_pair_holds_in_any_order_and_spelling() -> None:
    pairs = DistinctNames(frozenset({("supervised-learning", "unsupervised-learning")}))
    assert pairs.holds("Unsupervised Learning", "supervised_learning")
    assert not pairs.holds("supervised-learning", "self-supervised-learning")


def test_a_pattern_is_for_the_whole_form() -> None:
    forms = pa.array(["article", "articles", "2003.08934", "arxiv:2003.08934v2", "x2003.08934", "a\n2003.08934", ""])
    found = find_ignored(forms, Ignored(("article",), (ARXIV, "a|artic")))
    assert found.tolist() == [True, False, True, True, False, False, False]
    assert find_ignored(pa.array([], pa.string()), Ignored(("a",), ("b",))).tolist() == []
    assert find_ignored(forms, Ignored()).tolist() == [False] * len(forms)
    assert find_pattern("article", Ignored(("article",), (ARXIV, "a|artic", "art.*", "a.*"))) == "art.*"
    assert find_pattern("articles", Ignored((), (ARXIV, "a|artic"))) is None


@pytest.mark.parametrize("pattern", ["(", "a)|(b", r"\Qopen", "(?=ahead)", r"(a)\1", "a{5000}", "", "[z-a]", "\ud800"])
def test_a_pattern_that_re2_refuses_is_refused_by_row(pattern: str) -> None:
    with pytest.raises(InputError) as caught:
        ignored_of([], ["fine", pattern])
    assert (caught.value.field, caught.value.row, caught.value.exit_code) == ("patterns", 2, 3)
    assert caught.value.file == "data/curation/ignore.json"
    assert caught.value.fix


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"[]", None),
        (b'{"schema": 1, "tags": []}', None),
        (b'{"schema": 1, "tags": [], "patterns": [], "more": 1}', None),
        (b'{"schema": 2, "tags": [], "patterns": []}', "schema"),
        (b'{"schema": true, "tags": [], "patterns": []}', "schema"),
        (b'{"schema": 1, "tags": {}, "patterns": []}', "tags"),
        (b'{"schema": 1, "tags": [1], "patterns": []}', "tags"),
        (b'{"schema": 1, "tags": ["  "], "patterns": []}', "tags"),
        (b'{"schema": 1, "tags": ["Not Normal"], "patterns": []}', "tags"),
        (b'{"schema": 1, "tags": ["\\ud800"], "patterns": []}', "tags"),
        (b'{"schema": 1, "tags": [], "patterns": [null]}', "patterns"),
        (b'{"schema": 1, "schema": 1, "tags": [], "patterns": []}', None),
    ],
)
def test_another_form_of_ignore_json_is_refused(data: bytes, field: str | None) -> None:
    with pytest.raises(InputError) as caught:
        parse_ignored(data, file="ignore.json")
    assert (caught.value.file, caught.value.field) == ("ignore.json", field)


def test_a_tag_that_is_not_in_normal_form_is_refused_by_row() -> None:
    with pytest.raises(InputError) as caught:
        ignored_of(["fine", "Not Normal"], [])
    assert (caught.value.field, caught.value.row, caught.value.expected) == ("tags", 2, '"not-normal"')


@pytest.mark.parametrize("pair", ['["a"]', '["a", "a"]', '["a", "b", "c"]', '"ab"', '["a", "B"]', '["a", 1]'])
def test_another_form_of_not_same_json_is_refused(pair: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_not_same(f'{{"schema": 1, "pairs": [["x", "y"], {pair}]}}'.encode(), file="not-same.json")
    assert (caught.value.field, caught.value.row) == ("pairs", 2)


def test_the_committed_files_are_in_the_form_that_is_written() -> None:
    data = (CURATION / "ignore.json").read_bytes()
    ignored = parse_ignored(data, file="ignore.json")
    assert dump_lists({"tags": ignored.tags, "patterns": ignored.patterns}) == data
    data = (CURATION / "not-same.json").read_bytes()
    assert dump_lists({"pairs": sorted(parse_not_same(data, file="not-same.json").pairs)}) == data
    forms = pa.array(["tutorial", "arxiv:1706.03762", "cvpr-2020", "bert", "gpt-2", "c++", "3d", "t5"])
    found = find_ignored(forms, ignored)
    assert found.tolist() == [True, True, True, False, False, False, False, False]

"""The curated vocabulary: its forms, its errors, its warnings."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from support.samples import DAG, vocabulary_of

from tagpipe.errors import InputError
from tagpipe.tables.reports.validation import VocabularyFile
from tagpipe.vocabulary.lint import find_near_duplicates, find_warnings
from tagpipe.vocabulary.problems import read_vocabulary
from tagpipe.vocabulary.vocabulary import Vocabulary, find_ancestors, load_vocabulary, resolve_names, resolve_parents


def refuse(tree: object, suffix: str = ".json") -> InputError:
    data = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    with pytest.raises(InputError) as caught:
        read_vocabulary(data, suffix, file="v")
    assert caught.value.exit_code == 3
    assert str(caught.value.file).startswith("v")
    return caught.value


# Forms


def test_all_forms_give_the_same_vocabulary() -> None:
    entries = [{"tag": tag, **entry} for tag, entry in DAG.items()]
    lines = "\n".join(map(json.dumps, entries)).encode()
    rows = [f"{each['tag']},{'|'.join(each['aliases'])},{'|'.join(each['parents'])}" for each in entries]
    table = "\n".join(["tag,aliases,parents", *rows]).encode()
    from_object = vocabulary_of(DAG)
    assert vocabulary_of(entries) == from_object
    assert vocabulary_of(entries[::-1]) == from_object
    assert read_vocabulary(lines, ".ndjson", file="v") == from_object
    assert read_vocabulary(table, ".csv", file="v") == from_object


def test_the_normal_form_is_ordered_and_reads_back() -> None:
    vocabulary = vocabulary_of({"b": {"aliases": ["z", "y", "z"], "parents": ["a", "a"]}, "a": {}})
    assert vocabulary.as_dict() == {
        "schema": 1,
        "tags": [
            {"tag": "a", "aliases": [], "parents": []},
            {"tag": "b", "aliases": ["y", "z"], "parents": ["a"]},
        ],
    }
    assert load_vocabulary(VocabularyFile.model_validate(json.loads(json.dumps(vocabulary.as_dict())))) == vocabulary


def test_the_normal_form_is_loaded_from_any_order() -> None:
    tags = [
        {"tag": "b", "aliases": ["z", "y", "z"], "parents": [*"xwvua", "x"]},
        {"tag": "a", "aliases": [], "parents": []},
    ]
    file = VocabularyFile.model_validate({"schema": 1, "tags": tags, "deprecated": ["q", "p"]})
    assert load_vocabulary(file) == Vocabulary(
        ("a", "b"), ((), ("y", "z")), ((), ("a", "u", "v", "w", "x")), ("p", "q")
    )


def test_a_deprecated_tag_means_its_replacement_or_nothing() -> None:
    tree = {
        "keras": {"aliases": ["k"], "parents": ["old-up"]},
        "old-keras": {"aliases": ["ok"], "parents": ["gone"], "deprecated": True, "replaced_by": "keras"},
        "gone": {"aliases": ["g"], "parents": ["gone-too"], "deprecated": True},
        "gone-too": {"deprecated": True},
        "old-up": {"deprecated": True, "replaced_by": "up"},
        "up": {"deprecated": False, "replaced_by": None},
    }
    vocabulary = vocabulary_of(tree)
    assert vocabulary == Vocabulary(
        ("keras", "up"), (("k", "ok", "old-keras"), ("old-up",)), (("old-up",), ()), ("g", "gone", "gone-too")
    )
    assert resolve_names(vocabulary) == {"k": 0, "ok": 0, "old-keras": 0, "keras": 0, "old-up": 1, "up": 1}
    assert resolve_parents(vocabulary) == [(1,), ()]
    assert vocabulary.as_dict()["deprecated"] == ["g", "gone", "gone-too"]
    assert load_vocabulary(VocabularyFile.model_validate(json.loads(json.dumps(vocabulary.as_dict())))) == vocabulary


def test_deprecation_reads_the_same_from_every_form() -> None:
    entries = [
        {"tag": "a", "aliases": ["x"]},
        {"tag": "b", "deprecated": True, "replaced_by": "a"},
        {"tag": "c", "deprecated": True},
    ]
    expected = Vocabulary(("a",), (("b", "x"),), ((),), ("c",))
    lines = "\n".join(map(json.dumps, entries)).encode()
    assert vocabulary_of(entries) == expected
    assert read_vocabulary(lines, ".ndjson", file="v") == expected
    table = b"tag,aliases,deprecated,replaced_by\na,x,,\nb,,true,a\nc,,TRUE,\n"
    assert read_vocabulary(table, ".csv", file="v") == expected
    assert read_vocabulary(b"tag,deprecated\na,false\nc,True\n", ".csv", file="v").deprecated == ("c",)


def test_names_resolve_and_a_canonical_one_wins() -> None:
    vocabulary = vocabulary_of({"deep-learning": {"aliases": ["Deep Learning", "DL"]}, "b": {}})
    assert resolve_names(vocabulary) == {"b": 0, "deep-learning": 1, "dl": 1}
    assert resolve_names(vocabulary, normalize=False) == {"b": 0, "deep-learning": 1, "Deep Learning": 1, "DL": 1}
    assert resolve_names(vocabulary, aliases=False) == {"b": 0, "deep-learning": 1}


def test_a_canonical_name_beats_an_alias_of_another_tag() -> None:
    # read_vocabulary refuses such a vocabulary; the rule still decides.
    vocabulary = Vocabulary(("a", "b"), (("B", "x"), ()), ((), ()))
    assert resolve_names(vocabulary) == {"a": 0, "b": 1, "x": 0}


def test_ancestors() -> None:
    vocabulary = vocabulary_of(DAG)
    tags = vocabulary.tags
    assert tags == ("ai", "cnn", "flask", "learning", "resnet", "vision")
    ancestors = {tag: [tags[up] for up in ups] for tag, ups in zip(tags, find_ancestors(vocabulary), strict=True)}
    assert ancestors == {
        "ai": [],
        "cnn": ["ai", "learning", "vision"],
        "flask": [],
        "learning": ["ai"],
        "resnet": ["ai", "cnn", "learning", "vision"],
        "vision": ["ai"],
    }
    assert resolve_parents(vocabulary)[tags.index("resnet")] == (tags.index("cnn"),)


def test_a_very_long_chain_of_parents_is_no_trouble() -> None:
    names = [f"t{at:05}" for at in range(3000)]
    chain = {name: {"parents": names[at + 1 : at + 2]} for at, name in enumerate(names)}
    assert len(find_ancestors(vocabulary_of(chain))[0]) == 2999
    chain[names[-1]] = {"parents": [names[0]]}
    assert "cycle" in refuse(chain).what


# Errors


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, ["empty"]),
        ([], ["empty"]),
        ("text", ["not a vocabulary"]),
        (7, ["not a vocabulary"]),
        ({"a": []}, ['"a"', "object"]),
        ({"a": None}, ['"a"', "object"]),
        (["a"], ["row 1", "object"]),
        ([{"aliases": []}], ["row 1", "tag"]),
        ([{"tag": "a"}, {"tag": ""}], ["row 2", "tag"]),
        ([{"tag": " "}], ["row 1", "tag"]),
        ([{"tag": 3}], ["row 1", "tag", "3"]),
        ({"a": {"aliases": "b"}}, ["row 1", "aliases", '"b"']),
        ({"a": {"aliases": None}}, ["row 1", "aliases"]),
        ({"a": {"aliases": [""]}}, ["row 1", "aliases"]),
        ({"a": {"parents": [3]}}, ["row 1", "parents"]),
        ({"a": {"parents": [None]}}, ["row 1", "parents"]),
        ({"a": {"alias": ["b"]}}, ['"alias"', "aliases"]),
        ([{"tag": "a", "parent": "b"}], ["row 1", '"parent"']),
        ({"a": {"tag": "b"}}, ['"tag"']),
        ([{"tag": "a"}, {"tag": "a"}], ['"a"', "twice"]),
        ([{"tag": "Deep Learning"}, {"tag": "deep_learning"}], ['"Deep Learning"', '"deep_learning"']),
        ({"a": {"aliases": ["x"]}, "b": {"aliases": ["x"]}}, ['"x"', '"a"', '"b"']),
        ({"a": {"aliases": ["X y"]}, "b": {"aliases": ["x_Y"]}}, ['"x-y"', '"a"', '"b"']),
        ({"a": {"aliases": ["b"]}, "b": {}}, ['"b"', '"a"', "canonical"]),
        ({"a": {"aliases": ["B"]}, "b": {}}, ['"B"', '"a"', "canonical"]),
        ({"a": {"parents": ["a"]}}, ['"a"', "own parent"]),
        ({"a": {"parents": ["A"]}}, ['"a"', "own parent"]),
        ({"a": {"aliases": ["x"], "parents": ["x"]}}, ['"a" -> "a"']),
        ({"a": {"parents": ["b"]}, "b": {"parents": ["a"]}}, ['"a" -> "b" -> "a"']),
        ({"a": {"deprecated": True}}, ["every tag", "deprecated"]),
        ({"a": {"deprecated": "yes"}}, ["row 1", "deprecated", '"yes"', "true or false"]),
        ({"a": {"deprecated": 1}}, ["row 1", "deprecated", "1"]),
        ({"a": {"deprecated": None}}, ["row 1", "deprecated", "null"]),
        ({"a": {"replaced_by": 7}}, ["row 1", "replaced_by", "7"]),
        ({"a": {"replaced_by": " "}}, ["row 1", "replaced_by", '" "']),
        ({"a": {}, "b": {"replaced_by": "a"}}, ['"b"', "replaced by", "not deprecated"]),
        ({"a": {}, "b": {"deprecated": True, "replaced_by": "A"}}, ['"b"', '"A"', "not a tag"]),
        (
            {"a": {"aliases": ["x"]}, "b": {"deprecated": True, "replaced_by": "x"}},
            ['"x"', "which is not a tag (an alias does not count)"],
        ),
        ({"a": {}, "b": {"deprecated": True, "replaced_by": "b"}}, ['"b"', "deprecated itself"]),
        (
            {"a": {}, "b": {"deprecated": True}, "c": {"deprecated": True, "replaced_by": "b"}},
            ['"c"', '"b"', "deprecated itself"],
        ),
        ({"a": {"aliases": ["b"]}, "b": {"deprecated": True}}, ['"b"', '"a"', "deprecated tag"]),
        ({"a": {"aliases": ["x"]}, "b": {"aliases": ["X"], "deprecated": True}}, ['"x"', '"a"', '"b"']),
        ({"a": {"parents": ["b"]}, "b": {"deprecated": True, "replaced_by": "a"}}, ['"a" -> "a"']),
        (
            {"z": {"parents": ["a"]}, "a": {"parents": ["b"]}, "b": {"parents": ["c"]}, "c": {"parents": ["a"]}},
            ['"a" -> "b" -> "c" -> "a"'],
        ),
        (
            {"a": {"aliases": ["first"], "parents": ["Second"]}, "b": {"aliases": ["second"], "parents": ["FIRST"]}},
            ['"a" -> "b" -> "a"'],
        ),
    ],
)
def test_each_error_names_what_is_wrong(tree: object, words: list[str]) -> None:
    text = str(refuse(tree))
    assert [word for word in words if word not in text] == []


def test_a_key_given_twice_is_an_error_with_its_byte() -> None:
    assert refuse(b'{"a": {}, "b": {}, "a": {}}').what == "duplicate key at byte 19"


def test_all_errors_of_one_kind_are_reported_together() -> None:
    error = refuse({"a": {"aliases": ["b", "x"], "parents": ["a"]}, "b": {"aliases": ["x"]}})
    assert len(error.details) == 3
    error = refuse([{"tag": 1}, {"tag": "a", "aliases": 1}, {"tag": "b", "parents": [1]}])
    assert len(error.details) == 3


@pytest.mark.parametrize("tree", [{"\ud800": {}}, [{"tag": "a\udfff"}]])
def test_a_tag_that_utf8_cannot_hold_is_refused(tree: object) -> None:
    assert "\\ud" in str(refuse(tree))


def test_a_name_that_utf8_cannot_hold_is_told_with_its_row_and_field() -> None:
    error = refuse([{"tag": "a"}, {"tag": "b", "aliases": ["x", "\ud800"]}])
    assert (error.row, error.field) == (2, "aliases")


@pytest.mark.parametrize(
    ("data", "suffix", "words"),
    [
        (b'{"tag": "a"}\n{"tag": }\n', ".ndjson", "line 2"),
        (b'{"tag": "a"}\n{"tag": "a"}\n', ".ndjson", "twice"),
        (b"tag,alias\na,b\n", ".csv", "alias"),
        (b"name\na\n", ".csv", "name"),
        (b"tag,aliases\na,b,c\n", ".csv", "row 1"),
        (b"tag,deprecated\na,\nb,yes\n", ".csv", "row 2, field deprecated"),
        (b"tag\n\xff\n", ".csv", "UTF-8"),
        (b"", ".json", "byte 0"),
        (b"", ".csv", "header"),
    ],
)
def test_other_forms_are_checked_as_well(data: bytes, suffix: str, words: str) -> None:
    assert words in str(refuse(data, suffix))


# Warnings


def warnings_of(tree: Any, *used: str) -> list[tuple[str, str, str, str | None]]:
    found = find_warnings(vocabulary_of(tree), pa.array(used, pa.string()))
    return [(str(each.kind), each.tag, each.value, each.nearest) for each in found]


def test_an_unknown_parent_is_a_warning_with_the_nearest_tag() -> None:
    tree = {"pytorch": {"parents": ["deep-lerning"]}, "deep-learning": {}}
    assert ("unknown_parent", "pytorch", "deep-lerning", "deep-learning") in warnings_of(tree)
    tree = {"pytorch": {"parents": ["zzz"]}, "deep-learning": {}}
    assert ("unknown_parent", "pytorch", "zzz", None) in warnings_of(tree)


def test_a_deprecated_parent_is_a_warning() -> None:
    tree = {
        "keras": {"parents": ["old-dl", "gone"]},
        "deep-learning": {},
        "old-dl": {"deprecated": True, "replaced_by": "deep-learning", "parents": ["nowhere"]},
        "gone": {"deprecated": True},
    }
    assert warnings_of(tree, "keras", "deep-learning") == [
        ("unknown_parent", "keras", "gone", None),
        ("parent_is_alias", "keras", "old-dl", "deep-learning"),
    ]


def test_a_tag_that_nobody_uses_is_a_warning() -> None:
    tree = {"pytorch": {"aliases": ["torch"]}, "flask": {}, "keras": {}}
    never = [tag for kind, tag, _, _ in warnings_of(tree, "TORCH", "Keras", "unheard-of") if kind == "never_used"]
    assert never == ["flask"]


def test_a_near_duplicate_is_a_warning_with_the_other_tag() -> None:
    tree = {"autoencoder": {}, "autoencoders": {}}
    assert warnings_of(tree, *tree) == [("near_duplicate", "autoencoders", "autoencoders", "autoencoder")]


def test_a_clean_vocabulary_has_no_warnings() -> None:
    tree = {"ai": {}, "cnn": {"parents": ["ai"]}, "c": {}, "c++": {}, "c#": {}}
    assert warnings_of(tree, *tree) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("autoencoder", "autoencoders"),
        ("data-set", "dataset"),
        ("state-of-the-art", "stateoftheart"),
        ("words-of-gpus", "word-of-gpu"),
        ("time-series", "timeseries"),
        ("word-embedding", "word-embeddings"),
        ("tensorflow", "tensroflow"),
        ("tensorflow", "tensrflow"),
        ("tensorflow", "tensorfiow"),
        ("regularisation", "regularization"),
    ],
)
def test_spellings_that_are_probably_one(first: str, second: str) -> None:
    assert find_near_duplicates([second, "other-tag", first]) == [tuple(sorted((first, second)))]


@pytest.mark.parametrize(
    "tags",
    [
        ["c", "c++", "c#"],
        ["objective-c", "objective-c++", "objective-c#"],
        [".net", "net"],
        ["gpt-2", "gpt-3"],
        ["yolov3", "yolov5"],
        ["python-2", "python-3"],
        ["supervised", "unsupervised"],
        ["supervised-learning", "unsupervised-learning", "self-supervised-learning", "semi-supervised-learning"],
        ["cnn", "rnn", "gnn", "gan"],
        ["bert", "bart"],
        ["text-to-speech", "speech-to-text"],
        ["2d", "3d"],
        ["nlp", "nlu"],
    ],
)
def test_names_that_are_never_one(tags: list[str]) -> None:
    assert find_near_duplicates(tags) == []


def test_near_duplicates_do_not_depend_on_order() -> None:
    tags = ["dataset", "data-sets", "data-set", "flask", "flasks"]
    assert find_near_duplicates(tags) == find_near_duplicates(tags[::-1]) != []


def test_a_chain_of_thousands_of_parents_is_refused_before_it_fills_the_memory() -> None:
    def chain(length: int) -> dict[str, Any]:
        return {f"t{n}": {"parents": [f"t{n + 1}"] if n + 1 < length else []} for n in range(length)}

    assert len(find_ancestors(vocabulary_of(chain(1_000)))[0]) == 999
    with pytest.raises(InputError, match="more than 5,000,000 ancestors in all") as caught:
        find_ancestors(vocabulary_of(chain(10_000)))
    assert caught.value.fix == "Shorten the chains of parents"


@pytest.mark.parametrize("place", ["tag", "aliases", "parents"])
def test_a_name_longer_than_any_tag_is_refused(place: str) -> None:
    long = "ä" * 2_049
    entry = {"tag": "a", "aliases": [], "parents": []} | {place: long if place == "tag" else [long]}
    refused = refuse([entry])
    assert (refused.what, refused.row, refused.field) == ("a name has 4,098 bytes", 1, place)
    assert refused.found is not None
    assert len(refused.found) <= 80

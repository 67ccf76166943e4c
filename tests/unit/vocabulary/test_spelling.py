"""How names are spelt: separators, plurals, signs."""

from __future__ import annotations

import pytest

from tagpipe.vocabulary.spelling import is_spelling_of, join_words, list_singulars, signs_of, squash_words


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        ("ML ops", "mlops"),
        ("time-series", "timeseries"),
        ("node.js", "nodejs"),
        ("word2-vec", "word2vec"),
        ("word-2vec", "word2vec"),
        ("é-ß", "éss"),
        (".net", ".net"),
        ("net.", "net."),
        ("gpt-3.5", "gpt3.5"),
        ("3-5", "3-5"),
        ("c++-c", "c++-c"),
    ],
)
def test_only_what_stands_between_words_is_left_out(name: str, joined: str) -> None:
    assert join_words(name) == joined


@pytest.mark.parametrize(
    ("plural", "singulars"),
    [
        ("datasets", ["dataset"]),
        ("boxes", ["boxe", "box"]),
        ("classes", ["classe", "class"]),
        ("quizzes", ["quizze", "quizz"]),
        ("batches", ["batche", "batch"]),
        ("meshes", ["meshe", "mesh"]),
        ("libraries", ["librarie", "library"]),
        ("gpus", []),
        ("analysis", []),
        ("class", []),
        ("css", []),
        ("cats", ["cat"]),
        ("cds", []),
        ("gpt2s", []),
        ("dataset", []),
    ],
)
def test_a_plural_leaves_a_word_of_three_letters_at_least(plural: str, singulars: list[str]) -> None:
    assert list_singulars(plural) == singulars


def test_signs_are_what_is_neither_a_letter_nor_a_separator() -> None:
    signs = {name: signs_of(name) for name in ("c++", "c#", "gpt-2", "node.js", ".net", "gpt-3.5", "3-5", "data set")}
    assert signs == {
        "c++": "++",
        "c#": "#",
        "gpt-2": "2",
        "node.js": "",
        ".net": ".",
        "gpt-3.5": "3.5",
        "3-5": "35",
        "data set": "",
    }


def test_words_are_squashed_without_an_s_at_their_ends() -> None:
    assert squash_words("Words of GPUs") == squash_words("word-of-gpu") == "wordofgpu"
    assert squash_words("sets.class") == "setclas"


@pytest.mark.parametrize(
    ("name", "tag", "is_spelling"),
    [
        ("Data Sets", "dataset", True),
        ("data.set", "datasets", True),
        ("dataset", "database", False),
        ("c++", "c", False),
        ("gpt-2", "gpt2", True),
        ("gpt-2", "gpt-3", False),
        (".net", "net", False),
    ],
)
def test_a_spelling_is_the_same_name_with_the_same_signs(name: str, tag: str, is_spelling: bool) -> None:
    assert is_spelling_of(name, tag) is is_spelling

"""Alias suggestions: what is a variant, what is only spelt alike, and what is never suggested."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tagpipe.curation.suggestions import Kind, Suggestion, suggest_aliases
from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.spelling import join_words, signs_of
from tagpipe.vocabulary.vocabulary import Vocabulary


def vocabulary_of(*tags: str, aliases: dict[str, tuple[str, ...]] | None = None) -> Vocabulary:
    ordered = tuple(sorted(tags))
    none: tuple[str, ...] = ()
    return Vocabulary(ordered, tuple((aliases or {}).get(tag, none) for tag in ordered), tuple(none for _ in ordered))


def suggest(
    forms: Iterable[str], vocabulary: Vocabulary, *pairs: tuple[str, str], normalize: bool = True
) -> list[Suggestion]:
    told_apart = DistinctNames(frozenset((min(pair), max(pair)) for pair in pairs))
    return suggest_aliases(dict.fromkeys(forms, 1), vocabulary, told_apart, normalize=normalize)


@pytest.mark.parametrize(
    ("form", "tag"),
    [
        ("ml-ops", "mlops"),
        ("mlops", "ml-ops"),
        ("decision-tree", "decision-trees"),
        ("decision-trees", "decision-tree"),
        ("datascience", "data-science"),
        ("node.js", "nodejs"),
        ("gpt2", "gpt-2"),
        ("boxes", "box"),
        ("libraries", "library"),
        ("movies", "movie"),
        ("weights.biases", "weights-biases"),
    ],
)
def test_a_separator_or_a_plural_makes_a_variant(form: str, tag: str) -> None:
    (found,) = suggest([form], vocabulary_of(tag))
    assert (found.form, found.tag, found.kind, found.doubt) == (form, tag, Kind.VARIANT, None)


@pytest.mark.parametrize(
    ("form", "tag"),
    [
        ("c", "c++"),
        ("c", "c#"),
        ("c++", "c#"),
        ("cs", "c"),
        ("css", "cs"),
        ("rs", "r"),
        ("net", ".net"),
        ("gpt-3", "gpt-2"),
        ("gpt-3.5", "gpt-35"),
        ("tensorflow2", "tensorflow"),
        ("3d-object-detection", "object-detection"),
        ("less", "les"),
        ("unrelated", "something-else"),
    ],
)
def test_names_that_differ_in_a_sign_or_a_digit_are_never_suggested(form: str, tag: str) -> None:
    assert suggest([form], vocabulary_of(tag)) == []
    assert suggest([tag], vocabulary_of(form)) == []


@pytest.mark.parametrize(
    ("form", "tag", "doubt"),
    [
        ("supervised-learning", "unsupervised-learning", "un- makes another word of it"),
        ("supervised-learning", "self-supervised-learning", "self- makes another word of it"),
        ("nonlinear-regression", "linear-regression", "non- makes another word of it"),
        ("deep-reinforcement-learning", "reinforcement-learning", "one says deep besides"),
        ("human-pose-estimation", "hand-pose-estimation", "human is another word than hand"),
    ],
)
def test_a_fuzzy_suggestion_says_what_speaks_against_it(form: str, tag: str, doubt: str) -> None:
    (found,) = suggest([form], vocabulary_of(tag))
    assert (found.kind, found.doubt) == (Kind.FUZZY, doubt)
    assert found.score >= 88


def test_a_misspelling_is_fuzzy_and_without_a_doubt() -> None:
    (found,) = suggest(["respresentation-learning"], vocabulary_of("representation-learning"))
    assert (found.kind, found.doubt) == (Kind.FUZZY, None)


def test_variants_come_first_then_what_has_no_doubt_then_by_projects() -> None:
    counts = {"forcasting": 9, "supervised-learning": 99, "graph": 1, "transformer": 2, "ml-ops": 2}
    known = vocabulary_of("forecasting", "unsupervised-learning", "graphs", "transformers", "mlops")
    found = suggest_aliases(counts, known, DistinctNames())
    assert [each.form for each in found] == ["ml-ops", "transformer", "graph", "forcasting", "supervised-learning"]


def test_an_alias_leads_to_its_tag() -> None:
    known = vocabulary_of("generative-adversarial-networks", aliases={"generative-adversarial-networks": ("gan",)})
    (found,) = suggest(["gans"], known)
    assert (found.tag, found.name) == ("generative-adversarial-networks", "gan")


def test_the_best_tag_is_suggested() -> None:
    (found,) = suggest(["supervised-learnings"], vocabulary_of("unsupervised-learning", "supervised-learning"))
    assert found.tag == "supervised-learning"


# What was rejected


@pytest.mark.parametrize("pair", [("tables", "tabular"), ("tabular", "tables")])
def test_what_was_rejected_never_returns(pair: tuple[str, str]) -> None:
    known = vocabulary_of("tabular", aliases={"tabular": ("table",)})
    assert suggest(["tables"], known)
    assert suggest(["tables"], known, pair) == []


def test_what_was_rejected_never_returns_under_another_name_of_the_tag() -> None:
    renamed = vocabulary_of("tabular-data", aliases={"tabular-data": ("table", "tabular")})
    assert suggest(["tables"], renamed, ("tables", "tabular")) == []


def test_what_was_rejected_never_returns_in_another_spelling() -> None:
    assert suggest(["ML ops"], vocabulary_of("mlops"), ("ml-ops", "mlops"), normalize=False) == []


def test_another_tag_may_be_suggested_then() -> None:
    known = vocabulary_of("supervised-learnings", "unsupervised-learning")
    (found,) = suggest(["supervised-learning"], known, ("supervised-learning", "supervised-learnings"))
    assert found.tag == "unsupervised-learning"


# What is not looked at


def test_names_that_the_vocabulary_has_by_now_are_passed_over() -> None:
    known = vocabulary_of("decision-trees", "graph", "graphs", aliases={"decision-trees": ("decision-tree",)})
    assert suggest(["decision-tree", "graph"], known) == []


def test_ignored_and_deprecated_names_are_passed_over() -> None:
    known = Vocabulary(("articles", "graphs"), ((), ()), ((), ()), ("graph",))
    counts = {"article": 1, "graph": 1}
    assert suggest_aliases(counts, known, DistinctNames(), ignored=frozenset({"article"})) == []


def test_names_as_written_are_compared_where_the_build_did_so() -> None:
    known = vocabulary_of("wandb", aliases={"wandb": ("weights and biases",)})
    assert suggest(["weights-and-biases"], known) == []
    (found,) = suggest(["weights-and-biases"], known, normalize=False)
    assert (found.kind, found.tag) == (Kind.VARIANT, "wandb")


def test_nothing_is_suggested_of_nothing() -> None:
    assert suggest([], vocabulary_of("a")) == []
    assert suggest(["\u200b", "-", "...", "+"], vocabulary_of("pytorch")) == []


def test_words_are_joined_and_signs_are_kept() -> None:
    assert [join_words(name) for name in ("a-b c_d.e", "-x-", "3.5", "v1-2")] == ["abcde", "-x-", "3.5", "v1-2"]
    assert [signs_of(name) for name in ("c", "c++", "c#", ".net", "a/b", "gpt-3.5")] == ["", "++", "#", ".", "/", "3.5"]

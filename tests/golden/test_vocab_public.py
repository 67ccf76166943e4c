"""Suggestions and findings on the two versions of the public Made With ML data, written out."""

from __future__ import annotations

import pytest
from support.public_data import DATASETS, NEEDS_DATASETS

from tagpipe.comparison.overrides import override_params
from tagpipe.curation.check import VocabularyIssue, list_warnings
from tagpipe.curation.suggestions import Kind, Suggestion, suggest_aliases
from tagpipe.dataset.build import build
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.vocabulary import spelling
from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.problems import read_vocabulary
from tagpipe.vocabulary.vocabulary import Vocabulary

pytestmark = NEEDS_DATASETS

VARIANTS = {
    "animation": "animations",
    "cartoon": "animations",  # as cartoons
    "datascience": "data-science",
    "decision-tree": "decision-trees",
    "deeplearning": "deep-learning",
    "front-end": "frontend",
    "gans": "generative-adversarial-networks",  # as gan
    "graph": "graphs",
    "ml-ops": "mlops",
    "perceptrons": "multilayer-perceptrons",  # as perceptron
    "tables": "tabular",  # as table
    "tf-lite": "tensorflow-lite",  # as tflite
    "visualizations": "visualization",
    "weights-and-biases": "wandb",  # as "weights and biases"
}
"""The 14 of madewithml-2020-12 where names are compared as written; all right. The last one is resolved by the normal
form, so that there are 13 by default."""

RESOLVED_BY_NORMAL_FORM = {"weights-and-biases"}
GONE_IN_2022 = {"datascience", "front-end", "tf-lite"}

FUZZY = {
    "adversial-image-detection": "adversarial-image-detection",
    "adversial-learning": "adversarial-learning",
    "explanatory-data-analysis": "exploratory-data-analysis",
    "fastap": "fastapi",
    "forcasting": "forecasting",
    "hyperparamtere-tuning": "hyperparameter-optimization",
    "image-augmentation": "segmentation",  # wrong: it is like image-segmentation
    "kubeflow": "kuberflow",  # the vocabulary has it misspelt
    "respresentation-learning": "representation-learning",
    "sarima": "arima",  # wrong: a model of its own
    "wand": "wandb",
}
"""Of 2020-12, those that nothing is seen to speak against: 9 of 11 are right."""

PARENTS = {
    ("integration-tests", "testing"): None,
    ("unit-tests", "testing"): None,
    ("mortality-prediction", "health"): None,
    ("music-generation", "audio"): None,
    ("stereo-matching", "audio"): None,
    ("random-forests", "decision-tree"): "decision-trees",
    ("knowledge-base-question-answering", "qa"): "question-answering",
}
"""(tag, parent) -> the tag that is meant; None where there is none yet. Five parents: audio, decision-tree, health, qa,
testing. 2022-04 has audio, health and testing as tags, and decision-trees as the parent of random-forests."""


def load(version: str, *, normalize: bool = True) -> tuple[Vocabulary, dict[str, int], set[str]]:
    """(vocabulary, out-of-vocabulary form -> projects, every raw tag in use) of a version."""
    source = DATASETS / version
    params = override_params(read_params(packaged_file("params.yaml")), {"annotate.normalize": normalize})
    files = [RawFile(name, ".json", (source / name).read_bytes()) for name in ("projects.json", "tags.json")]
    built = build(Raw(*files), (), params)
    forms, counts = built.annotation.count_out_of_vocabulary()
    found = {form: count for form, count in zip(forms.to_pylist(), counts.tolist(), strict=True) if count}
    return built.vocabulary, found, set(built.validated.used_tags.to_pylist())


def suggest(version: str, *, normalize: bool = True) -> list[Suggestion]:
    vocabulary, counts, _ = load(version, normalize=normalize)
    return suggest_aliases(counts, vocabulary, DistinctNames(), normalize=normalize)


def variants_of(found: list[Suggestion]) -> dict[str, str]:
    return {each.form: each.tag for each in found if each.kind == Kind.VARIANT}


def test_the_fourteen_variants_of_2020() -> None:
    as_written = suggest("madewithml-2020-12", normalize=False)
    assert variants_of(as_written) == VARIANTS
    assert [each.kind for each in as_written[:15]] == [Kind.VARIANT] * 14 + [Kind.FUZZY]
    by_default = variants_of(suggest("madewithml-2020-12"))
    assert set(VARIANTS) - set(by_default) == RESOLVED_BY_NORMAL_FORM
    assert by_default.items() <= VARIANTS.items()


def test_the_ten_variants_of_2022() -> None:
    found = variants_of(suggest("madewithml-2022-04"))
    assert found == {form: tag for form, tag in VARIANTS.items() if form not in GONE_IN_2022 | RESOLVED_BY_NORMAL_FORM}


def test_what_is_only_spelt_alike() -> None:
    found = [each for each in suggest("madewithml-2020-12") if each.kind == Kind.FUZZY]
    assert {each.form: each.tag for each in found if each.doubt is None} == FUZZY
    doubted = {each.form: each.doubt for each in found if each.doubt is not None}
    assert len(doubted) == 16
    assert doubted["supervised-learning"] == "un- makes another word of it"


C_NAMES = ("objective-c", "objective-c++", "objective-c#")
"""Long enough for their letters to make any two of them alike."""


@pytest.mark.parametrize("version", ["madewithml-2020-12", "madewithml-2022-04"])
@pytest.mark.parametrize("tag", C_NAMES)
def test_c_and_its_relatives_are_never_suggested(version: str, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one of them ever "meant" by another; that no other rule would prevent it is seen without this one."""
    vocabulary, counts, used = load(version)
    others = tuple(name for name in C_NAMES if name != tag)
    rows = sorted([*zip(vocabulary.tags, vocabulary.aliases, vocabulary.parents, strict=True), (tag, (), others)])
    known = Vocabulary(*zip(*rows, strict=True))
    forms = counts | dict.fromkeys(others, 1)

    def find_offered() -> tuple[set[str], set[str]]:
        suggested = {each.form for each in suggest_aliases(forms, known, DistinctNames()) if each.tag == tag}
        warnings = list_warnings(known, used=used, counts=forms, support={}, not_same=DistinctNames())
        return suggested, {str(each.value) for each in warnings if each.nearest == tag}

    assert find_offered() == (set(), set())
    monkeypatch.setattr(spelling, "signs_of", lambda name: "")
    assert find_offered() == (set(others), set(others))


def find_parents(version: str) -> dict[tuple[str | None, str | None], VocabularyIssue]:
    vocabulary, counts, used = load(version)
    found = list_warnings(vocabulary, used=used, counts=counts, support={}, not_same=DistinctNames())
    return {(each.tag, each.value): each for each in found if each.kind in ("unknown_parent", "parent_is_alias")}


def test_the_five_parents_that_are_missing_or_misspelt() -> None:
    found = find_parents("madewithml-2020-12")
    assert {key: each.nearest for key, each in found.items()} == PARENTS
    assert found["random-forests", "decision-tree"].fix == (
        "Did you mean decision-trees? `tagpipe vocab parent --instead-of decision-tree random-forests decision-trees`"
    )
    assert found["knowledge-base-question-answering", "qa"].fix == (
        "Name the tag: `tagpipe vocab parent --instead-of qa knowledge-base-question-answering question-answering`"
    )
    for tag, parent, n_projects in (("unit-tests", "testing", 16), ("mortality-prediction", "health", 39)):
        assert f"and {n_projects} projects carry it as a tag" in found[tag, parent].what
        assert found[tag, parent].fix.startswith(f"Add it: `tagpipe vocab add {parent}`; or take it away: ")
    assert "and 25 projects carry it as a tag" in found["music-generation", "audio"].what


def test_upstream_mended_them_as_suggested() -> None:
    """16 months later."""
    data = (DATASETS / "madewithml-2022-04" / "tags.json").read_bytes()
    later = read_vocabulary(data, ".json", file="tags.json")
    parents = dict(zip(later.tags, later.parents, strict=True))
    for (tag, parent), nearest in PARENTS.items():
        if tag in parents:
            assert (nearest or parent) in parents[tag]
            assert (nearest or parent) in later.tags
    assert find_parents("madewithml-2022-04") == {}

"""What caused each label change: against every combination of the factors, and by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from support.diff_worlds import Inputs, factor_pairs, plain_inputs

from tagpipe.comparison.causes import Attribution, attribute_changes
from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.factors import changed_factors
from tagpipe.comparison.sides import LabelChanges, Side
from tagpipe.dataset.compare_builds import side_of
from tagpipe.errors import InputError
from tagpipe.tables.tag_lists import Int64s

modest = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
Labels = set[tuple[int, str]]
Found = dict[tuple[int, str], tuple[str, tuple[str, ...]]]
"""(project, tag) of a change -> its cause and the factors that suffice or are needed."""


@dataclass
class Case:
    """Two versions and their replays; the labels of every combination that was built are kept."""

    base: Inputs
    head: Inputs
    diff: VersionDiff
    n_built: int = 0

    def mix(self, from_head: Iterable[str]) -> Inputs:
        """Base's inputs, but for those of `from_head`."""
        mixed = self.base
        for name in from_head:
            key = name.rpartition(".")[2]
            if name == "projects":
                mixed = replace(mixed, records=self.head.records)
            elif name == "vocabulary":
                mixed = replace(mixed, vocabulary=self.head.vocabulary)
            else:
                mixed = replace(mixed, rules=mixed.rules | {key: self.head.rules[key]})
        return mixed

    def replay(self, from_head: frozenset[str]) -> np.ndarray:
        self.n_built += 1
        return self.diff.union.labels_of(self.mix(from_head).build().labeled)

    def attribute(self, *, may_be_code: bool = False) -> Attribution:
        return attribute_changes(self.diff.labels, changed_factors(self.diff), self.replay, may_be_code=may_be_code)


def case_of(base: Inputs, head: Inputs, edit: Callable[[Side], Side] = lambda side: side) -> Case:
    """edit: what happened to head's recorded version, whatever its inputs say."""
    return Case(base, head, diff_versions(base.side("base"), edit(head.side("head"))))


def labels_of(inputs: Inputs) -> Labels:
    return {(row["id"], tag) for row in inputs.build().labeled.to_pylist() for tag in row["tags"]}


def found_in(case: Case, attribution: Attribution) -> Found:
    """The attribution in plain values; groups must be distinct, counted right and in order."""
    ids, names = case.diff.union.ids.to_pylist(), case.diff.union.tags.to_pylist()
    projects, tags = (places.tolist() for places in case.diff.union.unpack(case.diff.labels.labels))
    groups = [(str(group.cause), group.factors) for group in attribution.groups]
    assert len(set(groups)) == len(groups)
    counts: Counter[tuple[int, bool]] = Counter(
        zip(attribution.group_of.tolist(), case.diff.labels.is_added.tolist(), strict=True)
    )
    sizes = [(group.n_removed, group.n_added) for group in attribution.groups]
    assert sizes == [(counts[at, False], counts[at, True]) for at in range(len(groups))]
    assert [group.n_changes for group in attribution.groups] == sorted(map(sum, sizes), reverse=True)
    assert sum(map(sum, sizes)) == len(case.diff.labels)
    found = zip(projects, tags, attribution.group_of.tolist(), strict=True)
    return {(ids[project], names[tag]): groups[group] for project, tag, group in found}


def brute_force(case: Case) -> Found:
    """Build every combination of the factors and read the cause of each change off the definitions."""
    factors = changed_factors(case.diff)
    every = frozenset(factors)
    subsets = [frozenset(each) for size in range(len(factors) + 1) for each in combinations(factors, size)]
    states = {subset: labels_of(case.mix(subset)) for subset in subsets}
    assert states[every] == labels_of(case.head)
    changes = states[frozenset()] ^ states[every]
    return {
        change: cause_of({subset: change in labels for subset, labels in states.items()}, factors) for change in changes
    }


def cause_of(has_label: dict[frozenset[str], bool], factors: list[str]) -> tuple[str, tuple[str, ...]]:
    """The cause of a change from whether each combination of the factors has the label."""
    every = frozenset(factors)
    base, head = has_label[frozenset()], has_label[every]
    suffices = {name for name in factors if has_label[frozenset({name})] == head}
    needed = {name for name in factors if has_label[every - {name}] == base}
    if len(suffices) == 1 and suffices == needed:
        cause = "sole"
    elif needed and not suffices:
        cause = "joint"
    elif suffices and not needed:
        cause = "overdetermined"
    else:
        cause = "masked"
    if len(factors) == 2:
        # The four combinations leave nothing open: what each factor does alone says it all.
        assert cause == {0: "joint", 1: "sole", 2: "overdetermined"}[len(suffices)]
        assert len(needed) == 2 - len(suffices) if len(suffices) != 1 else needed == suffices
    return cause, tuple(name for name in factors if name in suffices | needed)


def compare_with_brute_force(pair: tuple[Inputs, Inputs]) -> None:
    case = case_of(*pair)
    attribution = case.attribute()
    found, factors = found_in(case, attribution), changed_factors(case.diff)
    assert found == brute_force(case)
    assert [effect.name for effect in attribution.factors] == factors
    assert attribution.n_unexplained == 0
    assert attribution.n_replays == case.n_built <= 2 * len(factors) + 1
    if len(factors) == 1:
        assert all(each == ("sole", tuple(factors)) for each in found.values())
        assert case.n_built == 0
    # Looking for code finds none, and the same causes: both sides were built by this code.
    assert found_in(case, case.attribute(may_be_code=True)) == found


@settings(modest, max_examples=15)
@given(factor_pairs())
def test_causes_are_those_of_every_combination(pair: tuple[Inputs, Inputs]) -> None:
    compare_with_brute_force(pair)


@modest
@given(factor_pairs(2))
def test_causes_of_two_factors_are_those_of_their_four_combinations(pair: tuple[Inputs, Inputs]) -> None:
    compare_with_brute_force(pair)


@pytest.mark.slow
@settings(modest, max_examples=250)
@given(factor_pairs())
def test_causes_are_those_of_every_combination_in_many_pairs(pair: tuple[Inputs, Inputs]) -> None:
    compare_with_brute_force(pair)


# By hand


def causes(case: Case, *, may_be_code: bool = False) -> Found:
    return found_in(case, case.attribute(may_be_code=may_be_code))


CNN = {"cnn": {"aliases": ["convnet"]}, "flask": {}}
CNN_WITHOUT_ALIAS = {"cnn": {}, "flask": {}}


def test_one_factor_is_the_sole_cause() -> None:
    base = plain_inputs({1: ["cnn"], 2: ["cnn"], 3: ["flask"]}, CNN)
    case = case_of(base, replace(base, rules=base.rules | {"min_projects": 2}))
    assert causes(case) == {(3, "flask"): ("sole", ("threshold.min_projects",))}
    assert case.n_built == 0


def test_each_factor_is_the_sole_cause_of_its_own_change() -> None:
    base = plain_inputs({1: ["cnn"], 2: ["cnn"], 3: ["flask"]}, CNN)
    head = plain_inputs({1: ["cnn", "flask"], 2: ["cnn"], 3: ["flask"]}, CNN, exclude=["cnn"])
    assert causes(case_of(base, head)) == {
        (1, "flask"): ("sole", ("projects",)),
        (1, "cnn"): ("sole", ("annotate.exclude",)),
        (2, "cnn"): ("sole", ("annotate.exclude",)),
    }


def test_an_alias_and_a_lower_cut_together_are_joint() -> None:
    # Two carry `cnn`, a third its alias: only with the alias and the cut at 3 does the tag get in.
    tags = {1: ["cnn"], 2: ["cnn"], 3: ["convnet"], 4: ["flask"]}
    base = plain_inputs(tags, CNN_WITHOUT_ALIAS, min_projects=4)
    head = plain_inputs(tags, CNN, min_projects=3)
    both = ("joint", ("vocabulary", "threshold.min_projects"))
    assert causes(case_of(base, head)) == {(at, "cnn"): both for at in (1, 2, 3)}


def test_two_ways_to_lose_a_tag_are_overdetermined() -> None:
    base = plain_inputs({1: ["cnn", "flask"], 2: ["flask"], 3: ["flask"]}, CNN)
    head = replace(base, rules=base.rules | {"exclude": ["cnn"], "min_projects": 2})
    assert causes(case_of(base, head)) == {
        (1, "cnn"): ("overdetermined", ("annotate.exclude", "threshold.min_projects"))
    }


def test_a_factor_that_another_undoes_is_masked() -> None:
    # The vocabulary alone gives `cnn` by its alias. Without aliases it does not, but then the source says `cnn` itself.
    base = plain_inputs({1: ["convnet"], 2: ["flask"], 3: ["flask"]}, CNN_WITHOUT_ALIAS)
    head = plain_inputs({1: ["cnn"], 2: ["flask"], 3: ["flask"]}, CNN, aliases=False)
    # projects suffice and are needed, the vocabulary suffices alone: neither sole, joint nor overdetermined.
    assert causes(case_of(base, head)) == {(1, "cnn"): ("masked", ("projects", "vocabulary"))}


def unbuildable(labels: LabelChanges, heads: dict[frozenset[str], int]) -> Attribution:
    """Two factors, `a` and `b`; combinations that are not in `heads` cannot be built, the others give that many of
    the (added) labels."""

    def replay(from_head: frozenset[str]) -> Int64s:
        if from_head not in heads:
            raise InputError("no project has this field")
        return labels.labels[: heads[from_head]]

    return attribute_changes(labels, ["a", "b"], replay, may_be_code=False)


def test_what_cannot_be_built_gives_nothing_of_head() -> None:
    """A source whose field has another name, and the parameter that names it: neither works without the other."""
    labels = LabelChanges(np.arange(4), np.ones(4, dtype=bool))
    both = frozenset({"a", "b"})
    neither = unbuildable(labels, {both: 4})
    assert [(group.cause, group.factors, group.n_added) for group in neither.groups] == [("joint", ("a", "b"), 4)]
    assert [(each.problem_alone, each.problem_without) for each in neither.factors] == [
        ("no project has this field.", "no project has this field.")
    ] * 2
    # `a` alone gives three of the four; `b` alone cannot be built.
    one = unbuildable(labels, {both: 4, frozenset({"a"}): 3})
    assert [(group.cause, group.factors, group.n_added) for group in one.groups] == [
        ("sole", ("a",), 3),
        ("joint", ("a", "b"), 1),
    ]
    assert [(each.problem_alone is None, each.problem_without is None) for each in one.factors] == [
        (True, False),
        (False, True),
    ]
    nothing = unbuildable(labels, {})
    assert (nothing.n_unexplained, nothing.problem) == (4, "no project has this field.")


def test_no_change_has_no_cause() -> None:
    base = plain_inputs({1: ["cnn"], 2: ["flask"]}, CNN)
    case = case_of(base, replace(base, rules=base.rules | {"exclude": ["nothing-like-it"]}))
    attribution = case.attribute(may_be_code=True)
    assert attribution.groups == ()
    assert len(attribution.group_of) == attribution.n_replays == attribution.n_unexplained == 0


# Recorded labels that the inputs do not give


def without(side: Side, project: int, tag: str) -> Side:
    """A side whose table of labels lacks one."""
    rows = side.labels.to_pylist()
    assert any(tag in row["tags"] for row in rows if row["id"] == project)
    for row in rows:
        row["tags"] = [each for each in row["tags"] if (row["id"], each) != (project, tag)]
    return replace(side, labels=type(side.labels).from_pylist(rows, schema=side.labels.schema))


TAMPERED = plain_inputs({1: ["cnn", "flask"], 2: ["cnn"], 3: ["flask"]}, CNN)


@pytest.mark.parametrize("may_be_code", [False, True])
def test_a_label_that_nothing_took_away_is_unexplained(may_be_code: bool) -> None:
    case = case_of(TAMPERED, TAMPERED, lambda head: without(head, 1, "cnn"))
    assert causes(case, may_be_code=may_be_code) == {(1, "cnn"): ("unexplained", ())}


@pytest.mark.parametrize("may_be_code", [False, True])
def test_what_two_factors_do_not_give_is_unexplained(may_be_code: bool) -> None:
    head = replace(TAMPERED, rules=TAMPERED.rules | {"exclude": ["flask"], "unlabeled": "keep"})
    case = case_of(TAMPERED, head, lambda side: without(side, 2, "cnn"))
    assert causes(case, may_be_code=may_be_code) == {
        (1, "flask"): ("sole", ("annotate.exclude",)),
        (3, "flask"): ("sole", ("annotate.exclude",)),
        (2, "cnn"): ("unexplained", ()),
    }


def test_what_one_factor_does_not_give_is_unexplained_where_code_may_differ() -> None:
    head = replace(TAMPERED, rules=TAMPERED.rules | {"exclude": ["flask"]})
    case = case_of(TAMPERED, head, lambda side: without(side, 2, "cnn"))
    assert causes(case, may_be_code=True)[2, "cnn"] == ("unexplained", ())


def case_with_older_code(head: Inputs) -> Case:
    """Base was recorded without a label that head's code gives on base's own inputs."""
    base = without(TAMPERED.side("base"), 1, "cnn")
    return Case(TAMPERED, head, diff_versions(base, side_of(head.build(), "head")))


def test_what_head_s_code_gives_on_base_s_inputs_is_due_to_code() -> None:
    assert causes(case_with_older_code(TAMPERED), may_be_code=True) == {(1, "cnn"): ("sole", ("code",))}


def test_code_and_a_parameter_each_have_their_own() -> None:
    head = replace(TAMPERED, rules=TAMPERED.rules | {"exclude": ["flask"], "min_projects": 2})
    assert causes(case_with_older_code(head), may_be_code=True) == {
        (1, "cnn"): ("sole", ("code",)),
        (1, "flask"): ("sole", ("annotate.exclude",)),
        (3, "flask"): ("sole", ("annotate.exclude",)),
    }

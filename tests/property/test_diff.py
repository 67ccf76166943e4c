"""The diff on random pairs of versions: equal to the reference, and as the design promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import diff_reference as reference
from support.diff_application import apply_diff, labeled_projects_of
from support.diff_worlds import Inputs, moved_pairs, pairs

from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.gates import check_gates
from tagpipe.comparison.sides import Side

modest = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
any_pair = pairs() | moved_pairs()


def sides_of(pair: tuple[Inputs, Inputs]) -> tuple[Side, Side]:
    base, head = pair
    return base.side("base"), head.side("head")


def compare_with_reference(pair: tuple[Inputs, Inputs]) -> None:
    (base, head), versions = sides_of(pair), [reference.read_build(inputs.build()) for inputs in pair]
    diff = diff_versions(base, head)
    expected = reference.check(diff, *versions)
    check_application(diff, base, head)
    check_totals(diff, expected)
    gates = {gate.name: gate.found for gate in check_gates(diff, None, head.params.gates)}
    assert gates == pytest.approx(reference.expect_gates(*versions, n_unexplained=None))
    assert diff.is_same_content == (versions[0].labels == versions[1].labels and not values_differ(versions, expected))


def values_differ(versions: list[reference.Version], expected: reference.Expected) -> bool:
    """Whether labeled projects have other texts or dates, or a tag another support or place."""
    base, head = versions
    labeled = [{at: side.projects[at] for at in side.labels} for side in (base, head)]
    return labeled[0] != labeled[1] or base.supports != head.supports


def check_application(diff: VersionDiff, base: Side, head: Side) -> None:
    """The diff and base give head, whole."""
    given_back = apply_diff(diff, labeled_projects_of(base))
    assert given_back.to_pylist() == labeled_projects_of(head).to_pylist()


def check_totals(diff: VersionDiff, expected: reference.Expected) -> None:
    """Every number of labels adds up to every other."""
    n_added, n_removed = (sum(kind == each for *_, kind in expected.labels) for each in ("added", "removed"))
    assert diff.n_base_labels - n_removed + n_added == diff.n_head_labels
    assert (sum(tag.n_added for tag in diff.tags), sum(tag.n_removed for tag in diff.tags)) == (n_added, n_removed)
    both = set(diff.union.ids.take(diff.union.in_both).to_pylist())
    assert sum(group.n_projects * (len(group.added) + len(group.removed)) for group in diff.signatures) == sum(
        project in both for project, *_ in expected.labels
    )


@settings(modest, max_examples=30)
@given(any_pair)
def test_the_diff_is_what_the_reference_finds(pair: tuple[Inputs, Inputs]) -> None:
    compare_with_reference(pair)


@pytest.mark.slow
@settings(modest, max_examples=250)
@given(any_pair)
def test_the_diff_is_what_the_reference_finds_in_many_pairs(pair: tuple[Inputs, Inputs]) -> None:
    compare_with_reference(pair)


@settings(modest, max_examples=20)
@given(any_pair)
def test_a_version_does_not_differ_from_itself(pair: tuple[Inputs, Inputs]) -> None:
    base, _ = pair
    diff = diff_versions(base.side("base"), base.side("head"))
    assert diff.is_same
    assert diff.is_same_content
    found = reference.find(diff)
    # What is near the cut is so in each version, and measures are listed whether they changed or not.
    apart = {"near_cut", "n_base_labels", "n_head_labels", "measures"}
    assert not any(getattr(found, name) for name in reference.Expected.__dataclass_fields__ if name not in apart)
    assert all(ours == theirs for ours, theirs in found.measures.values())
    assert not diff.schema_changes


def inverse(found: reference.Expected) -> dict[str, Any]:
    """What the swapped sides must give, but for moves and what is near the cut, which are told of head."""
    other = {"added": "removed", "removed": "added"}

    def mirrored(values: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
        return {name: (head, base) for name, (base, head) in values.items()}

    return {
        "added": found.removed,
        "removed": found.added,
        "retexted": found.retexted,
        "redated": found.redated,
        "relabeled": found.relabeled,
        "newly_unlabeled": found.newly_labeled,
        "newly_labeled": found.newly_unlabeled,
        "labels": {(at, tag, other[kind]) for at, tag, kind in found.labels},
        "n_base_labels": found.n_head_labels,
        "n_head_labels": found.n_base_labels,
        "tags": {tag: (row[1], row[0], row[3], row[2], row[5], row[4]) for tag, row in found.tags.items()},
        "entered": found.left,
        "left": found.entered,
        "signatures": sorted(
            ((added, removed, projects) for removed, added, projects in found.signatures),
            key=lambda row: (-len(row[2]), row[0], row[1]),
        ),
        "params": mirrored(found.params),
        "sources": mirrored(found.sources),
        "vocabulary": {
            (
                {**other, "changed": "changed"}[kind],
                tag,
                *(each for pair in (names[:2], names[2:]) for each in pair[::-1]),
            )
            for kind, tag, *names in found.vocabulary
        },
        "out_of_vocabulary": [(name, head, base) for name, base, head in found.out_of_vocabulary],
        "measures": mirrored(found.measures),
    }


@settings(modest, max_examples=25)
@given(any_pair)
def test_swapped_sides_give_the_inverse(pair: tuple[Inputs, Inputs]) -> None:
    base, head = sides_of(pair)
    there, back = reference.find(diff_versions(base, head)), reference.find(diff_versions(head, base))
    for name, value in inverse(there).items():
        assert getattr(back, name) == value, name


def shuffled(inputs: Inputs, data: st.DataObject) -> Inputs:
    """The same rows, tags and entries in another order, with tags repeated."""
    records = [
        record | {"tags": data.draw(st.permutations(record["tags"]))}
        for record in data.draw(st.permutations(inputs.records))
    ]
    entries = data.draw(st.permutations(list(inputs.vocabulary.items())))
    vocabulary = {
        tag: {key: data.draw(st.permutations(names)) for key, names in entry.items()} for tag, entry in entries
    }
    return replace(inputs, records=tuple(records), vocabulary=vocabulary)


def settled(found: reference.Expected) -> dict[str, tuple[Any, Any]]:
    """Measures that no order changes: of two names of one tag on a project, the first keeps its outcome."""
    named = ("tag_uses.by_outcome.kept", "tag_uses.by_outcome.alias")
    return {name: pair for name, pair in found.measures.items() if name not in named}


@settings(modest, max_examples=20)
@given(any_pair, st.data())
def test_another_order_is_no_difference(pair: tuple[Inputs, Inputs], data: st.DataObject) -> None:
    base, _ = pair
    reordered = shuffled(base, data)
    diff = diff_versions(base.side("base"), reordered.side("head"))
    assert diff.is_same_content
    found = reference.find(diff)
    # The received bytes are others, and that is told; nothing else may be.
    assert found.sources.keys() == {
        name for name in ("projects", "vocabulary") if base.raw.file(name).data != reordered.raw.file(name).data
    }
    apart = {"near_cut", "n_base_labels", "n_head_labels", "measures", "sources"}
    assert not any(getattr(found, name) for name in reference.Expected.__dataclass_fields__ if name not in apart)
    assert all(ours == theirs for ours, theirs in settled(found).values())


@settings(modest, max_examples=20)
@given(any_pair, st.data())
def test_the_order_of_either_side_never_matters(pair: tuple[Inputs, Inputs], data: st.DataObject) -> None:
    base, head = pair
    diffs = [diff_versions(*sides_of(each)) for each in (pair, (shuffled(base, data), shuffled(head, data)))]
    first, second = map(reference.find, diffs)
    assert settled(first) == settled(second)
    assert replace(first, sources={}, measures={}) == replace(second, sources={}, measures={})

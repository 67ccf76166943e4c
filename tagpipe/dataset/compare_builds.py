"""Two dataset versions compared; what caused each label change is found by building mixtures of their inputs."""

from __future__ import annotations

from collections.abc import Callable

from tagpipe.comparison.causes import Replay, attribute_changes, needs_replays
from tagpipe.comparison.comparison import Comparison
from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.factors import changed_factors, mix_params
from tagpipe.comparison.gates import check_gates
from tagpipe.comparison.sides import Side
from tagpipe.comparison.value_changes import flatten_params
from tagpipe.dataset.build import Build, build
from tagpipe.steps.validate.validate import Raw
from tagpipe.tables.tag_lists import Int64s

ReadInputs = Callable[[], tuple[Raw, Raw]]
"""Gives the received bytes of base and of head."""


def side_of(built: Build, name: str) -> Side:
    """A build in memory as a side."""
    forms, counts = built.annotation.count_out_of_vocabulary()
    return Side(
        name=name,
        projects=built.annotation.select(built.validated.order).drop_columns("tags"),
        labels=built.labeled.select(["id", "tags"]),
        tags=built.cut.tags,
        out_of_vocabulary={
            form: count for form, count in zip(forms.to_pylist(), counts.tolist(), strict=True) if count
        },
        vocabulary=built.vocabulary,
        params=built.params,
        validation=built.reports.validation,
        threshold=built.reports.threshold,
        sources={name: source.sha256 for name, source in built.reports.validation.sources.items()},
    )


def compare_sides(
    base: Side, head: Side, read_inputs: ReadInputs, *, may_be_code: bool, with_causes: bool
) -> Comparison:
    """The comparison of two sides, under head's gates.

    read_inputs: called only where causes are asked for and it takes builds to find them. may_be_code: True if the two
    sides may have been built by different code.
    """
    diff = diff_versions(base, head)
    if not with_causes:
        return Comparison(diff, None, check_gates(diff, None, head.params.gates))
    factors = changed_factors(diff)
    inputs = None
    if needs_replays(diff.labels, factors, may_be_code=may_be_code):
        # Before any replay: missing inputs are an error, but a replay that fails only gives none of head's labels.
        inputs = read_inputs()
    attribution = attribute_changes(diff.labels, factors, _make_replay(diff, inputs), may_be_code=may_be_code)
    return Comparison(diff, attribution, check_gates(diff, attribution, head.params.gates))


def _make_replay(diff: VersionDiff, inputs: tuple[Raw, Raw] | None) -> Replay:
    """A function that builds with some factors of head and the others of base."""
    base_values, head_values = flatten_params(diff.base.params), flatten_params(diff.head.params)

    def replay(from_head: frozenset[str]) -> Int64s:
        assert inputs is not None
        projects, vocabulary = (inputs[name in from_head].file(name) for name in ("projects", "vocabulary"))
        params = mix_params(diff.head.params, base_values, head_values, from_head)
        return diff.union.labels_of(build(Raw(projects, vocabulary), (), params).labeled)

    return replay

"""The new-tag monitor over random small worlds: order does not matter, counts reconcile, and promises come true."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds import World, build_records, worlds

from tagpipe.dataset.build import Build
from tagpipe.errors import InputError
from tagpipe.params import Params, parse_params
from tagpipe.steps.monitor.monitor_tags import monitor_tags
from tagpipe.tables.reports.monitor import MonitorReport
from tagpipe.vocabulary.curation_lists import Ignored, find_ignored
from tagpipe.vocabulary.vocabulary import normalize_tags

MONITOR = {
    "period": "week",
    "min_period_projects": 2,
    "min_uses": 1,
    "min_periods": 2,
    "min_days": 2,
    "max_concentration": 0.8,
    "max_q": 0.2,
    "max_candidates": 1000,
}
IGNORED = Ignored(("zig",), ("-|no.*",))

days = st.lists(st.sampled_from([None, *(f"2020-01-{day:02d}" for day in range(1, 31))]), min_size=12, max_size=12)


def records_of(world: World, dates: list[str | None]) -> list[dict[str, Any]]:
    return [{**record, "created_on": dates[at % len(dates)]} for at, record in enumerate(world.records)]


def params_of(world: World) -> Params:
    tree = world.params.model_dump(mode="json", by_alias=True)
    return parse_params({**tree, "monitor": MONITOR})


def watch(built: Build) -> MonitorReport:
    tables = built.tables
    return monitor_tags(
        tables["annotate/projects"],
        tables["annotate/tag_uses"],
        tables["threshold/tags"],
        built.vocabulary,
        built.params.monitor,
        annotate=built.params.annotate,
        threshold=built.params.threshold,
        ignored=IGNORED,
    )


@settings(max_examples=8, deadline=None)
@given(world=worlds(), dates=days, data=st.data())
def test_the_order_of_projects_does_not_matter(world: World, dates: list[str | None], data: st.DataObject) -> None:
    records = records_of(world, dates)
    shuffled = data.draw(st.permutations(records))
    first, second = (watch(build_records(each, world.vocabulary, params_of(world))) for each in (records, shuffled))
    assert json.dumps(first.as_dict()) == json.dumps(second.as_dict())


@settings(max_examples=8, deadline=None)
@given(world=worlds(), dates=days)
def test_counts_are_those_of_the_ledger(world: World, dates: list[str | None]) -> None:
    built = build_records(records_of(world, dates), world.vocabulary, params_of(world))
    found = watch(built)
    ledger = built.tables["annotate/tag_uses"]
    outcomes = built.annotation.n_by_outcome
    assert found.uses.n_out_of_vocabulary == outcomes["out_of_vocabulary"]
    assert found.uses.n_uses == sum(outcomes.values()) - outcomes["duplicate"] - outcomes["implied"]
    out = ledger.filter(pc.equal(ledger.column("outcome").cast("string"), "out_of_vocabulary"))
    forms = out.column("normalized_tag").cast("string").combine_chunks()
    assert found.n_forms == len(forms.unique())
    assert found.uses.n_ignored == int(find_ignored(normalize_tags(forms), IGNORED).sum())
    assert sum(each.n_projects for each in found.candidates) == found.uses.n_out_of_vocabulary - found.uses.n_ignored
    assert sum(period.n_projects for period in found.periods) + found.n_undated == found.n_projects
    if not found.n_undated:
        for name in ("n_uses", "n_out_of_vocabulary", "n_ignored"):
            assert sum(getattr(period.uses, name) for period in found.periods) == getattr(found.uses, name)


@settings(max_examples=8, deadline=None)
@given(world=worlds(), dates=days)
def test_adding_a_candidate_does_what_was_said(world: World, dates: list[str | None]) -> None:
    records = records_of(world, dates)
    built = build_records(records, world.vocabulary, params_of(world))
    for candidate in watch(built).candidates[:4]:
        if not candidate.tag.strip():
            continue  # no vocabulary can name it
        if "known_name" in candidate.reasons:
            assert not candidate.would_keep
            with pytest.raises(InputError):
                build_records(records, {**world.vocabulary, candidate.tag: {}}, params_of(world))
            continue
        more = build_records(records, {**world.vocabulary, candidate.tag: {}}, params_of(world))
        tags = {row["tag"]: row for row in more.cut.tags.to_pylist()}
        kept = tags.get(candidate.tag, {"kept": False})["kept"]
        assert kept == candidate.would_keep
        assert more.cut.n_labeled - built.cut.n_labeled == candidate.n_first_tag
        if kept:
            assert tags[candidate.tag]["n_projects"] == candidate.n_projects

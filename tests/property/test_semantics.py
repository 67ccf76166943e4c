"""The pipeline on random worlds: equal to the reference, and as the design promises."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import reference
from support.reference import form_of
from support.samples import json_of
from support.worlds import World, build_records, params_with, spelled, vocabularies, worlds

from tagpipe.dataset.build import Build
from tagpipe.io.repository.files import read_json, read_table, write_json, write_table
from tagpipe.io.repository.layout import build_layout
from tagpipe.stages.annotate import annotate
from tagpipe.stages.threshold import threshold
from tagpipe.stages.validate import validate
from tagpipe.tables.digest import table_sha256
from tagpipe.tables.schemas import table_schemas
from tagpipe.vocabulary.problems import read_vocabulary
from tagpipe.vocabulary.vocabulary import find_ancestors, normalize_tag, resolve_names

modest = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def uses_of(built: Build) -> dict[int, list[reference.Use]]:
    """The ledger by project id; projects without a row of it are missing."""
    uses: dict[int, list[reference.Use]] = {}
    for row in built.tables["annotate/tag_uses"].to_pylist():
        use = (row["position"], row["raw_tag"], row["normalized_tag"], row["tag"], row["outcome"])
        uses.setdefault(row["project_id"], []).append(use)
    return uses


def labelsets_of(built: Build, table: str = "threshold/projects") -> dict[int, list[str]]:
    return {row["id"]: row["tags"] for row in built.tables[table].to_pylist()}


def ranked(built: Build) -> list[tuple[str, int, bool]]:
    return [(row["tag"], row["n_projects"], row["kept"]) for row in built.tables["threshold/tags"].to_pylist()]


# The reference


def compare_with_reference(world: World) -> None:
    built, expected = world.build(), reference.build(world.projects, world.vocabulary, world.rules)
    assert uses_of(built) == {at: uses for at, uses in expected.uses.items() if uses}
    assert labelsets_of(built, "annotate/projects") == {at: sorted(tags) for at, tags in expected.carried.items()}
    assert labelsets_of(built) == expected.labelsets
    assert ranked(built) == expected.ranked()
    report = json_of(built.reports.threshold)
    reasons = Counter(expected.reasons.values())
    assert report["projects"]["n_unlabeled"] == {reason: reasons[reason] for reason in reference.REASONS}
    outcomes = Counter(use[-1] for uses in expected.uses.values() for use in uses)
    assert {name: n for name, n in report["tag_uses"]["by_outcome"].items() if n} == dict(outcomes)
    kept = [[tag, n] for tag, n, is_kept in expected.ranked() if is_kept]
    cut = [[tag, n] for tag, n, is_kept in expected.ranked() if n and not is_kept]
    assert report["tags"] == {"n_seen": len(expected.counts), "n_kept": len(kept), "kept": kept}
    assert (report["most_popular"], report["just_made"], report["just_missed"]) == (kept[:5], kept[-5:], cut[:5])
    compare_measures(report, expected)


def compare_measures(report: dict[str, Any], expected: reference.Result) -> None:
    labeled = [tags for tags in expected.labelsets.values() if tags]
    n_uses, n_tags = sum(map(len, labeled)), len(expected.kept)
    assert report["projects"]["n_labeled"] == len(labeled)
    assert report["tag_uses"]["n_kept"] == n_uses
    assert report["cardinality"] == pytest.approx(n_uses / len(labeled) if labeled else 0)
    assert report["density"] == pytest.approx(n_uses / len(labeled) / n_tags if labeled else 0)
    supports = [expected.counts[tag] for tag in expected.kept]
    ratios = [max(supports) / support for support in supports]
    assert report["imbalance"]["mean_ir"] == pytest.approx(sum(ratios) / n_tags if ratios else 0)
    assert report["imbalance"]["max_ir"] == pytest.approx(max(ratios, default=0))


@settings(modest, max_examples=25)
@given(worlds())
def test_the_pipeline_does_what_the_reference_does(world: World) -> None:
    compare_with_reference(world)


@pytest.mark.slow
@settings(modest, max_examples=400)
@given(worlds())
def test_the_pipeline_does_what_the_reference_does_on_many_worlds(world: World) -> None:
    compare_with_reference(world)


@settings(modest, max_examples=5)
@given(world=worlds())
def test_the_stages_do_what_the_pipeline_does(tmp_path_factory: pytest.TempPathFactory, world: World) -> None:
    layout, built = build_layout(tmp_path_factory.mktemp("stages")), world.build()
    for name, tree in (("projects", world.records), ("vocabulary", world.vocabulary)):
        write_json(layout.out("fetch", "raw") / f"{name}.json", tree)
    for run in (validate, annotate, threshold):
        run(layout, world.params)
    for name, table in built.tables.items():
        stage, file = name.split("/")
        assert read_table(layout.out(stage, f"{file}.parquet")).to_pylist() == table.to_pylist()
    assert read_json(layout.out("annotate", "annotation.json")) == json_of(built.reports.annotation)
    assert read_json(layout.out("threshold", "threshold.json")) == json_of(built.reports.threshold)


# Order, reruns, storage


@modest
@given(worlds(), st.data())
def test_the_order_of_rows_and_of_the_vocabulary_never_matters(world: World, data: st.DataObject) -> None:
    built = world.build()
    projects = dict(data.draw(st.permutations(list(world.projects.items()))))
    vocabulary = dict(data.draw(st.permutations(list(world.vocabulary.items()))))
    shuffled = replace(world, projects=projects, vocabulary=vocabulary).build()
    for name, schema in table_schemas("integer").items():
        assert shuffled.tables[name].to_pylist() == built.tables[name].to_pylist()
        assert table_sha256(shuffled.tables[name], schema) == table_sha256(built.tables[name], schema)
    assert shuffled.validated.table.to_pylist() == built.validated.table.to_pylist()
    assert shuffled.content_sha256 == built.content_sha256
    assert shuffled.reports[1:] == built.reports[1:]


@modest
@given(worlds())
def test_a_rerun_gives_the_same(world: World) -> None:
    first, second = world.build(), world.build()
    assert first.reports == second.reports
    assert all(second.tables[name].to_pylist() == table.to_pylist() for name, table in first.tables.items())


@modest
@given(world=worlds())
def test_parquet_keeps_values_and_digest(tmp_path_factory: pytest.TempPathFactory, world: World) -> None:
    folder = tmp_path_factory.mktemp("tables")
    for name, table in world.build().tables.items():
        schema = table_schemas("integer")[name]
        path = folder / Path(name).name
        write_table(path, table)
        coded = ["tags.list.element", "raw_tag", "normalized_tag", "tag", "outcome"]
        for back in (read_table(path), read_table(path, coded=coded), read_table(path.read_bytes())):
            assert back.to_pylist() == table.to_pylist()
            assert table_sha256(back, schema) == table_sha256(table, schema)


# The ledger


@modest
@given(worlds())
def test_every_use_has_exactly_one_row(world: World) -> None:
    built = world.build()
    rows = [row for row in built.tables["annotate/tag_uses"].to_pylist() if row["raw_tag"] is not None]
    expected = [(at, where, raw) for at in sorted(world.projects) for where, raw in enumerate(world.projects[at])]
    assert [(row["project_id"], row["position"], row["raw_tag"]) for row in rows] == expected
    uses = json_of(built.reports.threshold)["tag_uses"]
    assert uses["n_in"] == len(expected)
    assert sum(n for outcome, n in uses["by_outcome"].items() if outcome != "implied") == len(expected)


@modest
@given(worlds())
def test_what_is_carried_follows_from_the_ledger(world: World) -> None:
    built = world.build()
    from_ledger: dict[int, list[str]] = {at: [] for at in world.projects}
    for row in built.tables["annotate/tag_uses"].to_pylist():
        if row["outcome"] in ("kept", "alias", "implied"):
            from_ledger[row["project_id"]].append(row["tag"])
    carried = labelsets_of(built, "annotate/projects")
    assert {at: sorted(tags) for at, tags in from_ledger.items()} == carried
    assert all(len(set(tags)) == len(tags) for tags in carried.values())
    support = Counter(tag for tags in carried.values() for tag in tags)
    assert {tag: n for tag, n, _ in ranked(built) if n} == dict(support)


@modest
@given(worlds())
def test_every_tag_after_include_and_exclude_is_seen(world: World) -> None:
    built = world.build()
    outcomes = ("kept", "alias", "parent_dropped", "implied")
    uses = built.tables["annotate/tag_uses"].to_pylist()
    assert {tag for tag, _, _ in ranked(built)} == {use["tag"] for use in uses if use["outcome"] in outcomes}
    assert json_of(built.reports.threshold)["tags"]["n_seen"] == len(ranked(built))


RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 4) | st.none(), "title": st.sampled_from(["t", "u", ""])},
        optional={
            "tags": st.lists(st.sampled_from(["a", "b", "zig"]), max_size=3) | st.just(3),
            "description": st.just("d"),
        },
    )
    | st.just("not an object"),
    max_size=12,
)


@modest
@given(RECORDS, st.integers(1, 3), st.sampled_from(["drop", "keep"]))
def test_no_row_is_lost(records: list[object], min_projects: int, unlabeled: str) -> None:
    whole = [{"id": -1, "title": "t", "tags": ["a"]}, *records]
    params = params_with(
        annotate={"normalize": True, "aliases": True, "exclude": ["b"], "parents": "keep"},
        threshold={"min_projects": min_projects, "unlabeled": unlabeled},
    )
    built = build_records(whole, {"a": {}, "b": {}}, params)
    counts = json_of(built.reports.threshold)["projects"]
    assert counts["n_in"] == len(whole)
    assert counts["n_in"] == sum(
        (counts["n_rejected"], counts["n_duplicates"], counts["n_labeled"], sum(counts["n_unlabeled"].values()))
    )
    assert len(built.validated.rejected) == counts["n_rejected"]
    assert len({row["row"] for row in built.validated.rejected}) == counts["n_rejected"]
    assert all(row["record"] == whole[row["row"] - 1] for row in built.validated.rejected)
    n_rows = built.tables["threshold/projects"].num_rows
    assert n_rows == counts["n_labeled"] + (sum(counts["n_unlabeled"].values()) if unlabeled == "keep" else 0)


# Parameters


@modest
@given(worlds(), st.integers(1, 3))
def test_a_higher_cut_never_adds_a_tag(world: World, more: int) -> None:
    low = world.build()
    high = world.with_rules(min_projects=world.rules.min_projects + more).build()
    labelsets = labelsets_of(low)
    assert all(set(tags) <= set(labelsets.get(at, ())) for at, tags in labelsets_of(high).items())
    assert {tag for tag, _, kept in ranked(high) if kept} <= {tag for tag, _, kept in ranked(low) if kept}


@settings(modest, max_examples=15)
@given(worlds())
def test_the_parents_modes_are_ordered(world: World) -> None:
    carried = {
        mode: labelsets_of(world.with_rules(parents=mode).build(), "annotate/projects")
        for mode in ("keep", "roll_up", "drop", "drop_if_child")
    }
    parents = {up for tag in world.vocabulary for up in reference.direct_parents(tag, world.vocabulary)}
    for at in world.projects:
        keep, roll_up, drop, if_child = (
            set(carried[mode][at]) for mode in ("keep", "roll_up", "drop", "drop_if_child")
        )
        assert drop <= if_child <= keep <= roll_up
        assert not drop & parents


@modest
@given(worlds())
def test_labels_are_tags_of_the_vocabulary_that_are_not_excluded(world: World) -> None:
    built = world.build()
    excluded = set(json_of(built.reports.annotation)["tags"]["excluded"])
    for tags in labelsets_of(built, "annotate/projects").values():
        assert set(tags) <= set(world.vocabulary) - excluded
        assert tags == sorted(tags)


@modest
@given(worlds())
def test_fractions_are_between_zero_and_one(world: World) -> None:
    built = world.with_rules(min_projects=world.rules.min_projects + 2).build()
    shares = built.tables["threshold/tags"].column("prevalence").to_pylist()
    assert all(0 <= share <= 1 for share in [*shares, json_of(built.reports.threshold)["density"]])


# Idempotence


@settings(modest, max_examples=100)
@given(st.text() | spelled(["a-b", "c++", "ﬁne_tuning", "Straße"]))
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalize_tag(raw)
    assert normalize_tag(once) == once
    assert once == form_of(raw)
    assert not any(each.isspace() or each == "_" for each in once)


@modest
@given(vocabularies())
def test_resolving_a_resolved_name_changes_nothing(tree: dict[str, dict[str, list[str]]]) -> None:
    vocabulary = read_vocabulary(json.dumps(tree).encode(), ".json", file="v")
    names = resolve_names(vocabulary)
    for index in names.values():
        assert names[normalize_tag(vocabulary.tags[index])] == index


@modest
@given(vocabularies())
def test_ancestors_of_ancestors_are_ancestors(tree: dict[str, dict[str, list[str]]]) -> None:
    vocabulary = read_vocabulary(json.dumps(tree).encode(), ".json", file="v")
    ancestors = find_ancestors(vocabulary)
    named = {vocabulary.tags[tag]: {vocabulary.tags[up] for up in ups} for tag, ups in enumerate(ancestors)}
    assert named == reference.all_ancestors(tree)
    for ups in ancestors:
        assert {further for up in ups for further in ancestors[up]} <= set(ups)

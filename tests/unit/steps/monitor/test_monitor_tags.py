"""The new-tag monitor over small worlds: what is counted, what is suggested, and why not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.samples import build_records, build_tags, json_of, params_with, project

from tagpipe.dataset.build import Build
from tagpipe.steps.monitor.monitor_tags import monitor_tags
from tagpipe.tables.reports.model import describe_form_error
from tagpipe.tables.reports.monitor import Candidate, MonitorReport
from tagpipe.vocabulary.curation_lists import DistinctNames, Ignored

VOCABULARY = {"nlp": {"aliases": ["text-mining"]}, "vision": {}, "audio": {}}
LOOSE = {"min_period_projects": 1, "min_uses": 1, "min_periods": 1, "min_days": 1, "max_concentration": 1.0}


def watch(built: Build, *, monitor: dict[str, Any] | None = None, **more: Any) -> MonitorReport:
    """The monitor over a build, with some of its parameters replaced."""
    tables, params = built.tables, params_with(monitor=monitor or {}).monitor
    return monitor_tags(
        tables["annotate/projects"],
        tables["annotate/tag_uses"],
        tables["threshold/tags"],
        built.vocabulary,
        params,
        annotate=built.params.annotate,
        threshold=built.params.threshold,
        **more,
    )


def dated(*days_and_tags: tuple[str | None, list[str]], **sections: Any) -> Build:
    """A build of one project for each (day, tags)."""
    records = [project(at, tags, created_on=day) for at, (day, tags) in enumerate(days_and_tags, 1)]
    return build_records(records, VOCABULARY, **sections)


def only(found: MonitorReport, tag: str) -> Candidate:
    (candidate,) = (each for each in found.candidates if each.tag == tag)
    return candidate


def month(at: int, day: int = 1) -> str:
    return f"2020-{at:02d}-{day:02d}"


def test_uses_are_counted_once_a_project_and_by_period() -> None:
    found = watch(
        dated(
            (month(1), ["nlp", "text-mining", "New", "new", "tutorial"]),
            (month(1), ["new", "once"]),
            (month(2), ["new", "later", "vision", "tutorial", "2003.08934"]),
            (None, ["new", "undated"]),
        ),
        monitor=LOOSE,
        ignored=Ignored(("tutorial",), (r"[0-9]{4}\.[0-9]{5}",)),
    )
    assert (found.n_projects, found.n_undated, bool(found.periods)) == (4, 1, True)
    assert (found.uses.n_uses, found.uses.n_out_of_vocabulary, found.uses.n_ignored) == (12, 10, 3)
    assert found.uses.out_of_vocabulary_share == 0.833333
    assert found.uses.out_of_vocabulary_share_after_ignore == 0.777778
    assert (found.n_forms, found.n_ignored_forms) == (6, 2)
    first, second = found.periods
    assert (first.period, first.n_projects, first.uses.n_uses, first.uses.n_ignored) == ("2020-01", 2, 5, 1)
    assert (first.n_forms, first.n_new_forms, first.new_form_share) == (3, None, None)
    assert (first.n_single_forms, first.unseen_mass) == (2, 0.5)  # nlp and once, of four uses
    assert (second.n_forms, second.n_new_forms, second.new_form_share) == (3, 2, 0.666667)  # later and vision are new
    assert (second.n_single_forms, second.unseen_mass) == (3, 1.0)
    assert [candidate.tag for candidate in found.candidates] == ["new", "later", "once", "undated"]
    new = only(found, "new")
    assert (new.n_projects, new.prevalence, new.n_days, new.n_periods) == (4, 1.0, 2, 2)
    assert (new.first_seen, new.last_seen, new.busiest_on) == ("2020-01-01", "2020-02-01", "2020-01-01")
    assert new.concentration == 0.666667  # of the three with a date
    undated = only(found, "undated")
    assert undated.reasons == ("no_dates",)
    assert (undated.first_seen, undated.n_days, undated.trend_p, undated.trend_q) == (None, None, None, None)


def test_a_broad_tag_is_suggested_and_others_say_what_they_lack() -> None:
    rows: list[tuple[str | None, list[str]]] = []
    for at in range(1, 5):
        rows += [(month(at, day), ["broad", "nlp"]) for day in range(1, 4)]
    rows += [(month(1, 5), ["one-day"])] * 12
    rows += [(month(2, day), ["one-month"]) for day in range(1, 13)]
    rows += [(month(at, 9), ["few"]) for at in range(1, 5)]
    rows += [(month(at, 20 + day), ["python"]) for at in range(1, 5) for day in range(3)]
    found = watch(
        dated(*rows, threshold={"min_projects": 12}, annotate={"exclude": ["Python"]}),
        monitor={"min_period_projects": 5, "min_uses": 4},
    )
    assert {each.tag: each.reasons for each in found.candidates} == {
        "broad": (),
        "one-day": ("few_periods", "few_days", "concentrated"),
        "one-month": ("few_periods",),
        "few": ("few_projects", "few_days"),
        "python": ("excluded",),
    }
    assert [(each.tag, each.would_keep, each.n_first_tag) for each in found.candidates if each.would_keep] == [
        ("broad", True, 0),  # its projects have nlp
        ("one-day", True, 12),
        ("one-month", True, 12),
    ]
    assert (found.candidates[0].tag, found.candidates[0].suggested, found.n_suggested) == ("broad", True, 1)


def test_a_busiest_day_of_just_the_limit_is_too_much() -> None:
    rows = [(month(1), ["edge"])] * 3 + [(month(2, day), ["edge"]) for day in range(1, 8)]
    found = watch(dated(*rows), monitor={**LOOSE, "max_concentration": 0.3})
    assert (only(found, "edge").concentration, only(found, "edge").reasons) == (0.3, ("concentrated",))


def test_what_rises_and_what_bursts_comes_before_what_is_larger() -> None:
    rows: list[tuple[str | None, list[str]]] = []
    for at in range(1, 7):
        rows += [(month(at, day), ["steady"]) for day in range(1, 21)]
        rows += [(month(at, day), ["rising"] if day <= 3 * at else []) for day in range(1, 21)]
        rows += [(month(at, day), ["falling", "vision"] if day > 3 * at else ["audio"]) for day in range(1, 21)]
    found = watch(dated(*rows, threshold={"min_projects": 1000}))
    assert [each.tag for each in found.candidates] == ["rising", "steady", "falling"]
    rising, steady, falling = found.candidates
    assert rising.trend_q is not None
    assert rising.trend_q < 0.001
    assert rising.burst_q is not None
    assert rising.burst_q < 0.01
    assert steady.trend_p is not None
    assert 0.4 < steady.trend_p < 0.6
    assert falling.trend_p is not None
    assert falling.trend_p > 0.99
    assert [(each.tag, each.n_periods, each.is_kept) for each in found.fading] == [("vision", 6, False)]
    assert found.fading[0].fade_q < 0.001
    assert found.never_used == ("nlp",)


def test_what_fades_the_most_comes_first() -> None:
    rows: list[tuple[str | None, list[str]]] = []
    for at in range(1, 7):
        rows += [(month(at, day), ["audio"] if day > 2 * at else []) for day in range(1, 21)]
        rows += [(month(at, day), ["vision"] if day > 3 * at else []) for day in range(1, 21)]
    found = watch(dated(*rows))
    assert [each.tag for each in found.fading] == ["vision", "audio"]
    assert found.fading[0].fade_q < found.fading[1].fade_q


def test_without_dates_times_are_null() -> None:
    found = watch(dated(*[(None, ["new", "nlp"])] * 6))
    assert (found.periods, found.fading, found.n_undated) == ((), (), 6)
    new = only(found, "new")
    timed = ("first_seen", "last_seen", "n_periods", "n_days", "concentration", "busiest_on")
    assert {getattr(new, name) for name in (*timed, "trend_p", "trend_q", "burst_p", "burst_q")} == {None}
    assert (new.reasons, new.would_keep, new.prevalence) == (("no_dates",), True, 1.0)


def test_one_period_has_no_trend_and_two_no_burst() -> None:
    one = only(watch(dated(*[(month(1, day), ["new"]) for day in range(1, 9)])), "new")
    assert (one.trend_p, one.trend_q, one.burst_p, one.n_days) == (None, None, None, 8)
    two = watch(
        dated(*[(month(at, day), ["new"]) for at in (1, 2) for day in range(1, 9)]), monitor={"min_period_projects": 8}
    )
    assert (only(two, "new").trend_p, only(two, "new").burst_p) == (0.5, None)  # every project has it


@pytest.mark.parametrize("rows", [[], [(month(1), [])], [(None, [])], [(month(1), ["nlp"])]])
def test_nothing_outside_the_vocabulary(rows: list[tuple[str | None, list[str]]]) -> None:
    found = watch(dated(*rows), monitor=LOOSE) if rows else watch(build_empty(), monitor=LOOSE)
    assert (found.candidates, found.n_candidates, found.uses.n_out_of_vocabulary) == ((), 0, 0)
    assert MonitorReport.model_validate(json_of(found)) == found


def build_empty() -> Build:
    """A build whose tables have no row."""
    from dataclasses import replace

    built = dated((month(1), ["nlp"]))
    rows = built.validated.rows.slice(0, 0)
    from tagpipe.steps.annotate.resolve_tags import annotate

    annotation = annotate(rows, built.vocabulary, built.params.annotate)
    validated = replace(built.validated, order=built.validated.order[:0])
    return replace(built, annotation=annotation, validated=validated, labeled=built.labeled.slice(0, 0))


def test_deprecated_tags_are_no_candidates_and_are_counted_all_the_same() -> None:
    records = [project(1, ["New", "other"], created_on=month(1)), project(2, ["new"], created_on=month(2))]
    found = watch(build_records(records, {"nlp": {}, "NEW": {"deprecated": True}}), monitor=LOOSE)
    assert [each.tag for each in found.candidates] == ["other"]
    assert found.uses.n_out_of_vocabulary == 3


def test_only_the_first_candidates_are_listed_and_the_rest_is_counted() -> None:
    built = dated((month(1), ["c", "b", "a"]), (month(2), ["c"]))
    found = watch(built, monitor={**LOOSE, "max_candidates": 2})
    assert [each.tag for each in found.candidates] == ["c", "a"]
    assert (found.n_candidates, found.n_left_out) == (3, 1)
    none = watch(built, monitor={**LOOSE, "max_candidates": 0})
    assert (none.candidates, none.n_candidates, none.n_suggested) == ((), 3, found.n_suggested)


def test_without_normal_forms_spellings_are_tags_of_their_own() -> None:
    sections = {"annotate": {"normalize": False, "exclude": ["python"]}}
    built = dated((month(1), ["New Tag", "new-tag", "Python", "python", "NLP"]), **sections)
    found = watch(built, monitor=LOOSE, ignored=Ignored(("new-tag",)))
    assert [(each.tag, each.reasons) for each in found.candidates] == [
        ("NLP", ("known_name", "concentrated")),
        ("Python", ("concentrated",)),
        ("python", ("excluded", "concentrated")),
    ]
    assert found.n_ignored_forms == 2


def test_the_nearest_tag_is_by_name_or_alias_and_never_one_told_apart() -> None:
    vocabulary = {
        "supervised-learning": {},
        "convolutional-neural-networks": {"aliases": ["convnets"]},
        "tabular-data": {"aliases": ["tabular"]},  # as it is called since a rename
        "objective-c": {},
    }
    raw = ["unsupervised-learning", "Convnet", "tabulars", "objective-c#", "zzz"]
    built = build_tags(*([[tag] for tag in raw]), vocabulary=vocabulary)

    def nearest(*pairs: tuple[str, str]) -> dict[str, str | None]:
        found = watch(built, monitor=LOOSE, not_same=DistinctNames(frozenset(pairs)))
        return {each.tag: each.nearest for each in found.candidates}

    assert nearest() == {
        "unsupervised-learning": "supervised-learning",
        "convnet": "convolutional-neural-networks",
        "tabulars": "tabular-data",
        "objective-c#": None,
        "zzz": None,
    }
    told = [("supervised-learning", "unsupervised-learning"), ("convnet", "convnets"), ("tabular", "tabulars")]
    assert set(nearest(*told).values()) == {None}


def test_the_nearest_tag_comes_with_its_similarity() -> None:
    found = watch(dated((month(1), ["visions", "zzz"])), monitor=LOOSE)
    assert (only(found, "visions").nearest, only(found, "visions").nearest_score) == ("vision", 92.3077)
    assert (only(found, "zzz").nearest, only(found, "zzz").nearest_score) == (None, None)


HOSTILE = ["</script><script>alert(1)</script>", "\x1b[31mred", "=1+1", "a\u202eb", "@user", '"', "\\", "💥", "a|b", ""]


def test_hostile_tags_stay_literal() -> None:
    found = watch(dated((month(1), HOSTILE)), monitor=LOOSE, ignored=Ignored((), (r"\[.*",)))
    assert {each.tag for each in found.candidates} == {tag.casefold() for tag in HOSTILE}
    assert MonitorReport.model_validate(json_of(found)) == found


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda tree: tree.pop("uses"), "uses"),
        (lambda tree: tree["candidates"].append(3), "candidates.1"),
        (lambda tree: tree["candidates"][0].update(reasons=None), "candidates.0.reasons"),
        (lambda tree: tree["periods"][0]["uses"].update(n_uses="many"), "periods.0.uses.n_uses"),
    ],
)
def test_another_form_of_the_report_is_found(spoil: Any, field: str) -> None:
    tree = json_of(watch(dated((month(1), ["new"])), monitor=LOOSE))
    MonitorReport.model_validate({**tree, "more": 1})
    spoil(tree)
    with pytest.raises(ValidationError) as raised:
        MonitorReport.model_validate(tree)
    assert describe_form_error(raised.value).field == field

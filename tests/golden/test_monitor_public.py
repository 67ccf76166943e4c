"""The new-tag monitor on the public Made With ML data of 2022-04, against plain loops over the raw JSON.

Of its 2,029 projects, published from February to October 2020, `bert` is the broad tag outside the vocabulary of
2020-12, and `network-embedding` and `node-embedding` are the work of one day.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from scipy import stats
from support.public_data import DATASETS, NEEDS_DATASETS

from tagpipe.curation.canonical_form import rewrite_vocabulary
from tagpipe.curation.edits import Entries, add_tag
from tagpipe.dataset.build import build
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.repository.yaml_file import read_yaml
from tagpipe.params import Params, parse_params
from tagpipe.steps.monitor.monitor_tags import monitor_tags
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.tables.reports.monitor import Candidate, MonitorReport
from tagpipe.vocabulary.curation_lists import parse_ignored
from tagpipe.vocabulary.entries import read_entries
from tagpipe.vocabulary.vocabulary import normalize_tag

pytestmark = NEEDS_DATASETS

Edit = Callable[[Entries], Entries]
OWN = ("madewithml-2022-04", "madewithml-2022-04")
WITH_FRAMEWORKS = ("madewithml-2022-04", "madewithml-2020-12")
"""(projects, vocabulary): that of 2022-04 has neither frameworks nor general tags, that of 2020-12 has both."""


def params_with(min_projects: int) -> Params:
    tree = read_yaml(packaged_file("params.yaml"))
    tree["threshold"]["min_projects"] = min_projects
    return parse_params(tree)


def read_raw(projects: str, vocabulary: str, *, until: str = "9999", edit: Edit | None = None) -> Raw:
    rows = json.loads((DATASETS / projects / "projects.json").read_bytes())
    rows = [row for row in rows if (row.get("created_on") or "") < until]
    tags = (DATASETS / vocabulary / "tags.json").read_bytes()
    if edit is not None:
        tags = rewrite_vocabulary(tags, ".json", edit(read_entries(tags, ".json", file="v")), file="v")
    projects_file = RawFile("projects.json", ".json", json.dumps(rows).encode())
    return Raw(projects_file, RawFile("vocabulary.json", ".json", tags))


def watch(projects: str, vocabulary: str, min_projects: int, *, until: str = "9999") -> MonitorReport:
    """With the shipped parameters and ignore list, but for the cut. until: the first day that is not there yet."""
    params = params_with(min_projects)
    built = build(read_raw(projects, vocabulary, until=until), (), params)
    tables = built.tables
    return monitor_tags(
        tables["annotate/projects"],
        tables["annotate/tag_uses"],
        tables["threshold/tags"],
        built.vocabulary,
        params.monitor,
        annotate=params.annotate,
        threshold=params.threshold,
        ignored=parse_ignored(packaged_file("data/curation/ignore.json").read_bytes(), file="ignore.json"),
    )


@pytest.fixture(scope="module")
def found() -> MonitorReport:
    return watch(*WITH_FRAMEWORKS, min_projects=40)


@dataclass(frozen=True)
class Counted:
    """What plain loops find: (day, forms) of each project, where of several names of one tag the first counts, and
    the days of each form outside the vocabulary."""

    projects: list[tuple[str, list[str]]]
    days: dict[str, list[str]]
    tag_of: dict[str, str]


@pytest.fixture(scope="module")
def counted() -> Counted:
    tags = json.loads((DATASETS / WITH_FRAMEWORKS[1] / "tags.json").read_bytes())
    tag_of = {normalize_tag(alias): tag for tag, entry in tags.items() for alias in entry.get("aliases", [])}
    tag_of |= {normalize_tag(tag): tag for tag in tags}
    projects, days = [], defaultdict(list)
    for record in json.loads((DATASETS / WITH_FRAMEWORKS[0] / "projects.json").read_bytes()):
        first: dict[str, str] = {}
        for form in map(normalize_tag, record["tags"]):
            first.setdefault(tag_of.get(form, form), form)
        projects.append((record["created_on"][:10], list(first.values())))
        for form in first.values():
            if form not in tag_of:
                days[form].append(record["created_on"][:10])
    return Counted(projects, days, tag_of)


def is_ignored(form: str) -> bool:
    """By Python's own regular expressions."""
    tree = json.loads(packaged_file("data/curation/ignore.json").read_bytes())
    return form in tree["tags"] or any(re.fullmatch(pattern, form) for pattern in tree["patterns"])


def candidate(found: MonitorReport, tag: str) -> Candidate:
    (one,) = (each for each in found.candidates if each.tag == tag)
    return one


def test_bert_is_the_one_broad_candidate(found: MonitorReport) -> None:
    assert [each.tag for each in found.candidates if each.suggested] == ["bert"]
    bert = candidate(found, "bert")
    assert (bert.n_projects, bert.n_days, bert.n_periods, bert.reasons) == (77, 53, 7, ())
    assert (bert.first_seen, bert.last_seen, bert.would_keep, bert.n_first_tag) == ("2020-03-24", "2020-10-05", True, 0)


@pytest.mark.parametrize(
    ("version", "min_projects", "suggested"),
    [
        (WITH_FRAMEWORKS, 30, ["bert", "health"]),
        (
            OWN,
            30,
            ["pytorch", "tensorflow", "attention", "bert", "huggingface", "scikit-learn", "tensorflow-js", "flask"],
        ),
    ],
)
def test_at_a_lower_cut_and_with_less_in_the_vocabulary_there_are_more(
    version: tuple[str, str], min_projects: int, suggested: list[str]
) -> None:
    assert [each.tag for each in watch(*version, min_projects).candidates if each.suggested] == suggested


def test_the_embeddings_are_the_work_of_one_day(found: MonitorReport) -> None:
    node, network = (candidate(found, f"{each}-embedding") for each in ("node", "network"))
    assert (node.n_projects, node.n_days, node.n_periods, node.concentration) == (29, 4, 1, round(18 / 29, 6))
    assert (network.n_projects, network.n_days, network.concentration) == (28, 4, round(18 / 28, 6))
    assert node.busiest_on == network.busiest_on
    for each in (node, network):
        assert {"few_periods", "few_days", "concentrated"} <= set(each.reasons)


def test_the_story_of_bert() -> None:
    """The figures of docs/vocabulary.md: two months in which nothing is suggested, then all of it."""
    early = watch(*OWN, 30, until="2020-05-01")
    bert, node = candidate(early, "bert"), candidate(early, "node-embedding")
    assert (early.n_candidates, early.n_suggested) == (46, 0)
    assert (bert.n_projects, bert.n_days, bert.n_periods) == (29, 13, 2)
    assert (node.n_projects, node.n_days, node.concentration) == (29, 4, round(18 / 29, 6))
    late = watch(*OWN, 30)
    assert (late.n_candidates, late.n_suggested) == (135, 8)
    bert = candidate(late, "bert")
    assert (bert.n_projects, bert.n_days, bert.n_periods, bert.n_first_tag) == (77, 53, 7, 0)


def test_the_story_of_its_parent() -> None:
    """Below transformers, bert takes the place of that on all of its projects; alone, it takes nothing away."""
    supports = []
    for edit in (None, partial(add_tag, tag="bert", parents=["transformers"]), partial(add_tag, tag="bert")):
        built = build(read_raw(*OWN, edit=edit), (), params_with(30))
        supports.append(Counter(tag for tags in built.tables["threshold/projects"]["tags"].to_pylist() for tag in tags))
    assert [each["bert"] for each in supports] == [0, 77, 77]
    assert [each["transformers"] for each in supports] == [196, 119, 196]
    assert [each.total() - supports[0].total() for each in supports] == [0, 0, 77]


def test_without_dates_everything_timed_is_null() -> None:
    dateless = watch("madewithml-2020-12", "madewithml-2020-12", 30)
    assert (dateless.periods, dateless.fading, dateless.n_undated) == ((), (), 2032)
    assert dateless.n_suggested == 0
    bert = candidate(dateless, "bert")
    assert (bert.n_projects, bert.trend_q, bert.n_days, bert.reasons) == (77, None, None, ("no_dates",))


# Every number of the report, computed anew


def test_every_candidate_is_as_counted_by_hand(found: MonitorReport, counted: Counted) -> None:
    wanted = {form for form, days in counted.days.items() if len(days) >= 5 and not is_ignored(form)}
    assert found.n_candidates == len(wanted)
    assert {each.tag for each in found.candidates} == wanted
    for each in found.candidates:
        by_day = Counter(counted.days[each.tag])
        assert each.n_projects == sum(by_day.values())
        assert (each.first_seen, each.last_seen, each.n_days) == (min(by_day), max(by_day), len(by_day))
        assert each.concentration == pytest.approx(max(by_day.values()) / each.n_projects, rel=1e-5)
        interval = stats.binomtest(each.n_projects, 2029).proportion_ci(0.95, "wilson")
        assert (each.prevalence_low, each.prevalence_high) == pytest.approx((interval.low, interval.high), rel=1e-5)


PERIODS = {"2020-02": 0, "2020-03": 0, "2020-04": 1, "2020-05": 2, "2020-06": 3, "2020-07": 4, "2020-08": 5}
"""February, with 12 projects, joins March; October, with 33, September."""


def period_of(day: str) -> int:
    return PERIODS.get(day[:7], 6)


def test_periods_are_as_counted_by_hand(found: MonitorReport, counted: Counted) -> None:
    assert [each.period for each in found.periods] == ["2020-02..2020-03", *list(PERIODS)[2:], "2020-09..2020-10"]
    seen: set[str] = set()
    for number, period in enumerate(found.periods):
        lists = [forms for day, forms in counted.projects if period_of(day) == number]
        uses = Counter(form for forms in lists for form in forms)
        outside = {form: count for form, count in uses.items() if form not in counted.tag_of}
        n_ignored = sum(count for form, count in outside.items() if is_ignored(form))
        assert (period.n_projects, period.uses.n_uses) == (len(lists), sum(uses.values()))
        assert (period.uses.n_out_of_vocabulary, period.uses.n_ignored) == (sum(outside.values()), n_ignored)
        regarded = {form: count for form, count in uses.items() if form not in outside or not is_ignored(form)}
        n_single = sum(count == 1 for count in regarded.values())
        assert (period.n_forms, period.n_single_forms) == (len(regarded), n_single)
        assert period.unseen_mass == pytest.approx(n_single / sum(regarded.values()), rel=1e-5)
        if number:
            assert period.n_new_forms == len(regarded.keys() - seen)
        seen |= set(regarded)


def adjusted(p: dict[str, float]) -> dict[str, float]:
    """Benjamini and Hochberg's step-up procedure, from the largest p down."""
    q, smallest = {}, 1.0
    ranked = sorted(p, key=lambda tag: p[tag], reverse=True)
    for rank, tag in zip(range(len(p), 0, -1), ranked, strict=True):
        smallest = min(smallest, p[tag] * len(p) / rank)
        q[tag] = smallest
    return q


def test_trends_and_bursts_are_as_computed_otherwise(found: MonitorReport, counted: Counted) -> None:
    """The trend as a correlation over all projects, the burst by fisher_exact, both one by one."""
    periods = [period_of(day) for day, _ in counted.projects]
    n_recent = sum(period >= 5 for period in periods)
    trend_p, burst_p = {}, {}
    for each in found.candidates:
        has_tag = [int(each.tag in forms) for _, forms in counted.projects]
        correlation = stats.pearsonr(periods, has_tag).statistic
        trend_p[each.tag] = float(stats.norm.sf(correlation * math.sqrt(len(periods))))
        recent = sum(has for has, period in zip(has_tag, periods, strict=True) if period >= 5)
        before = sum(has_tag) - recent
        table = [[recent, n_recent - recent], [before, len(periods) - n_recent - before]]
        burst_p[each.tag] = float(stats.fisher_exact(table, alternative="greater").pvalue)
    trend_q, burst_q = adjusted(trend_p), adjusted(burst_p)
    for each in found.candidates:
        expected: list[Any] = [table[each.tag] for table in (trend_p, trend_q, burst_p, burst_q)]
        assert [each.trend_p, each.trend_q, each.burst_p, each.burst_q] == pytest.approx(expected, rel=1e-5)


def test_fading_tags_are_as_computed_otherwise(found: MonitorReport, counted: Counted) -> None:
    tags = json.loads((DATASETS / WITH_FRAMEWORKS[1] / "tags.json").read_bytes())
    periods = [period_of(day) for day, _ in counted.projects]
    p = {}
    for tag, entry in tags.items():
        names = {normalize_tag(name) for name in (tag, *entry.get("aliases", []))}
        has_tag = [int(bool(names.intersection(forms))) for _, forms in counted.projects]
        if sum(has_tag) >= 5:
            correlation = stats.pearsonr(periods, has_tag).statistic
            p[tag] = float(stats.norm.cdf(correlation * math.sqrt(len(periods))))
    q = adjusted(p)
    expected = {tag: pytest.approx(value, rel=1e-5) for tag, value in q.items() if value < 0.05}
    assert {each.tag: each.fade_q for each in found.fading} == expected
    assert found.fading[0].tag == "node-classification"

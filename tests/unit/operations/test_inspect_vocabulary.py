"""What is said of tags: candidates that people have decided on since the last run, and the edits that name one."""

from __future__ import annotations

import pytest

from tagpipe.curation.log import LogLine, make_patch
from tagpipe.operations.inspect_vocabulary import drop_decided, is_about
from tagpipe.tables.reports.monitor import Candidate, MonitorReport, UseCounts
from tagpipe.vocabulary.curation_lists import Ignored
from tagpipe.vocabulary.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("bert", "mlops"), (("Big Bird",), ()), ((), ()), ("Old One",))


def make_candidate(tag: str, *reasons: str) -> Candidate:
    numbers = {"n_projects": 9, "prevalence": 0.1, "prevalence_low": 0.0, "prevalence_high": 0.2}
    dates = dict.fromkeys(("first_seen", "last_seen", "n_periods", "n_days", "concentration", "busiest_on"))
    tests = dict.fromkeys(("trend_p", "trend_q", "burst_p", "burst_q", "nearest", "nearest_score"))
    judged = {"would_keep": True, "n_first_tag": 0, "suggested": not reasons, "reasons": reasons}
    return Candidate(tag=tag, **numbers, **dates, **tests, **judged)


def make_monitoring(*candidates: Candidate) -> MonitorReport:
    shares = dict.fromkeys(("out_of_vocabulary_share", "out_of_vocabulary_share_after_ignore"))
    return MonitorReport(
        n_projects=90,
        n_undated=0,
        min_projects=12,
        uses=UseCounts(n_uses=0, n_out_of_vocabulary=0, n_ignored=0, **shares),
        n_forms=0,
        n_ignored_forms=0,
        n_candidates=len(candidates) + 5,
        n_left_out=5,
        n_suggested=sum(candidate.suggested for candidate in candidates),
        periods=(),
        candidates=candidates,
        fading=(),
        never_used=(),
    )


def test_candidates_that_were_decided_on_since_are_left_out() -> None:
    """Added, made an alias, deprecated, ignored by name and by pattern; what no setting lets count stays."""
    decided = map(make_candidate, ("BERT", "big_bird", "old-one", "tutorial", "arXiv:1234"))
    known = make_candidate("mlops", "known_name")
    found = make_monitoring(*decided, known, make_candidate("gpt"), make_candidate("few", "few_projects"))
    left, n_decided = drop_decided(found, VOCABULARY, Ignored(("tutorial",), ("arxiv:.*",)))
    assert ([each.tag for each in left.candidates], n_decided) == (["mlops", "gpt", "few"], 5)
    assert (left.n_candidates, left.n_suggested) == (found.n_candidates - 5, 1)


def test_without_a_decision_all_stay() -> None:
    found = make_monitoring(make_candidate("gpt"))
    assert drop_decided(found, VOCABULARY, Ignored()) == (found, 0)


def line_of(*arguments: str) -> LogLine:
    patches = (make_patch("vocabulary.json", b"a", b"b"),)
    return LogLine("2026-01-01T00:00:00+00:00", "A <a@b>", "edit", arguments, None, {}, patches)


@pytest.mark.parametrize(
    "arguments",
    [
        ("mlops",),
        ("alias", "ML ops"),
        ("bert", "--parent=mlops"),
        ("--parent=vision", "--parent=mlops", "bert"),
        ("--alias=ml_ops", "bert"),
        ("pytorch", "--off=mlops", "--into=torch"),
        ("--off=torch", "--into=MLOps", "pytorch"),
        ("--instead-of=mlops", "pytorch", "vision"),
        ("automl", "--replaced-by=mlops"),
        ("--parent=a\nb=c", "--", "-x", "mlops"),
        ("--remove", "--", "-x", "ml-ops"),
    ],
)
def test_an_edit_is_about_every_tag_that_it_names(arguments: tuple[str, ...]) -> None:
    assert is_about(line_of(*arguments), ["mlops", "ml-ops"])


@pytest.mark.parametrize(
    "arguments",
    [(), ("mlopss",), ("--remove", "vision", "audio"), ("--", "--parent=mlops"), ("--parent=vision", "--", "-mlops")],
)
def test_an_edit_is_about_no_other_tag(arguments: tuple[str, ...]) -> None:
    assert not is_about(line_of(*arguments), ["mlops"])


def test_a_name_with_a_line_end_or_an_equals_sign_is_found_in_an_option() -> None:
    assert is_about(line_of("--parent=a\nb=c"), ["a\nb=c"])

"""What the last run found beside what people have decided since."""

from __future__ import annotations

from tagpipe.core.curation import Ignored
from tagpipe.core.monitoring import Candidate, Counts, Monitoring
from tagpipe.core.vocabulary import Vocabulary
from tagpipe.inspection import leave_out_decided

VOCABULARY = Vocabulary(("bert", "mlops"), (("Big Bird",), ()), ((), ()), ("Old One",))


def make_candidate(tag: str, *reasons: str) -> Candidate:
    numbers = {"n_projects": 9, "prevalence": 0.1, "prevalence_low": 0.0, "prevalence_high": 0.2}
    dates = dict.fromkeys(("first_seen", "last_seen", "n_periods", "n_days", "concentration", "busiest_on"))
    tests = dict.fromkeys(("trend_p", "trend_q", "burst_p", "burst_q", "nearest", "nearest_score"))
    judged = {"would_keep": True, "n_first_tag": 0, "suggested": not reasons, "reasons": reasons}
    return Candidate(tag=tag, **numbers, **dates, **tests, **judged)


def make_monitoring(*candidates: Candidate) -> Monitoring:
    counts = Counts(0, 0, 0, None, None)
    n_suggested = sum(each.suggested for each in candidates)
    return Monitoring(90, 0, 12, counts, 0, 0, len(candidates) + 5, 5, n_suggested, (), candidates, (), ())


def test_candidates_that_were_decided_on_since_are_left_out() -> None:
    """Added, made an alias, deprecated, ignored by name and by pattern; what no setting lets count stays."""
    decided = map(make_candidate, ("BERT", "big_bird", "old-one", "tutorial", "arXiv:1234"))
    known = make_candidate("mlops", "known_name")
    found = make_monitoring(*decided, known, make_candidate("gpt"), make_candidate("few", "few_projects"))
    left, n_decided = leave_out_decided(found, VOCABULARY, Ignored(("tutorial",), ("arxiv:.*",)))
    assert ([each.tag for each in left.candidates], n_decided) == (["mlops", "gpt", "few"], 5)
    assert (left.n_candidates, left.n_suggested) == (found.n_candidates - 5, 1)


def test_without_a_decision_all_stay() -> None:
    found = make_monitoring(make_candidate("gpt"))
    assert leave_out_decided(found, VOCABULARY, Ignored()) == (found, 0)

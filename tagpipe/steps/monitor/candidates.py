"""Forms outside the vocabulary as candidates: the effect of adding each, and the reasons not to suggest it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.params import AnnotateParams, MonitorParams, ThresholdParams
from tagpipe.steps.monitor.statistics import (
    Floats,
    adjust_p,
    burst_p,
    rising_p,
    round_significant,
    trend_score,
    wilson_interval,
)
from tagpipe.steps.monitor.uses import N_RECENT, Times
from tagpipe.tables.periods import Periods, day_text
from tagpipe.tables.reports.monitor import Candidate, NotSuggested
from tagpipe.tables.tag_lists import Bools, Int64s
from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.nearest import find_nearest_tags
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag


@dataclass(frozen=True, eq=False)
class Judged:
    """Arrays with one element per candidate."""

    codes: Int64s
    """Indices into the forms."""
    would_keep: Bools
    """True if the form, added as a tag, would pass the cut."""
    n_first_tag: Int64s
    """Unlabeled projects that would gain their first label."""
    trend_p: Floats | None
    """None if there are fewer than two periods."""
    trend_q: Floats | None
    burst_p: Floats | None
    """None if no period precedes the recent ones."""
    burst_q: Floats | None
    failures: dict[NotSuggested, Bools]
    """For each reason, in the order of NotSuggested, True if it keeps a candidate from being suggested."""
    suggested: Bools
    """True if no reason does."""
    ranked: Int64s
    """Indices of the candidates: suggested ones first, then rising or bursting ones, then by projects, then by form."""


def judge_candidates(
    forms: pa.StringArray,
    codes: Int64s,
    n_projects: Int64s,
    n_unlabeled: Int64s,
    is_known: Bools,
    times: Times,
    periods: Periods,
    params: MonitorParams,
    annotate: AnnotateParams,
    threshold: ThresholdParams,
) -> Judged:
    """Judge the candidates `codes`, which are indices into forms, n_projects, n_unlabeled and the arrays of times.

    n_unlabeled: those of n_projects that have no label. is_known: candidates that cannot be added because the
    vocabulary has the name.
    """
    support = n_projects[codes]
    names = forms.take(pa.array(codes))
    excluded = sorted(set(map(normalize_tag, annotate.exclude) if annotate.normalize else annotate.exclude))
    is_excluded = np.asarray(pc.is_in(names, value_set=pa.array(excluded, pa.string())), dtype=bool)
    has_few_projects = support < threshold.min_projects
    would_keep = ~has_few_projects & ~is_excluded & ~is_known
    trend, burst = _test_trend(times, codes, periods), _test_burst(times, codes, periods)
    failures = {
        NotSuggested.KNOWN_NAME: is_known,
        NotSuggested.EXCLUDED: is_excluded,
        NotSuggested.FEW_PROJECTS: has_few_projects,
        **_find_time_failures(times, codes, periods, params),
    }
    suggested = ~np.any(list(failures.values()), axis=0)
    trend_q, burst_q = (_adjust(p, times.n_uses[codes] > 0) for p in (trend, burst))
    moves = np.zeros(len(codes), dtype=bool)
    for q in (trend_q, burst_q):
        if q is not None:
            moves |= q < params.max_q
    place = np.empty(len(codes), dtype=np.int64)
    place[np.asarray(pc.sort_indices(names))] = np.arange(len(codes))
    return Judged(
        codes=codes,
        would_keep=would_keep,
        n_first_tag=np.where(would_keep, n_unlabeled[codes], 0),
        trend_p=trend,
        trend_q=trend_q,
        burst_p=burst,
        burst_q=burst_q,
        failures=failures,
        suggested=suggested,
        ranked=np.lexsort((place, -support, ~moves, ~suggested)),
    )


def _test_trend(times: Times, codes: Int64s, periods: Periods) -> Floats | None:
    """One-sided p of a rise; None if there are fewer than two periods."""
    if len(periods) < 2:
        return None
    return rising_p(trend_score(times.n_uses[codes], times.score_sums[codes], periods.sizes))


def _test_burst(times: Times, codes: Int64s, periods: Periods) -> Floats | None:
    """One-sided p of a burst in the last periods; None if there is no period before them."""
    if len(periods) <= N_RECENT:
        return None
    n_recent_projects = int(periods.sizes[-N_RECENT:].sum())
    return burst_p(
        times.n_recent[codes],
        times.n_uses[codes],
        n_recent_projects=n_recent_projects,
        n_projects=int(periods.sizes.sum()),
    )


def _adjust(p: Floats | None, is_dated: Bools) -> Floats | None:
    """q-values of the candidates with dates; NaN, which is below no threshold, for the others."""
    if p is None:
        return None
    q = np.full(len(p), np.nan)
    q[is_dated] = adjust_p(p[is_dated])
    return q


def _find_time_failures(
    times: Times, codes: Int64s, periods: Periods, params: MonitorParams
) -> dict[NotSuggested, Bools]:
    if not len(periods):
        return {NotSuggested.NO_DATES: np.ones(len(codes), dtype=bool)}
    n_uses = times.n_uses[codes]
    is_dated = n_uses > 0
    return {
        NotSuggested.NO_DATES: ~is_dated,
        NotSuggested.FEW_PERIODS: is_dated & (times.n_periods[codes] < params.min_periods),
        NotSuggested.FEW_DAYS: is_dated & (times.n_days[codes] < params.min_days),
        NotSuggested.CONCENTRATED: is_dated & (times.n_busiest[codes] >= params.max_concentration * n_uses),
    }


def describe_candidates(
    forms: pa.StringArray,
    n_projects: Int64s,
    n_all: int,
    judged: Judged,
    times: Times,
    vocabulary: Vocabulary,
    distinct: DistinctNames,
    *,
    n_most: int,
) -> tuple[Candidate, ...]:
    """The n_most highest-ranked candidates, with their intervals and nearest tags. n_all: all valid projects."""
    shown = judged.ranked[:n_most]
    names = forms.take(pa.array(judged.codes[shown])).to_pylist()
    nearest = find_nearest_tags(names, vocabulary, distinct)
    return tuple(
        _describe(name, int(index), int(n_projects[judged.codes[index]]), n_all, judged, times, near)
        for name, index, near in zip(names, shown, nearest, strict=True)
    )


def _describe(
    name: str, index: int, support: int, n_all: int, judged: Judged, times: Times, near: tuple[str, float] | None
) -> Candidate:
    code = int(judged.codes[index])
    n_dated = int(times.n_uses[code])
    low, high = wilson_interval(support, n_all)

    def rounded(of_candidates: Floats | None) -> float | None:
        return round_significant(float(of_candidates[index])) if of_candidates is not None and n_dated else None

    return Candidate(
        tag=name,
        n_projects=support,
        prevalence=round_significant(support / n_all),
        prevalence_low=round_significant(low),
        prevalence_high=round_significant(high),
        first_seen=day_text(int(times.first[code])) if n_dated else None,
        last_seen=day_text(int(times.last[code])) if n_dated else None,
        n_periods=int(times.n_periods[code]) if n_dated else None,
        n_days=int(times.n_days[code]) if n_dated else None,
        concentration=round_significant(int(times.n_busiest[code]) / n_dated) if n_dated else None,
        busiest_on=day_text(int(times.busiest[code])) if n_dated else None,
        trend_p=rounded(judged.trend_p),
        trend_q=rounded(judged.trend_q),
        burst_p=rounded(judged.burst_p),
        burst_q=rounded(judged.burst_q),
        nearest=near[0] if near else None,
        nearest_score=round_significant(near[1]) if near else None,
        would_keep=bool(judged.would_keep[index]),
        n_first_tag=int(judged.n_first_tag[index]),
        suggested=bool(judged.suggested[index]),
        reasons=tuple(str(reason) for reason, fails in judged.failures.items() if fails[index]),
    )

"""The new-tag monitor: which tags outside the vocabulary deserve a place in it, and which inside it fade.

Everything comes from the ledger. Uses are flat arrays of codes; the days of each tag come from one sort of (code, day),
and periods, trends and bursts are sums over that. No loop runs over uses or tags, only over what is written.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.params import AnnotateParams, MonitorParams, ThresholdParams
from tagpipe.steps.monitor.candidates import describe_candidates, judge_candidates
from tagpipe.steps.monitor.statistics import adjust_p, rising_p, round_significant, trend_score
from tagpipe.steps.monitor.uses import Times, Uses, find_labeled, read_uses, time_uses
from tagpipe.tables.periods import Periods, day_text, find_days, make_periods
from tagpipe.tables.reports.monitor import FadingTag, MonitorReport, Period, UseCounts
from tagpipe.tables.tag_lists import Bools, Int64s
from tagpipe.vocabulary.curation_lists import DistinctNames, Ignored, find_ignored
from tagpipe.vocabulary.vocabulary import Vocabulary, look_up, normalize_tag, normalize_tags, resolve_names


def monitor_tags(
    projects: pa.Table,
    ledger: pa.Table,
    tags: pa.Table,
    vocabulary: Vocabulary,
    params: MonitorParams,
    *,
    annotate: AnnotateParams,
    threshold: ThresholdParams,
    ignored: Ignored | None = None,
    not_same: DistinctNames | None = None,
) -> MonitorReport:
    """Watch the tags of a dataset version.

    projects: id, created_on, tags (before the cut) of the annotated projects. ledger: project_id, normalized_tag, tag,
    outcome of `schemas.tag_uses`, in the same order of projects. tags: `schemas.TAGS`. What the vocabulary has
    deprecated is no candidate, in any spelling.
    """
    uses, tag_uses = read_uses(ledger, projects)
    days = find_days(projects.column("created_on"))
    periods = make_periods(days, params.period, min_projects=params.min_period_projects)
    times = time_uses(uses, days, periods)
    kept = tags.filter(tags.column("kept")).column("tag").combine_chunks()
    support = uses.count(uses.is_out)
    normal = normalize_tags(uses.forms)
    is_out = support > 0
    is_ignored = is_out & find_ignored(normal, ignored or Ignored())
    deprecated = pa.array(sorted(map(normalize_tag, vocabulary.deprecated)), pa.string())
    is_candidate = is_out & ~is_ignored & ~np.asarray(pc.is_in(normal, value_set=deprecated), dtype=bool)
    codes = np.flatnonzero(is_candidate & (support >= params.min_uses))
    judged = judge_candidates(
        uses.forms,
        codes,
        support,
        uses.count(uses.is_out & ~find_labeled(projects, kept)[uses.rows]),
        times,
        periods,
        params,
        min_projects=threshold.min_projects,
        is_known=look_up(normal.take(pa.array(codes)), resolve_names(vocabulary)) >= 0,
        excluded=frozenset(map(normalize_tag, annotate.exclude) if annotate.normalize else annotate.exclude),
    )
    apart = (not_same or DistinctNames()).within(vocabulary)
    candidates = describe_candidates(
        uses.forms, support, projects.num_rows, judged, times, vocabulary, apart, n_most=params.max_candidates
    )
    return MonitorReport(
        n_projects=projects.num_rows,
        n_undated=projects.num_rows - int(periods.sizes.sum()),
        min_projects=threshold.min_projects,
        uses=_count_uses(len(uses.codes), int(support.sum()), int(support[is_ignored].sum())),
        n_forms=int(is_out.sum()),
        n_ignored_forms=int(is_ignored.sum()),
        n_candidates=len(judged.codes),
        n_left_out=len(judged.codes) - len(candidates),
        n_suggested=int(judged.suggested.sum()),
        periods=_describe_periods(times, periods, is_out, is_ignored),
        candidates=candidates,
        fading=_find_fading(tag_uses, time_uses(tag_uses, days, periods), periods, kept, params),
        never_used=tuple(sorted(set(vocabulary.tags) - set(tag_uses.used_forms))),
    )


def _count_uses(n_uses: int, n_out: int, n_ignored: int) -> UseCounts:
    return UseCounts(
        n_uses=n_uses,
        n_out_of_vocabulary=n_out,
        n_ignored=n_ignored,
        out_of_vocabulary_share=_share(n_out, n_uses),
        out_of_vocabulary_share_after_ignore=_share(n_out - n_ignored, n_uses - n_ignored),
    )


def _share(part: int, whole: int) -> float | None:
    return round_significant(part / whole) if whole else None


def _describe_periods(times: Times, periods: Periods, is_out: Bools, is_ignored: Bools) -> tuple[Period, ...]:
    def total(which: Bools, weights: Int64s | None = None) -> list[int]:
        of_entries = None if weights is None else weights[which]
        sums = np.bincount(times.entry_periods[which], weights=of_entries, minlength=len(periods))
        return [int(each) for each in sums.tolist()]

    codes, counts = times.entry_codes, times.entry_counts
    is_first = np.append(True, codes[1:] != codes[:-1])[: len(codes)]  # periods ascend within a code
    regarded = ~is_ignored[codes]
    rows = zip(
        periods.names,
        periods.sizes.tolist(),
        total(np.ones(len(codes), dtype=bool), counts),
        total(is_out[codes], counts),
        total(~regarded, counts),
        total(regarded),
        total(regarded & is_first),
        total(regarded & (counts == 1)),
        strict=True,
    )
    return tuple(
        Period(
            period=name,
            n_projects=n_projects,
            uses=_count_uses(n_uses, n_out, n_ignored),
            n_forms=n_forms,
            n_new_forms=n_new if number else None,
            new_form_share=_share(n_new, n_forms) if number else None,
            n_single_forms=n_single,
            unseen_mass=_share(n_single, n_uses - n_ignored),
        )
        for number, (name, n_projects, n_uses, n_out, n_ignored, n_forms, n_new, n_single) in enumerate(rows)
    )


def _find_fading(
    uses: Uses, times: Times, periods: Periods, kept: pa.StringArray, params: MonitorParams
) -> tuple[FadingTag, ...]:
    """Tags of the vocabulary whose share of the projects falls, by q, then tag; none where there is one period."""
    tested = np.flatnonzero((times.n_uses >= params.min_uses) & (len(periods) > 1))
    p = rising_p(-trend_score(times.n_uses[tested], times.score_sums[tested], periods.sizes))
    q = adjust_p(p)
    kept_names = set(kept.to_pylist())
    support = uses.count()
    found = []
    for at in np.flatnonzero(q < params.max_q).tolist():
        code = int(tested[at])
        tag = uses.forms[code].as_py()
        found.append(
            FadingTag(
                tag=tag,
                n_projects=int(support[code]),
                first_seen=day_text(int(times.first[code])),
                last_seen=day_text(int(times.last[code])),
                n_periods=int(times.n_periods[code]),
                fade_p=round_significant(float(p[at])),
                fade_q=round_significant(float(q[at])),
                is_kept=tag in kept_names,
            )
        )
    return tuple(sorted(found, key=lambda fading: (fading.fade_q, fading.tag)))

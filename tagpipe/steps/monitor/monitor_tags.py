"""The new-tag monitor: which tags outside the vocabulary deserve a place in it, and which inside it fade.

Everything comes from the ledger. Uses are flat arrays of codes; the days of each tag come from one sort of (code, day),
and periods, trends and bursts are sums over that. No loop runs over uses or tags, only over what is written.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    forms = _classify_forms(uses, vocabulary, ignored or Ignored())
    is_unlabeled = ~find_labeled(projects, kept)[uses.rows]
    codes = np.flatnonzero(forms.is_candidate & (forms.support >= params.min_uses))
    n_unlabeled, is_known = uses.count(uses.is_out & is_unlabeled), forms.is_known[codes]
    judged = judge_candidates(
        uses.forms, codes, forms.support, n_unlabeled, is_known, times, periods, params, annotate, threshold
    )
    apart = (not_same or DistinctNames()).within(vocabulary)
    candidates = describe_candidates(
        uses.forms, forms.support, projects.num_rows, judged, times, vocabulary, apart, n_most=params.max_candidates
    )
    return MonitorReport(
        n_projects=projects.num_rows,
        n_undated=projects.num_rows - int(periods.sizes.sum()),
        min_projects=threshold.min_projects,
        uses=forms.count_uses(len(uses.codes)),
        n_forms=int(forms.is_out.sum()),
        n_ignored_forms=int(forms.is_ignored.sum()),
        n_candidates=len(judged.codes),
        n_left_out=len(judged.codes) - len(candidates),
        n_suggested=int(judged.suggested.sum()),
        periods=_describe_periods(times, periods, forms),
        candidates=candidates,
        fading=_find_fading(tag_uses, time_uses(tag_uses, days, periods), periods, kept, params),
        never_used=tuple(sorted(set(vocabulary.tags) - set(tag_uses.used_forms))),
    )


@dataclass(frozen=True)
class _Forms:
    """What is decided once per distinct form: arrays over the codes of `Uses.forms`."""

    support: Int64s
    """Projects that have the form outside the vocabulary."""
    is_ignored: Bools
    is_candidate: Bools
    is_known: Bools
    """True for a name of the vocabulary, in any spelling."""

    @property
    def is_out(self) -> Bools:
        return np.asarray(self.support > 0)

    def count_uses(self, n_uses: int) -> UseCounts:
        return _count_uses(n_uses, int(self.support.sum()), int(self.support[self.is_ignored].sum()))


def _classify_forms(uses: Uses, vocabulary: Vocabulary, ignored: Ignored) -> _Forms:
    support = uses.count(uses.is_out)
    normal = normalize_tags(uses.forms)
    is_ignored = (support > 0) & find_ignored(normal, ignored)
    deprecated = pa.array(sorted(map(normalize_tag, vocabulary.deprecated)), pa.string())
    is_deprecated = np.asarray(pc.is_in(normal, value_set=deprecated), dtype=bool)
    is_known = look_up(normal, resolve_names(vocabulary)) >= 0
    return _Forms(support, is_ignored, (support > 0) & ~is_ignored & ~is_deprecated, is_known)


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


def _describe_periods(times: Times, periods: Periods, forms: _Forms) -> tuple[Period, ...]:
    def total(which: Bools, weights: Int64s | None = None) -> list[int]:
        of_entries = None if weights is None else weights[which]
        sums = np.bincount(times.entry_periods[which], weights=of_entries, minlength=len(periods))
        return list(map(int, sums))

    codes, counts = times.entry_codes, times.entry_counts
    is_first = np.append(True, codes[1:] != codes[:-1])[: len(codes)]  # periods ascend within a code
    regarded = ~forms.is_ignored[codes]
    rows = zip(
        periods.names,
        periods.sizes.tolist(),
        total(np.ones(len(codes), dtype=bool), counts),
        total(forms.is_out[codes], counts),
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
    fading = []
    for index in np.flatnonzero(q < params.max_q).tolist():
        code = int(tested[index])
        tag = uses.forms[code].as_py()
        fading.append(
            FadingTag(
                tag=tag,
                n_projects=int(support[code]),
                first_seen=day_text(int(times.first[code])),
                last_seen=day_text(int(times.last[code])),
                n_periods=int(times.n_periods[code]),
                fade_p=round_significant(float(p[index])),
                fade_q=round_significant(float(q[index])),
                is_kept=tag in kept_names,
            )
        )
    return tuple(sorted(fading, key=lambda row: (row.fade_q, row.tag)))

"""What the new-tag monitor found, on a terminal and as Markdown. Public text is always literal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.history.candidates import CandidateTrace, MonitoredVersion
from tagpipe.render.diff.cells import percent
from tagpipe.render.history import draw_sparkline
from tagpipe.render.text import EMPTY, code_span, plain_table, shorten, visible
from tagpipe.tables.reports.monitor import Candidate, MonitorReport, Period

_TAG_CHARS = 40
_N_SHOWN = 5
_WHY_NOT = {
    "known_name": "a name in the vocabulary",
    "excluded": "excluded",
    "few_projects": "too few projects",
    "no_dates": "no dates",
    "few_periods": "too few periods",
    "few_days": "too few days",
    "concentrated": "most on one day",
}


def render_monitoring(found: MonitorReport, *, n_most: int) -> RenderableType:
    """All of it, with at most n_most candidates."""
    parts: list[RenderableType] = [Text(line) for line in tell_monitoring(found)]
    if found.periods:
        parts += [Text(), _table(_PERIOD_COLUMNS, found.periods)]
    if found.candidates:
        parts += [Text(), _table(_CANDIDATE_COLUMNS, found.candidates[:n_most])]
    if (n_more := found.n_candidates - min(n_most, len(found.candidates))) > 0:
        parts.append(Text(f"... and {n_more:,} more candidates"))
    return Group(*parts, Text(), *(Text(line) for line in _tell_vocabulary(found)))


def tell_monitoring(found: MonitorReport) -> list[str]:
    """The counts in three lines."""
    undated = f", {found.n_undated:,} without a date" if found.n_undated else ""
    uses = found.uses
    outside = f"outside the vocabulary: {found.n_forms:,} forms, {_percent(uses.out_of_vocabulary_share)} of the uses"
    suggested = f"{found.n_suggested:,} suggested to be added (at least {found.min_projects:,} projects)"
    return [
        f"{found.n_projects:,} projects{undated}, with {uses.n_uses:,} tag uses",
        f"{outside}; without the ignored ones {_percent(uses.out_of_vocabulary_share_after_ignore)}",
        f"{found.n_candidates:,} candidates, {suggested}",
    ]


def _tell_vocabulary(found: MonitorReport) -> list[str]:
    fading = [f"{shorten(each.tag, _TAG_CHARS)} (q {_p(each.fade_q)})" for each in found.fading]
    never = [shorten(tag, _TAG_CHARS) for tag in found.never_used]
    return [f"fading in the vocabulary: {_list(fading)}", f"never used: {_list(never)}"]


def _list(names: Sequence[str]) -> str:
    more = f" (+{len(names) - _N_SHOWN:,} more)" if len(names) > _N_SHOWN else ""
    return (", ".join(names[:_N_SHOWN]) or "none") + more


def why_not(candidate: Candidate) -> str:
    """What keeps it from being suggested, in words; `suggested` if nothing does."""
    return ", ".join(_WHY_NOT.get(reason, reason) for reason in candidate.reasons) or "suggested"


def _percent(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _p(value: float | None) -> str:
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _nearest(each: Candidate) -> str:
    return "-" if each.nearest is None else f"{shorten(each.nearest, _TAG_CHARS)} {each.nearest_score:.0f}"


_PERIOD_COLUMNS: dict[str, Callable[[Period], str]] = {
    "period": lambda each: each.period,
    "projects": lambda each: f"{each.n_projects:,}",
    "outside": lambda each: _percent(each.uses.out_of_vocabulary_share),
    "not ignored": lambda each: _percent(each.uses.out_of_vocabulary_share_after_ignore),
    "new forms": lambda each: _percent(each.new_form_share),
    "unseen": lambda each: _percent(each.unseen_mass),
}
_CANDIDATE_COLUMNS: dict[str, Callable[[Candidate], str]] = {
    "tag": lambda each: shorten(each.tag, _TAG_CHARS) or EMPTY,
    "projects": lambda each: f"{each.n_projects:,}",
    "periods": lambda each: _count(each.n_periods),
    "days": lambda each: _count(each.n_days),
    "busiest": lambda each: _percent(each.concentration),
    "trend q": lambda each: _p(each.trend_q),
    "burst q": lambda each: _p(each.burst_q),
    "first tag": lambda each: f"{each.n_first_tag:,}",
    "nearest": _nearest,
    "suggested": why_not,
}
_LEFT = ("period", "tag", "nearest", "suggested")


def _table(columns: dict[str, Callable[[Any], str]], rows: Sequence[Any]) -> Table:
    table = plain_table(*((name, "left" if name in _LEFT else "right") for name in columns))
    for row in rows:
        table.add_row(*(Text(cell(row)) for cell in columns.values()))
    return table


def render_traces(
    versions: Sequence[MonitoredVersion], traces: Sequence[CandidateTrace], *, n_most: int
) -> RenderableType:
    """The candidates along the versions that have a report, the oldest first."""
    known = [version for version in versions if version.report is not None]
    lines = [f"{len(known):,} of {len(versions):,} versions have a report of the monitor"]
    if not known:
        return Text(lines[0])
    first, last = known[0], known[-1]
    lines.append(f"from {first.commit[:9]} ({first.committed_at[:10]}) to {last.commit[:9]} ({last.committed_at[:10]})")
    columns: dict[str, Callable[[CandidateTrace], str]] = {
        "tag": lambda each: shorten(each.tag, _TAG_CHARS) or EMPTY,
        "versions": lambda each: draw_sparkline(each.n_projects),
        "first": lambda each: _count(each.n_projects[0]),
        "last": lambda each: _count(each.n_projects[-1]),
    }
    return Group(*map(Text, lines), Text(), _table(columns, traces[:n_most]))


def markdown_monitoring(found: MonitorReport, *, n_most: int) -> str:
    """The counts and the first candidates."""
    lines = [f"- {line}" for line in tell_monitoring(found)]
    if found.candidates:
        names = [name for name in _CANDIDATE_COLUMNS if name != "nearest"]
        marks = ["---" if name in _LEFT else "---:" for name in names]
        lines += ["", f"| {' | '.join(names)} |", f"|{'|'.join(marks)}|"]
        lines += [f"| {' | '.join(_cells(each, names))} |" for each in found.candidates[:n_most]]
    fading = ", ".join(code_span(each.tag) for each in found.fading[:_N_SHOWN]) or "none"
    return "\n".join([*lines, "", f"Fading in the vocabulary: {fading}"]) + "\n"


def _cells(candidate: Candidate, names: Sequence[str]) -> list[str]:
    return [code_span(candidate.tag) if name == "tag" else _CANDIDATE_COLUMNS[name](candidate) for name in names]


def tabulate_candidates(found: MonitorReport) -> list[dict[str, Any]]:
    """The candidates as rows for a table of somebody else's."""
    return [
        {
            "tag": visible(each.tag),
            "projects": each.n_projects,
            "days": each.n_days,
            "busiest day": each.concentration,
            "trend q": each.trend_q,
            "burst q": each.burst_q,
            "first tag": each.n_first_tag,
            "suggested": why_not(each),
        }
        for each in found.candidates
    ]

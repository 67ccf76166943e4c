"""The report of the new-tag monitor, on a terminal and as Markdown. Public text is always literal."""

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


def render_monitoring(report: MonitorReport, *, n_most: int) -> RenderableType:
    """The whole report, with at most n_most candidates."""
    parts: list[RenderableType] = [Text(line) for line in _count_lines(report)]
    if report.periods:
        parts += [Text(), _table(_PERIOD_COLUMNS, report.periods)]
    if report.candidates:
        parts += [Text(), _table(_CANDIDATE_COLUMNS, report.candidates[:n_most])]
    if (n_more := report.n_candidates - min(n_most, len(report.candidates))) > 0:
        parts.append(Text(f"... and {n_more:,} more candidates"))
    return Group(*parts, Text(), *(Text(line) for line in _vocabulary_lines(report)))


def _count_lines(report: MonitorReport) -> list[str]:
    """The counts, in three lines."""
    undated = f", {report.n_undated:,} without a date" if report.n_undated else ""
    uses = report.uses
    outside = f"outside the vocabulary: {report.n_forms:,} forms, {_percent(uses.out_of_vocabulary_share)} of the uses"
    suggested = f"{report.n_suggested:,} suggested to be added (at least {report.min_projects:,} projects)"
    return [
        f"{report.n_projects:,} projects{undated}, with {uses.n_uses:,} tag uses",
        f"{outside}; without the ignored ones {_percent(uses.out_of_vocabulary_share_after_ignore)}",
        f"{report.n_candidates:,} candidates, {suggested}",
    ]


def _vocabulary_lines(report: MonitorReport) -> list[str]:
    fading = [f"{shorten(tag.tag, _TAG_CHARS)} (q {_p_value(tag.fade_q)})" for tag in report.fading]
    never_used = [shorten(tag, _TAG_CHARS) for tag in report.never_used]
    return [f"fading in the vocabulary: {_list(fading)}", f"never used: {_list(never_used)}"]


def _list(names: Sequence[str]) -> str:
    """The first names, and the number of the others."""
    more = f" (+{len(names) - _N_SHOWN:,} more)" if len(names) > _N_SHOWN else ""
    return (", ".join(names[:_N_SHOWN]) or "none") + more


def describe_reasons(candidate: Candidate) -> str:
    """The reasons that keep a candidate from being suggested, in words; `suggested` if there are none."""
    return ", ".join(_WHY_NOT.get(reason, reason) for reason in candidate.reasons) or "suggested"


def _percent(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _p_value(value: float | None) -> str:
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _nearest(candidate: Candidate) -> str:
    if candidate.nearest is None:
        return "-"
    return f"{shorten(candidate.nearest, _TAG_CHARS)} {candidate.nearest_score:.0f}"


_PERIOD_COLUMNS: dict[str, Callable[[Period], str]] = {
    "period": lambda period: period.period,
    "projects": lambda period: f"{period.n_projects:,}",
    "outside": lambda period: _percent(period.uses.out_of_vocabulary_share),
    "not ignored": lambda period: _percent(period.uses.out_of_vocabulary_share_after_ignore),
    "new forms": lambda period: _percent(period.new_form_share),
    "unseen": lambda period: _percent(period.unseen_mass),
}
_CANDIDATE_COLUMNS: dict[str, Callable[[Candidate], str]] = {
    "tag": lambda candidate: shorten(candidate.tag, _TAG_CHARS) or EMPTY,
    "projects": lambda candidate: f"{candidate.n_projects:,}",
    "periods": lambda candidate: _count(candidate.n_periods),
    "days": lambda candidate: _count(candidate.n_days),
    "busiest": lambda candidate: _percent(candidate.concentration),
    "trend q": lambda candidate: _p_value(candidate.trend_q),
    "burst q": lambda candidate: _p_value(candidate.burst_q),
    "first tag": lambda candidate: f"{candidate.n_first_tag:,}",
    "nearest": _nearest,
    "suggested": describe_reasons,
}
_LEFT = ("period", "tag", "nearest", "suggested")
"""Columns that are aligned to the left."""


def _table(columns: dict[str, Callable[[Any], str]], rows: Sequence[Any]) -> Table:
    table = plain_table(*((name, "left" if name in _LEFT else "right") for name in columns))
    for row in rows:
        table.add_row(*(Text(cell(row)) for cell in columns.values()))
    return table


def render_traces(
    versions: Sequence[MonitoredVersion], traces: Sequence[CandidateTrace], *, n_most: int
) -> RenderableType:
    """The number of projects of each candidate, version by version, the oldest first."""
    known = [version for version in versions if version.report is not None]
    lines = [f"{len(known):,} of {len(versions):,} versions have a report of the monitor"]
    if not known:
        return Text(lines[0])
    first, last = known[0], known[-1]
    lines.append(f"from {first.commit[:9]} ({first.committed_at[:10]}) to {last.commit[:9]} ({last.committed_at[:10]})")
    columns: dict[str, Callable[[CandidateTrace], str]] = {
        "tag": lambda trace: shorten(trace.tag, _TAG_CHARS) or EMPTY,
        "versions": lambda trace: draw_sparkline(trace.n_projects),
        "first": lambda trace: _count(trace.n_projects[0]),
        "last": lambda trace: _count(trace.n_projects[-1]),
    }
    return Group(*map(Text, lines), Text(), _table(columns, traces[:n_most]))


def markdown_monitoring(report: MonitorReport, *, n_most: int) -> str:
    """The counts and the first candidates."""
    lines = [f"- {line}" for line in _count_lines(report)]
    if report.candidates:
        names = [name for name in _CANDIDATE_COLUMNS if name != "nearest"]
        marks = ["---" if name in _LEFT else "---:" for name in names]
        lines += ["", f"| {' | '.join(names)} |", f"|{'|'.join(marks)}|"]
        lines += [f"| {' | '.join(_cells(candidate, names))} |" for candidate in report.candidates[:n_most]]
    fading = ", ".join(code_span(tag.tag) for tag in report.fading[:_N_SHOWN]) or "none"
    return "\n".join([*lines, "", f"Fading in the vocabulary: {fading}"]) + "\n"


def _cells(candidate: Candidate, names: Sequence[str]) -> list[str]:
    return [code_span(candidate.tag) if name == "tag" else _CANDIDATE_COLUMNS[name](candidate) for name in names]


def tabulate_candidates(report: MonitorReport) -> list[dict[str, Any]]:
    """The candidates as rows, for a table that another program draws."""
    return [
        {
            "tag": visible(candidate.tag),
            "projects": candidate.n_projects,
            "days": candidate.n_days,
            "busiest day": candidate.concentration,
            "trend q": candidate.trend_q,
            "burst q": candidate.burst_q,
            "first tag": candidate.n_first_tag,
            "suggested": describe_reasons(candidate),
        }
        for candidate in report.candidates
    ]

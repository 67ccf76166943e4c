"""The vocabulary on a terminal: findings, candidates, a tag, the tree. Public text goes in as `Text`, not markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.curation.check import VocabularyIssue
from tagpipe.curation.log import LogLine
from tagpipe.curation.suggestions import Suggestion
from tagpipe.curation.tag_profile import TagView
from tagpipe.curation.tree import TreeRow
from tagpipe.render.diff.cells import percent
from tagpipe.render.history import draw_sparkline
from tagpipe.render.monitor import describe_reasons
from tagpipe.render.text import EMPTY, MAX_COMMAND, count_nouns, plain_table, shorten, visible
from tagpipe.tables.reports.monitor import MonitorReport
from tagpipe.vocabulary.lint import LintKind

_INDENT = 9
_STATUS = {"tag": "", "out_of_vocabulary": "not in the vocabulary", "deprecated": "deprecated, without a replacement"}


def render_issues(issues: Sequence[VocabularyIssue], *, is_built: bool) -> RenderableType:
    """One line per issue with its fix below, never used tags in one paragraph, and a count at the end."""
    parts: list[RenderableType] = []
    for kind, group in groupby(issues, key=lambda issue: issue.kind):
        of_kind = list(group)
        parts += [_render_unused(of_kind)] if kind == LintKind.NEVER_USED else map(_render_issue, of_kind)
    if not is_built:
        parts.append(Text("No version is built here, so nothing is known of what is used: run `tagpipe run`"))
    n_errors = sum(issue.level == "error" for issue in issues)
    parts.append(Text(f"{count_nouns(n_errors, 'error')}, {count_nouns(len(issues) - n_errors, 'warning')}"))
    return Group(*parts)


def _render_issue(issue: VocabularyIssue) -> Text:
    return Text(f"{issue.level:<{_INDENT}}{visible(issue.what)}\n{'':<{_INDENT}}{visible(issue.fix)}")


def _render_unused(issues: Sequence[VocabularyIssue]) -> Text:
    names = ", ".join(_name(issue.tag or "") for issue in issues)
    are = "1 tag is" if len(issues) == 1 else f"{len(issues):,} tags are"
    fix = "Keep them, or `tagpipe vocab deprecate TAG`; --json has the nearest tag of each"
    return Text(f"{'warning':<{_INDENT}}{are} never used: {names}\n{'':<{_INDENT}}{fix}")


def render_candidates(report: MonitorReport, *, n_most: int, n_decided: int) -> RenderableType:
    """A table of the candidates, the suggested ones marked. n_decided: those left out as decided on already."""
    candidates = report.candidates[:n_most]
    decided = [f"left out, for they were decided on since the last run: {n_decided:,}"] if n_decided else []
    if not candidates:
        none = "No candidate: no tag outside of the vocabulary has monitor.min_uses projects."
        return Group(*map(Text, decided or [none]))
    table = plain_table(("", "left"), ("tag", "left"))
    for name in ("projects", "days", "busiest day"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("first seen", "last seen", "would be kept"):
        table.add_column(name, no_wrap=True)
    for name in ("nearest tag", "not suggested for"):
        table.add_column(name, overflow="fold")
    for candidate in candidates:
        table.add_row(
            "+" if candidate.suggested else "",
            Text(_name(candidate.tag)),
            f"{candidate.n_projects:,}",
            "-" if candidate.n_days is None else f"{candidate.n_days:,}",
            "-" if candidate.concentration is None else percent(candidate.concentration),
            Text(visible(candidate.first_seen or "-")),
            Text(visible(candidate.last_seen or "-")),
            "yes" if candidate.would_keep else "no",
            Text(_name(candidate.nearest) if candidate.nearest else "-"),
            "" if candidate.suggested else Text(describe_reasons(candidate)),
        )
    shown = f"{len(candidates)} of {count_nouns(report.n_candidates, 'candidate')}"
    marked = f"{shown}; + marks the {report.n_suggested} that the monitor suggests to add"
    return Group(table, *map(Text, [marked, *decided]))


def render_tree(rows: Sequence[TreeRow]) -> RenderableType:
    """One line per tag, children below their parent; tags with neither parent nor child in one paragraph."""
    alone = [row for row in rows if row.depth == 0 and not row.n_children and len(rows) > 1]
    lines = [Text(_branch(row)) for row in rows if row not in alone]
    if alone:
        names = ", ".join(map(_with_support, alone))
        lines.append(Text(f"{count_nouns(len(alone), 'tag')} without parent or child: {names}"))
    return Group(*lines)


def _branch(row: TreeRow) -> str:
    remarks = [] if row.is_known else ["not in the vocabulary"]
    if row.is_repeated:
        remarks.append("its child is above" if row.n_children == 1 else f"its {row.n_children:,} children are above")
    return f"{'  ' * row.depth}{_with_support(row)}" + (f" ({'; '.join(remarks)})" if remarks else "")


def _with_support(row: TreeRow) -> str:
    return _name(row.tag) + ("" if row.n_projects is None else f" {row.n_projects:,}")


def render_tag(view: TagView) -> RenderableType:
    """Everything about one tag, without the empty parts."""
    profile = view.profile
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in _facts(view):
        if text:
            grid.add_row(name, Text(text))
    parts: list[RenderableType] = [Text(_name(profile.name), "bold"), grid]
    if profile.periods:
        parts += [Text(), _draw_periods(view)]
    if profile.together:
        parts += [Text(), _draw_together(view)]
    if view.log:
        parts += [Text(), Text("edits", "bold"), *(Text(describe_line(line)) for line in view.log)]
    return Group(*parts)


def _facts(view: TagView) -> Iterable[tuple[str, str]]:
    profile = view.profile
    yield "status", _STATUS[profile.status] + (", ignored" if view.is_ignored else "")
    yield "aliases", _names(profile.aliases)
    yield "parents", _names(profile.parents)
    yield "children", _names(profile.children)
    yield "support", _describe_support(view)
    yield "written as", ", ".join(f"{_name(use.name)} {use.n_projects:,}" for use in profile.n_by_name)
    yield "nearest tag", _name(view.nearest) if view.nearest else ""
    yield "spelt alike", _names(view.near)
    yield "may be", ", ".join(describe_suggestion(suggestion) for suggestion in view.suggestions)
    yield "versions", draw_sparkline([row.n_projects for row in view.versions]) if view.versions else ""


def _describe_support(view: TagView) -> str:
    profile = view.profile
    share = f"{profile.n_projects:,} of {profile.n_all:,} projects"
    if view.n_support is None:
        return share
    word = "at least" if view.is_kept else "cut: under"
    differs = "" if view.n_support == profile.n_projects else f", {view.n_support:,} in the version last built"
    return f"{share}{differs} ({word} {view.min_projects})"


def _draw_periods(view: TagView) -> RenderableType:
    table = plain_table(("period", "left"), ("projects", "right"), ("of", "right"), ("share", "right"))
    shares = [period.n_projects / period.n_in_period for period in view.profile.periods]
    for period, share in zip(view.profile.periods, shares, strict=True):
        table.add_row(period.period, f"{period.n_projects:,}", f"{period.n_in_period:,}", percent(share))
    # Sparklines take counts: parts per million keep the shares distinct.
    line = draw_sparkline([round(1e6 * share) for share in shares])
    return Group(Text(f"over time  {line}  (share of the projects of a period)"), table)


def _draw_together(view: TagView) -> RenderableType:
    table = plain_table(("goes with", "left"), ("projects", "right"), ("lift", "right"))
    for companion in view.profile.together:
        table.add_row(Text(_name(companion.tag)), f"{companion.n_projects:,}", f"{companion.lift:.1f}")
    return table


def describe_suggestion(suggestion: Suggestion) -> str:
    """A suggestion in one line."""
    through = "" if suggestion.name == suggestion.tag else f" (as {_name(suggestion.name)})"
    doubt = f"; {visible(suggestion.doubt)}" if suggestion.doubt else ""
    names = f"{_name(suggestion.form)} = {_name(suggestion.tag)}{through}"
    return f"{names} [{suggestion.kind}, {suggestion.score:.0f}{doubt}]"


def describe_line(line: LogLine) -> str:
    """An edit in one line: date, editor, command and reason."""
    why = f": {visible(line.why)}" if line.why else ""
    return visible(f"{line.at[:10]}  {line.who}  {shorten(line.command, MAX_COMMAND)}") + why


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(_name, names))


def _name(name: str) -> str:
    return visible(name) or EMPTY

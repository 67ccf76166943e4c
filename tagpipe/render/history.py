"""Versions along the history on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.history.versions import HistoryRow, LogRow
from tagpipe.render.text import visible

N_TAGS_SHOWN = 4


def render_log(rows: Sequence[LogRow]) -> RenderableType:
    """The versions, the newest first."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("commit", "date", "digest"):
        table.add_column(name, no_wrap=True)
    for name in ("projects in", "labeled", "tags"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("changed", no_wrap=True)
    table.add_column("entered and left the cut", overflow="fold")
    for row in reversed(rows):
        table.add_row(
            row.commit[:9],
            row.committed_at[:10],
            row.content_sha256[:8],
            f"{row.n_in:,}",
            f"{row.n_labeled:,}",
            str(row.n_tags_kept),
            " + ".join(row.causes) or "nothing",
            Text(_list_tags("+", row.entered) + _list_tags("-", row.left)),
        )
    return table


def _list_tags(sign: str, tags: Sequence[str]) -> str:
    shown = "".join(f"{sign}{visible(tag)} " for tag in tags[:N_TAGS_SHOWN])
    return f"{shown}({sign}{len(tags) - N_TAGS_SHOWN} more) " if len(tags) > N_TAGS_SHOWN else shown


def render_history(tag: str, rows: Sequence[HistoryRow]) -> RenderableType:
    """The support of a tag, as a sparkline and version by version, the oldest first."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("commit", "date"):
        table.add_column(name, no_wrap=True)
    for name in ("projects", "cut"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        count = "-" if row.n_projects is None else str(row.n_projects)
        word = "not seen" if row.n_projects is None else "kept" if row.is_kept else "cut"
        table.add_row(row.commit[:9], row.committed_at[:10], count, str(row.min_projects), word)
    sparkline = draw_sparkline([row.n_projects for row in rows])
    return Group(Text(f"{visible(tag)}  {sparkline}"), table)


SPARKS = "▁▂▃▄▅▆▇█"


def draw_sparkline(counts: Sequence[int | None]) -> str:
    """One block per count, its height relative to the largest; a dot for None.

    >>> draw_sparkline([None, 0, 5, 10])
    '·▁▄█'
    """
    largest = max((count for count in counts if count is not None), default=0)
    last = len(SPARKS) - 1
    return "".join(
        "·" if count is None else SPARKS[round(count / largest * last) if largest else 0] for count in counts
    )

"""A sweep over the values of a parameter, as a table for terminals and as a plot."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.dataset.summary import SweepRow
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.render.text import EMPTY, shorten, visible
from tagpipe.tables.reports.model import TagCount

_FORMS = (".png", ".svg")
# Text stays text, and ids do not depend on the process: the same sweep gives the same bytes.
_STYLE: Any = {
    "svg.hashsalt": "tagpipe",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_MAX_TICKS = 15
_INK = ("#0550ae", "#116329")


def render_sweep(name: str, rows: Sequence[SweepRow]) -> RenderableType:
    """One row per value of the parameter `name`, with the tags on either side of the cut, the nearest first."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in ("value", "tags", "labeled", "cardinality"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("just made the cut", "just missed it"):
        table.add_column(column)
    for row in rows:
        counts = (f"{row.value:,}", f"{row.n_tags_kept:,}", f"{row.n_labeled:,}", f"{row.cardinality:.2f}")
        table.add_row(*counts, _edge(row.just_made[::-1]), _edge(row.just_missed))
    title = Text(f"What each value of {visible(name)} gives")
    return Group(title, Text(), table)


def _edge(pairs: Sequence[TagCount]) -> Text:
    shown = (f"{shorten(tag, 40) or EMPTY} {count:,}" for tag, count in pairs[:3])
    # The text, not its column, refuses to wrap: rich narrows columns that do before those that do not.
    return Text(", ".join(shown) or "none", no_wrap=True, overflow="ellipsis")


def draw_sweep(name: str, rows: Sequence[SweepRow], ending: str) -> bytes:
    """Tags kept and projects labeled against the values of the parameter `name`. ending: .svg or .png.

    Raises ConfigError for another ending, or if matplotlib is not installed.
    """
    if ending not in _FORMS:
        raise ConfigError("an unknown form", field="--plot", found=escape_shown(ending), expected=" or ".join(_FORMS))
    return _draw(name, rows, ending[1:])


def _draw(name: str, rows: Sequence[SweepRow], form: str) -> bytes:
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "matplotlib is not installed", field="--plot", fix="Install it: pip install 'tagpipe[plots]'"
        ) from error
    data = io.BytesIO()
    with rc_context(_STYLE):
        figure = Figure(figsize=(7, 4.6), layout="constrained")
        panels = figure.subplots(2, sharex=True)
        values = [row.value for row in rows]
        _draw_panel(panels[0], values, [row.n_tags_kept for row in rows], "tags kept", _INK[0])
        _draw_panel(panels[1], values, [row.n_labeled for row in rows], "projects labeled", _INK[1])
        panels[1].set_xlabel(name)
        if len(values) <= _MAX_TICKS:
            panels[1].set_xticks(values)
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(data, format=form, dpi=150, metadata=metadata)
    return data.getvalue()


def _draw_panel(axes: Any, values: list[int], counts: list[int], label: str, ink: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(values, counts, color=ink, marker="o", markersize=3.5, linewidth=1.5)
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0, top=max([*counts, 1]) * 1.06)
    axes.grid(visible=True, color="#d1d9e0", linewidth=0.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins="auto", steps=[1, 2, 5, 10]))

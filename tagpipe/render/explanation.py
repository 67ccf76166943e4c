"""The explanation of a project's tags, on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.dataset.explanation import Explanation
from tagpipe.render.text import visible


def render_explanation(explanation: Explanation) -> RenderableType:
    """The verdict on a project, then the outcome of each of its tag uses."""
    verdict = Text(visible(f"project {explanation.project_id}: {explanation.verdict}"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("raw tag", overflow="fold")
    table.add_column("outcome", no_wrap=True)
    table.add_column("why", overflow="fold")
    for use in explanation.uses:
        name = Text(visible(use.raw_tag), style="bold" if use.is_labeled else "") if use.raw_tag else Text("-")
        table.add_row(name, Text(visible(use.outcome)), Text(visible(use.why)))
    return Group(verdict, table) if explanation.uses else verdict

"""Tables and counts of a terminal, as several renderers have them."""

from __future__ import annotations

from rich.console import JustifyMethod
from rich.table import Table


def plain_table(*columns: tuple[str, JustifyMethod]) -> Table:
    """A table with neither lines nor rows yet; long cells go on in the next line."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def count_nouns(number: int, noun: str) -> str:
    """`1 label`, `2 labels`, `1,000 labels`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

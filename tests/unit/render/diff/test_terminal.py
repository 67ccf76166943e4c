"""The comparison on a terminal, and the table of a sweep."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console, RenderableType
from support.diff_samples import BASE, changed_document, document_of
from support.hostile import hostile_document

from tagpipe.comparison.gates import check_gate
from tagpipe.dataset.summary import SweepRow
from tagpipe.render.diff.terminal import render_diff
from tagpipe.render.sweep import render_sweep


def printed(renderable: RenderableType, width: int = 80, color_system: str | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=color_system, force_terminal=bool(color_system)).print(renderable)  # type: ignore[arg-type]
    return out.getvalue()


def test_it_begins_with_the_verdict() -> None:
    assert printed(render_diff(document_of(BASE, BASE))).startswith("No difference\n")
    text = printed(render_diff(changed_document(gates=[check_gate("max_tags_leaving", limit=0, found=2)])))
    assert text.startswith("Failed: 1 of 1 gate: max_tags_leaving 2 (at most 0)\n3 labels added and 6 removed;")


def test_a_section_has_at_most_ten_rows_and_says_of_how_many() -> None:
    text = printed(render_diff(hostile_document([f"tag-{at}" for at in range(40)])), width=120)
    assert "Tags that entered the cut (10 of 40)" in text
    for block in text.split("\n\n")[2:]:
        assert len(block.splitlines()) <= 18, "two lines of heading, six of notes"


def test_colours_only_repeat_what_the_words_say() -> None:
    document = changed_document(gates=[check_gate("max_tags_leaving", limit=0, found=2)])
    coloured = printed(render_diff(document), color_system="standard")
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == printed(render_diff(document))


def test_long_tags_are_not_folded_in_80_columns() -> None:
    names = ["recommendation-systems", "exploratory-data-analysis", "graph-convolutional-networks"]
    text = printed(render_diff(hostile_document([*names, "x"])))
    table = text.partition("Tags that entered the cut")[2].partition("\n\n")[0]
    assert [name for name in names if name not in table] == []


@pytest.mark.parametrize("width", [80, 200])
def test_a_sweep_is_one_line_a_value(width: int) -> None:
    rows = [
        SweepRow(10, 1234, 2000, 1.256, (("more", 12), ("nearest-tag", 10)), (("missed", 9),)),
        SweepRow(20, 0, 0, 0.0, (), ()),
    ]
    lines = printed(render_sweep("threshold.min_projects", rows), width).splitlines()
    assert "threshold.min_projects" in lines[0]
    assert lines[3].split() == ["10", "1,234", "2,000", "1.26", "nearest-tag", "10,", "more", "12", "missed", "9"]
    assert lines[4].split() == ["20", "0", "0", "0.00", "none", "none"]
    assert len(lines) == 5


def test_a_sweep_keeps_to_80_columns_and_shows_the_counts_whole() -> None:
    edge = tuple((f"a-tag-of-some-length-{at}", 10) for at in range(5))
    shown = printed(render_sweep("threshold.min_projects", [SweepRow(10, 70, 760, 1.97, edge, edge)]))
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.splitlines()[3].split()[:4] == ["10", "70", "760", "1.97"]


def test_a_sweep_shows_hostile_tags_as_text() -> None:
    edge = (("\x1b[31m[red]x[/red]", 3), ("", 2))
    shown = printed(render_sweep("\x1b[31m", [SweepRow(1, 1, 1, 1.0, edge[::-1], ())]), 200)
    assert "\x1b" not in shown
    assert "\\x1b[31m[red]x[/red] 3, (empty) 2" in shown

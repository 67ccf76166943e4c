"""The plot of a sweep."""

from __future__ import annotations

import sys

import pytest

from tagpipe.dataset.summary import SweepRow
from tagpipe.errors import ConfigError
from tagpipe.render.sweep import draw_sweep

ROWS = [SweepRow(value, 70 - value, 800 - 10 * value, 1.5, (("a", value),), ()) for value in range(10, 61, 5)]


@pytest.mark.parametrize("form", [".svg", ".png"])
def test_the_same_sweep_gives_the_same_bytes(form: str) -> None:
    assert draw_sweep("threshold.min_projects", ROWS, form) == draw_sweep("threshold.min_projects", ROWS, form)


def test_the_axes_say_what_they_are_and_no_date_is_in_the_file() -> None:
    text = draw_sweep("threshold.min_projects", ROWS, ".svg").decode()
    for label in ("tags kept", "projects labeled", "threshold.min_projects"):
        assert f">{label}</text>" in text
    assert "dc:date" not in text


def test_one_value_and_no_tag_can_be_drawn() -> None:
    drawn = draw_sweep("threshold.min_projects", [SweepRow(1, 0, 0, 0.0, (), ())], ".png")
    assert drawn.startswith(b"\x89PNG")


def test_another_ending_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\.png or \.svg"):
        draw_sweep("threshold.min_projects", ROWS, ".pdf")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"tagpipe\[plots\]"):
        draw_sweep("threshold.min_projects", ROWS, ".svg")

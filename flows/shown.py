"""What both flows show: a stage as a task's state, the kept tags as a table."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tagpipe.dataset.summary import Summary
from tagpipe.render.text import visible

STATE_NAMES = {"ran": "Ran", "cached": "Cached", "skipped": "Skipped"}
"""DVC's three ways to bring a stage up to date, as the names of completed states."""


def make_stage_state(stage: str, status: str) -> State[Any]:
    """Completed, and its name says how."""
    return Completed(name=STATE_NAMES[status], message=f"{stage}: {status}")


def list_tags(summary: Summary) -> list[dict[str, Any]]:
    """Every kept tag as a row, by projects."""
    return [{"tag": visible(tag), "projects": n_projects} for tag, n_projects in summary.kept]

"""What DVC did for a stage, as the state of a Prefect task."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

STATE_NAMES = {"ran": "Ran", "cached": "Cached", "skipped": "Skipped"}
"""DVC's three ways to bring a stage up to date, as the names of completed states."""


def make_stage_state(stage: str, status: str) -> State[Any]:
    """A completed state whose name says what DVC did."""
    return Completed(name=STATE_NAMES[status], message=f"{stage}: {status}")

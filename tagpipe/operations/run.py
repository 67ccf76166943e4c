"""Run the stages of a dataset repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.runs.reproduce import reproduce
from tagpipe.io.runs.run_dvc import Echo, StageRun

if TYPE_CHECKING:
    from tagpipe.dataset.summary import Summary

VERSION_STAGE = "threshold"
"""The stage that completes a dataset version; those after it only watch."""


@dataclass(frozen=True)
class Run:
    """What a run did."""

    stages: Sequence[StageRun]
    """In the order in which they ran."""
    summary: Summary | None
    """Of the dataset version; None if the run ended before the stage that completes it."""


def list_stages(root: Path, stage: str | None = None) -> list[str]:
    """The stages of dvc.yaml in its order, up to `stage`; all of them if there is no such stage."""
    names = list(repository_layout(root).stages)
    return names[: names.index(stage) + 1] if stage in names else names


def run(root: Path, stage: str | None = None, *, echo: Echo) -> Run:
    """Bring `stage` and what it needs up to date, or every stage; the lines of the run go to `echo`.

    Raises Busy, StageDefect or the error of the stage that failed; the last good version is then back in place.
    """
    stages = reproduce(repository_layout(root), stage, echo=echo)
    if not any(done.stage == VERSION_STAGE for done in stages):
        return Run(stages, summary=None)
    # Imported late: reading tables costs a second to load, which `tagpipe run STAGE` and a failing run can do without.
    from tagpipe.operations.load import load_summary

    return Run(stages, load_summary(root))

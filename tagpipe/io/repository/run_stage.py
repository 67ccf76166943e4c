"""The frame of every stage's `python -m` entry: one stage at a time, an error in one line, an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tagpipe.errors import ConfigError, TagpipeError, from_dict
from tagpipe.io.repository.files import read_json, use_system_memory, write_json
from tagpipe.io.repository.git_variables import drop_git_variables
from tagpipe.io.repository.layout import SCRATCH, Layout, repository_layout
from tagpipe.io.repository.lock import ENVIRONMENT, hold_stage_lock
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.params import Params

LAST_ERROR = "last-error.json"


def run_stage(name: str, work: Callable[[Layout, Params], str]) -> int:
    """Do `work` in the dataset repository of the working directory, print its line or error, and return the exit code.

    DVC 3.67 ends in 255 whatever a stage's exit code was, so an expected error is also left in
    .tagpipe/last-error.json. A bug keeps its traceback.
    """
    root = Path.cwd()
    drop_git_variables()
    use_system_memory()
    try:
        with hold_stage_lock(root / SCRATCH, stage=name):
            layout = repository_layout(root)
            print(f"{name}: {work(layout, read_params(layout.params_file))}", flush=True)
    except TagpipeError as error:
        with contextlib.suppress(ConfigError):  # the error may be that this folder cannot be written to
            write_json(root / SCRATCH / LAST_ERROR, describe_error(name, error))
        if ENVIRONMENT not in os.environ:  # else `tagpipe run` reads the file above and prints it
            print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def describe_error(stage: str, error: TagpipeError) -> dict[str, Any]:
    """The content of last-error.json."""
    return {"stage": stage, "exit_code": error.exit_code, "error": error.as_dict()}


def read_last_error(scratch: Path) -> tuple[str, TagpipeError] | None:
    """(stage, its error) of the last stage that failed; None if none did since the file was last removed."""
    path = scratch / LAST_ERROR
    if not path.is_file():
        return None
    record = read_json(path)
    return record["stage"], from_dict(record["error"])

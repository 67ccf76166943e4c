"""What every stage's `python -m` entry does around its work: one stage at a time, errors in one line, an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tagpipe.errors import ConfigError, TagpipeError
from tagpipe.io.repository.files import use_system_memory, write_json
from tagpipe.io.repository.layout import SCRATCH, Layout, repository_layout
from tagpipe.io.repository.lock import ENVIRONMENT, hold_stage_lock
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.params import Params

LAST_ERROR = "last-error.json"


def run_stage(name: str, work: Callable[[Layout, Params], str]) -> int:
    """Do `work` in the project of the working directory; print its one line, or its one error. The exit code.

    DVC loses a stage's exit code, so an expected error is also left in .tagpipe/last-error.json. A defect keeps
    its traceback.
    """
    root = Path.cwd()
    use_system_memory()
    try:
        with hold_stage_lock(root / SCRATCH, stage=name):
            layout = repository_layout(root)
            print(f"{name}: {work(layout, read_params(layout.params_file))}", flush=True)
    except TagpipeError as error:
        with contextlib.suppress(ConfigError):  # the folder cannot be written to, and that is the error
            write_json(root / SCRATCH / LAST_ERROR, describe_error(name, error))
        if ENVIRONMENT not in os.environ:  # else `tagpipe run` reads the file above and says it
            print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def describe_error(stage: str, error: TagpipeError) -> dict[str, Any]:
    """What last-error.json holds."""
    return {"stage": stage, "exit_code": error.exit_code, "error": error.as_dict()}

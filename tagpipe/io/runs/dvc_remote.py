"""Pushing the data of a version to DVC's remote, and pulling it."""

from __future__ import annotations

from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any, Literal

from tagpipe.errors import SourceUnavailable, visible
from tagpipe.io.repository.programs import disk_full, run_dvc, says_disk_full
from tagpipe.io.repository.secrets import without_secrets, without_tokens

TIMEOUT_S = 3_600.0
"""For one push or pull: a remote that never answers must not keep the run lock held forever."""

_SHOWN_CHARS = 300


def read_dvc_config(root: Path) -> Any:
    """DVC's configuration for `root`, which may be a folder below the one with `.dvc`."""
    from dvc.config import Config
    from dvc.repo import Repo

    return Config(dvc_dir=str(Repo.find_dvc_dir(str(root))))


def has_remote(root: Path) -> bool:
    """True if there is a default DVC remote."""
    return bool(read_dvc_config(root)["core"].get("remote"))


def transfer_data(root: Path, command: Literal["push", "pull"]) -> None:
    """Push or pull everything that dvc.lock names. Raises SourceUnavailable, or ConfigError for a full disk."""
    try:
        # Not with --quiet: DVC 3.67 then keeps its errors to itself, too.
        done = run_dvc(root, command, environment=without_tokens(), timeout_s=TIMEOUT_S)
    except TimeoutExpired:
        reason = f"no end within {TIMEOUT_S:.0f} seconds"
    else:
        if done.returncode == 0:
            return
        reason = _find_reason(done.stderr.decode("utf-8", "replace"))
    if command == "pull" and says_disk_full(reason):  # of a push, it is the remote's disk
        raise disk_full(reason, file=str(root))
    raise SourceUnavailable(
        f"dvc {command} failed: {reason}",
        file="the DVC remote",
        fix="Look at the remote (reachable, writable, not full), and run it again",
    )


def _find_reason(stderr: str) -> str:
    """The first error, in one line without secrets; DVC's last one only counts the others."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    first = (errors or lines[-1:] or ["no word"])[0]
    return visible(without_secrets(first))[:_SHOWN_CHARS]

"""The data of a version on its way to and from DVC's remote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tagpipe.errors import SourceUnavailable, escape_shown


def has_remote(root: Path) -> bool:
    """Whether the project has a default DVC remote."""
    from dvc.config import Config

    return bool(Config(dvc_dir=str(root / ".dvc"))["core"].get("remote"))


def push_data(root: Path) -> None:
    """Everything that dvc.lock names to the remote. Raises SourceUnavailable."""
    _run_dvc(root, "push")


def pull_data(root: Path) -> None:
    """Everything that dvc.lock names from the remote. Raises SourceUnavailable."""
    _run_dvc(root, "pull")


def _run_dvc(root: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", command, "--quiet"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise SourceUnavailable(
            f"dvc {command} failed: {escape_shown(lines[-1] if lines else '')[1:-1]}",
            file="the DVC remote",
            fix="Look at the remote (reachable, writable, not full), and run it again",
        )

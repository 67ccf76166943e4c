"""A new git repository with DVC in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.io.files import write_bytes

_DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n"


def start_repository(directory: Path) -> None:
    """Make `directory` a git repository, unless it is in one, and a DVC project. Raises ConfigError."""
    git = shutil.which("git")
    if git is None:
        raise ConfigError("git is not installed", fix="Install git; versions are kept in it")
    inside = subprocess.run(
        [git, "rev-parse", "--is-inside-work-tree"], cwd=directory, capture_output=True, check=False
    )
    if inside.returncode != 0:
        _run([git, "init", "-q"], directory)
    _run(
        [sys.executable, "-m", "dvc", "init", "-q", *(["--subdir"] if not (directory / ".git").exists() else [])],
        directory,
    )
    write_bytes(directory / ".dvc" / "config", _DVC_CONFIG.encode())


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigError(
            f"`{Path(command[0]).name} {command[1]}` failed: {lines[-1] if lines else ''}", file=str(directory)
        )

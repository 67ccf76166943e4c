"""A new git repository with DVC in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.io.repository.files import write_bytes

_DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n"


def find_git() -> str:
    """The git to run. Raises ConfigError if there is none."""
    git = shutil.which("git")
    if git is None:
        raise ConfigError("git is not installed", fix="Install git; versions are kept in it")
    return git


def start_repository(directory: Path) -> None:
    """Make `directory` a git repository of its own, also where it lies in another one, and a DVC project.

    Raises ConfigError.
    """
    if not (directory / ".git").exists():
        _run([find_git(), "init", "-q"], directory)
    _run([sys.executable, "-m", "dvc", "init", "-q"], directory)
    write_bytes(directory / ".dvc" / "config", _DVC_CONFIG.encode())


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigError(
            f"`{Path(command[0]).name} {command[1]}` failed: {lines[-1] if lines else ''}", file=str(directory)
        )

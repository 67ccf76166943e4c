"""A new git repository with DVC in it."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

from tagpipe.errors import ConfigError
from tagpipe.io.repository.files import write_bytes
from tagpipe.io.repository.programs import find_git, run_dvc, run_program

# Both make DVC 3.67 start a process of its own, which crashes where there is no network.
_DVC_CONFIG = b"[core]\n    analytics = false\n    check_update = false\n"


def start_repository(directory: Path) -> None:
    """Make `directory` a git repository of its own, even inside another one, with DVC in it. Raises ConfigError."""
    if not (directory / ".git").exists():
        _require("git init", run_program([find_git(), "init", "-q"], directory), directory)
    _require("dvc init", run_dvc(directory, "init", "-q"), directory)
    write_bytes(directory / ".dvc" / "config", _DVC_CONFIG)


def _require(command: str, done: CompletedProcess[bytes], directory: Path) -> None:
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(f"`{command}` failed: {lines[-1] if lines else ''}", file=str(directory))

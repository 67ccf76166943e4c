"""Real commands in a folder of a test, with the tools of this Python; they must work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(root: Path, *command: str) -> str:
    """Standard output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(root: Path, *arguments: str) -> str:
    """Standard output, without white space around it."""
    return run(root, "git", *arguments).strip()


def commit(root: Path, subject: str) -> str:
    """Everything as a commit; its id."""
    git(root, "add", "-A")
    git(root, "commit", "-qm", subject)
    return git(root, "rev-parse", "HEAD")


# DVC 3.67 never closes the repository of a clone and leaves files of a revision to the collector.
OPENS_REVISIONS = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected"),
]

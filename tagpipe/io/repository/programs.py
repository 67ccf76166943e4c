"""Git and DVC as child processes: the only place where they are started and their output is read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.io.repository.git_variables import without_git_variables
from tagpipe.io.repository.lock import HeldLock
from tagpipe.io.repository.secrets import without_secrets

_DVC = (sys.executable, "-m", "dvc")
_REASONS = ("fatal: ", "error: ", "remote: ", "! ")
_MAX_REASONS = 3
_AS_A_PROGRAM = ("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgSign=false")
"""No hooks and no signatures, which are meant for people's commits."""

_DISK_FULL = re.compile(r"no space left on device|out of disk ?space|disk quota exceeded", re.I)


class GitFailed(Exception):
    """A git command failed; the text is the reason that git gave."""


def run_program(
    command: Sequence[str],
    root: Path,
    *,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in `root` to its end, and collect what it prints. Raises subprocess.TimeoutExpired."""
    return subprocess.run(
        command,
        cwd=root,
        env=without_git_variables(os.environ if environment is None else environment),
        input=stdin or b"",  # never the terminal: git would ask there for a password, and wait
        capture_output=True,
        check=False,
        timeout=timeout_s,
    )


def find_git() -> str:
    """Path of the git program. Raises ConfigError if there is none."""
    if (git := shutil.which("git")) is None:
        raise ConfigError("git is not installed", fix="Install git; versions are kept in it")
    return git


def ask_git(root: Path, *arguments: str) -> str | None:
    """The output of a git command without its last line break; None if the command fails. Raises ConfigError."""
    done = run_program([find_git(), *arguments], root)
    return _decode(done.stdout) if done.returncode == 0 else None


def call_git(
    root: Path,
    *arguments: str,
    stdin: str = "",
    identity: bool = False,
    settings: Sequence[str] = (),
    timeout_s: float | None = None,
) -> str:
    """The output of a git command without its last line break. Raises GitFailed, also after `timeout_s`.

    identity: commit as the user, or as tagpipe where git knows no user. settings: NAME=VALUE, for this command only.
    """
    options = [*_AS_A_PROGRAM, *(part for setting in settings for part in ("-c", setting))]
    if identity and ask_git(root, "var", "GIT_COMMITTER_IDENT") is None:
        options += ["-c", "user.name=tagpipe", "-c", "user.email=tagpipe@localhost"]
    try:
        done = run_program(
            [find_git(), *options, *arguments],
            root,
            environment={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            stdin=os.fsencode(stdin),
            timeout_s=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git {arguments[0]} had no answer within {timeout_s:.0f} seconds") from None
    if done.returncode != 0:
        reason = _find_reason(without_secrets(_decode(done.stderr)))
        raise GitFailed(reason or f"git {arguments[0]} ended with {done.returncode}")
    return _decode(done.stdout)


def _decode(output: bytes) -> str:
    # Paths and commit subjects may not be UTF-8; fsdecode keeps such bytes, and `errors.visible` escapes them.
    return os.fsdecode(output).rstrip("\n")


def _find_reason(stderr: str) -> str:
    """The lines in which git or the remote says what is wrong; the last line if there are none."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("hint:")]
    reasons = [line for line in lines if line.startswith(_REASONS) and not line.startswith("error: failed to push")]
    return "; ".join(reasons[:_MAX_REASONS] or lines[-1:])


def run_dvc(
    root: Path, *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a DVC command to its end. Raises subprocess.TimeoutExpired."""
    return run_program([*_DVC, *arguments], root, environment=environment, timeout_s=timeout_s)


def start_dvc(root: Path, *arguments: str, lock: HeldLock) -> subprocess.Popen[str]:
    """Start a DVC command under `lock`, which it then shares; stdout and stderr come as one stream of text."""
    # Stages are `python -m ...`: the Python that runs tagpipe has to be the first on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.Popen(
        [*_DVC, *arguments],
        cwd=root,
        env={
            **without_git_variables(os.environ),
            **lock.environment,
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "DVC_NO_ANALYTICS": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=(lock.fd,),
    )


def says_disk_full(text: str) -> bool:
    """True if what a program says means that the disk is full."""
    return bool(_DISK_FULL.search(text))


def disk_full(reason: str, *, file: str) -> ConfigError:
    """The error to raise for a full disk; `reason` is what the system or the program said."""
    return ConfigError(f"the disk is full: {reason}", file=file, fix="Make room, and run it again")

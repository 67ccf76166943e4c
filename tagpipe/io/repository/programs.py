"""Git and DVC as child processes: the only place where they are started and their output is read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tagpipe.errors import ConfigError, visible
from tagpipe.io.repository.git_variables import without_git_variables
from tagpipe.io.repository.lock import HeldLock
from tagpipe.io.repository.secrets import without_secrets

_DVC = (sys.executable, "-m", "dvc")
_REASONS = ("fatal: ", "error: ", "remote: ", "! ")
_MAX_REASONS = 3
_SETTINGS = {
    "core.hooksPath": os.devnull,  # hooks and signatures are meant for people's commits
    "commit.gpgSign": "false",
    "push.gpgSign": "false",
    "log.showSignature": "false",  # what is printed is read by programs
    "color.ui": "false",
    "core.quotePath": "false",
    "i18n.logOutputEncoding": "UTF-8",
    "core.autocrlf": "false",  # a work tree holds the bytes of the commit
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",  # a daemon that would outlive the work tree
    "gc.auto": "0",
    "push.followTags": "false",  # a command does what it says, and nothing besides
    "fetch.prune": "false",
    "submodule.recurse": "false",
}
"""Settings of people's own that would change what git does for a program; each is set for one command only."""

_REFUSALS = {
    r"dubious ownership": "Run `git config --global --add safe.directory '{folder}'` if you trust whoever owns it",
    r"repository (?:version|extension)|git repo version": "Use a newer git",
    r"bad config|bad numeric config|invalid value for": "Correct that setting",
    r"corrupt|object file .* is empty|unable to (?:unpack|parse)|inflate:|index file smaller|bad (?:index file )?"
    r"signature|packfile .* (?:cannot|invalid|truncated)": "Run `git fsck`; restore what it names from another clone",
    r"(?:open|read|stat) .*permission denied": "Let yourself read there",
}
"""What git says where it cannot use a repository, and what to do; anything else is an answer to the question asked."""

_NOT_A_REPOSITORY = "not a git repository"

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


def run_git(
    root: Path,
    *arguments: str,
    stdin: bytes | None = None,
    settings: Sequence[str] = (),
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a git command to its end, whatever the user's settings and language are.

    settings: NAME=VALUE, for this command only. Raises ConfigError with git's reason where git cannot use the
    repository itself (another owner, a newer form, damage), and subprocess.TimeoutExpired.
    """
    named = [*(f"{name}={value}" for name, value in _SETTINGS.items()), *settings]
    options = [part for setting in named for part in ("-c", setting)]
    environment = {name: value for name, value in os.environ.items() if name != "GIT_EXTERNAL_DIFF"}
    done = run_program(
        [find_git(), *options, *arguments],
        root,
        environment={**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        stdin=stdin,
        timeout_s=timeout_s,
    )
    if done.returncode != 0:
        _raise_refusal(root, as_text(done.stderr))
    return done


def _raise_refusal(root: Path, stderr: str) -> None:
    """Raise ConfigError if git cannot use the repository at `root`."""
    folders = (root.resolve(), *root.resolve().parents)
    damaged = next((path / ".git" for path in folders if (path / ".git").exists()), None)
    if _NOT_A_REPOSITORY in stderr and damaged is not None:
        fix = "Restore it from another clone; `git status` says no more than this"
        raise ConfigError("is damaged: git does not take it for a repository", file=str(damaged), fix=fix)
    for pattern, fix in _REFUSALS.items():
        if re.search(rf"^(?:fatal|error): .*(?:{pattern})", stderr, re.M | re.I):
            reason = visible(without_secrets(_find_reason(stderr)))
            raise ConfigError(f"git cannot use the repository: {reason}", file=str(root), fix=fix.format(folder=root))


def ask_git(root: Path, *arguments: str, is_path: bool = False) -> str | None:
    """The output of a git command without its last line break; None if the command fails.

    is_path: the output names files, whose bytes need not be UTF-8. Raises ConfigError as `run_git` does.
    """
    done = run_git(root, *arguments)
    return _decode(done.stdout, is_path=is_path) if done.returncode == 0 else None


def call_git(
    root: Path,
    *arguments: str,
    stdin: str = "",
    identity: bool = False,
    settings: Sequence[str] = (),
    timeout_s: float | None = None,
    is_path: bool = False,
) -> str:
    """The output of a git command without its last line break. Raises GitFailed, also after `timeout_s`.

    identity: commit as the user, or as tagpipe where git knows no user. settings: NAME=VALUE, for this command only.
    is_path: the output names files, whose bytes need not be UTF-8. Raises ConfigError as `run_git` does.
    """
    if identity and ask_git(root, "var", "GIT_COMMITTER_IDENT") is None:
        settings = [*settings, "user.name=tagpipe", "user.email=tagpipe@localhost"]
    try:
        done = run_git(root, *arguments, stdin=os.fsencode(stdin), settings=settings, timeout_s=timeout_s)
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git {arguments[0]} had no answer within {timeout_s:.0f} seconds") from None
    if done.returncode != 0:
        reason = _find_reason(without_secrets(as_text(done.stderr)))
        raise GitFailed(reason or f"git {arguments[0]} ended with {done.returncode}")
    return _decode(done.stdout, is_path=is_path)


def _decode(output: bytes, *, is_path: bool) -> str:
    return (os.fsdecode(output) if is_path else as_text(output)).rstrip("\n")


def as_text(output: bytes) -> str:
    """Text of git's: names and messages may be in any encoding, and what is not UTF-8 in them is replaced."""
    return output.decode("utf-8", "replace")


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

"""Variables by which git ties its commands to one repository: hooks get them, and no process of tagpipe may.

GIT_INDEX_FILE, for one, names the index of the commit under way: a `git worktree add` that inherits it in a hook writes
another revision's files over that index.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import lru_cache

_MEANT = frozenset({"GIT_CONFIG_COUNT"})
"""Settings that a person or a workflow exports; git itself never sets it for a hook."""


_ALWAYS = frozenset(
    f"GIT_{name}"
    for name in (
        "DIR", "WORK_TREE", "INDEX_FILE", "PREFIX", "COMMON_DIR", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES",
        "CONFIG", "CONFIG_PARAMETERS", "SHALLOW_FILE", "GRAFT_FILE", "REPLACE_REF_BASE", "NO_REPLACE_OBJECTS",
        "IMPLICIT_WORK_TREE", "INTERNAL_SUPER_PREFIX",
    )
)  # fmt: skip


def without_git_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without the variables that name a repository, its index or its objects."""
    if not any(name.startswith("GIT_") for name in environment):
        return dict(environment)
    return {name: value for name, value in environment.items() if name not in _local_variables()}


def drop_git_variables() -> None:
    """Take the same variables out of this process, because DVC looks for repositories in it."""
    for name in os.environ.keys() - without_git_variables(os.environ).keys():
        del os.environ[name]


@lru_cache
def _local_variables() -> frozenset[str]:
    """The names that the installed git gives, and those of every git, because a broken setting ends that command."""
    try:
        done = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=False)
        names = done.stdout.split()
    except OSError:
        names = []
    return (_ALWAYS | frozenset(names)) - _MEANT

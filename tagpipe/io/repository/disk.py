"""A full disk, told in one line wherever it is met: by Python, by git or by DVC."""

from __future__ import annotations

import errno
import re

from tagpipe.errors import ConfigError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SAID = re.compile(r"no space left on device|out of disk ?space|disk quota exceeded", re.I)
_FIX = "Make room, and run it again"


def says_disk_full(said: str) -> bool:
    """Whether that is what another program means."""
    return bool(_SAID.search(said))


def is_disk_full(error: OSError) -> bool:
    """Whether the system has refused a write for want of room."""
    return error.errno in _FULL


def disk_full(said: str, *, file: str) -> ConfigError:
    """The error for people. said: by whoever met it."""
    return ConfigError(f"the disk is full: {said}", file=file, fix=_FIX)

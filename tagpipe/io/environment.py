"""The environment of programs that tagpipe starts: a stage, or the library behind a remote, is to see no token."""

from __future__ import annotations

import os
import re

_TOKENS = re.compile(r"GITHUB_TOKEN|GH_TOKEN|GIT_CONFIG_(COUNT|KEY_[0-9]+|VALUE_[0-9]+)")
"""The last ones are git's settings from outside: the workflow's carry the token as a header."""


def without_tokens() -> dict[str, str]:
    """This process's environment but for what holds, or may hold, a token of GitHub's."""
    return {name: value for name, value in os.environ.items() if not _TOKENS.fullmatch(name)}

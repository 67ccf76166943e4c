"""What git, DVC and servers say, without what only its owner may see."""

from __future__ import annotations

import os
import re

HIDDEN = "***"

_USERINFO = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_QUERY = re.compile(r"(:/[^?\s\"'<>]*\?)[^\s\"'<>]+")  # httpx writes file:/ for file:///
_SECRET_NAME = re.compile(
    r"(?:TOKEN|SECRET|PASSW(?:OR)?D|CREDENTIALS?|(?:API|ACCESS|PRIVATE|ACCOUNT)_?KEY)(?:_|$)", re.I
)
_MIN_SECRET_CHARS = 6
"""A shorter value stands in half of all sentences."""


def without_secrets(text: str) -> str:
    """`text` as it may be shown: addresses without user, password and query, and no value of an environment variable
    that is called a token, secret, password, credential or key.

    To be asked before anything is cut short: of half an address nobody sees which half.

    >>> without_secrets("cannot read https://me:secret@example.org/data.git")
    'cannot read https://***@example.org/data.git'
    >>> without_secrets("https://example.org/p.json?sig=abc")
    'https://example.org/p.json?***'
    """
    for secret in _known_secrets():
        text = text.replace(secret, HIDDEN)
    return _QUERY.sub(rf"\1{HIDDEN}", _USERINFO.sub(f"{HIDDEN}@", text))


def _known_secrets() -> list[str]:
    """The longest first, for one may be the beginning of another."""
    found = {value.strip() for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    return sorted((each for each in found if len(each) >= _MIN_SECRET_CHARS), key=len, reverse=True)


_TOKENS = re.compile(r"GITHUB_TOKEN|GH_TOKEN|GIT_CONFIG_(COUNT|KEY_[0-9]+|VALUE_[0-9]+)")
"""The last ones are git's settings from outside: the workflow's carry the token as a header."""


def without_tokens() -> dict[str, str]:
    """This process's environment but for what holds, or may hold, a token of GitHub's."""
    return {name: value for name, value in os.environ.items() if not _TOKENS.fullmatch(name)}

"""Take secrets out of texts that are shown, and tokens out of the environment of child processes."""

from __future__ import annotations

import os
import re

from tagpipe.errors import HIDDEN, hide_addresses

_SECRET_NAME = re.compile(
    r"(?:TOKEN|SECRET|PASSW(?:OR)?D|CREDENTIALS?|(?:API|ACCESS|PRIVATE|ACCOUNT)_?KEY)(?:_|$)", re.I
)
_MIN_SECRET_CHARS = 6
"""A shorter value occurs in ordinary sentences, and would be cut out of them."""


def without_secrets(text: str) -> str:
    """`text` as it may be shown: without the user, password and query of addresses, and without the values of
    environment variables whose names say token, secret, password, credential or key.

    Call it before a text is cut short: half of a secret is not recognised.

    >>> without_secrets("cannot read https://me:secret@example.org/data.git")
    'cannot read https://***@example.org/data.git'
    >>> without_secrets("https://example.org/p.json?sig=abc")
    'https://example.org/p.json?***'
    """
    for secret in _known_secrets():
        text = text.replace(secret, HIDDEN)
    return hide_addresses(text)


def _known_secrets() -> list[str]:
    """Values of the variables with secrets, the longest first, because one may be the beginning of another."""
    values = {value.strip() for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    return sorted((value for value in values if len(value) >= _MIN_SECRET_CHARS), key=len, reverse=True)


_TOKENS = re.compile(r"GITHUB_TOKEN|GH_TOKEN|GIT_CONFIG_(COUNT|KEY_[0-9]+|VALUE_[0-9]+)")
"""The last ones are git settings from the environment: a workflow passes the token in them, as a header."""


def without_tokens() -> dict[str, str]:
    """This process's environment without the variables that hold, or may hold, a GitHub token."""
    return {name: value for name, value in os.environ.items() if not _TOKENS.fullmatch(name)}

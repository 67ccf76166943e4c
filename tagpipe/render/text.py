"""Public text made harmless: no control character, no markup."""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~@:&$])")
_UNSAFE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def visible(text: str) -> str:
    """`text` with control, format (bidi) and line-breaking characters as escapes.

    >>> visible("a\\x1b[31mb\\u202e")
    'a\\\\x1b[31mb\\\\u202e'
    """
    return "".join(
        character if unicodedata.category(character) not in _UNSAFE else character.encode("unicode_escape").decode()
        for character in text
    )


def markdown_text(text: str) -> str:
    """`text` as literal Markdown: no emphasis, link, image, HTML, mention, reference or table cell break.

    >>> markdown_text("a|b <i>")
    'a&#124;b &#60;i&#62;'
    """
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[1])};", visible(text))

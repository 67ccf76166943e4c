"""Public text made harmless: no control character, no markup."""

from __future__ import annotations

import re

from tagpipe.errors import visible as visible  # flows take it from here, too

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~@:&$])")


def markdown_text(text: str) -> str:
    """`text` as literal Markdown: no emphasis, link, image, HTML, mention, reference or table cell break.

    >>> markdown_text("a|b <i>")
    'a&#124;b &#60;i&#62;'
    """
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[1])};", visible(text))

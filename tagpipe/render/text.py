"""Public text made harmless: no control character, no markup."""

from __future__ import annotations

import re

from rich.console import JustifyMethod
from rich.table import Table

from tagpipe.errors import visible as visible  # flows take it from here, too

MAX_SHOWN = 80
"""Characters of one public text in a table; the whole is in the JSON and Parquet files."""

MAX_COMMAND = 400
"""Characters of a command that may be copied."""

EMPTY = "(empty)"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~@:&$])")


def shorten(text: str, limit: int = MAX_SHOWN) -> str:
    """The visible form of `text`, at most `limit` characters long; the last one is an ellipsis if text is left out.

    No escape is cut in two, and no more than `limit` characters of a long text are read.

    >>> shorten("a long text", 6), shorten("\\x1b" * 3, 6)
    ('a lon…', '\\\\x1b…')
    """
    shown = visible(text[: limit + 1])
    if len(shown) <= limit:
        return shown
    kept = ""
    for piece in map(visible, text[:limit]):
        if len(kept) + len(piece) >= limit:
            break
        kept += piece
    return kept + "…"


def code_span(text: str, limit: int = MAX_SHOWN) -> str:
    """Public text for GitHub: a code span that reads `span_text(text)`, or plain EMPTY for no text at all.

    GitHub makes links of mentions, issues, commits and addresses in the text of a page, entities decoded, but never
    inside of code. The fence is the shortest run of backticks that the text does not have: cmark-gfm gives up on
    fences of more than 80.

    >>> code_span("@me | `#1`")
    '`` @me \\\\x7c `#1` ``'
    """
    shown = span_text(text, limit)
    if not shown:
        return EMPTY
    runs = {len(run) for run in re.findall("`+", shown)}
    fence = "`" * next(length for length in range(1, len(shown) + 2) if length not in runs)
    # A parser takes one space off both ends, so that a text may begin or end in a backtick.
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def span_text(text: str, limit: int = MAX_SHOWN) -> str:
    """`shorten(text)` with every `|`, and a space at either end, as escapes: the first ends a cell, even in code."""
    shown = shorten(text, limit).replace("|", r"\x7c")
    shown = re.sub("^ ", r"\\x20", shown)
    return re.sub(" $", r"\\x20", shown)


def markdown_text(text: str) -> str:
    """`text` as literal Markdown: no emphasis, link, image, HTML, mention, reference or table cell break.

    >>> markdown_text("a|b <i>")
    'a&#124;b &#60;i&#62;'
    """
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[1])};", visible(text))


def plain_table(*columns: tuple[str, JustifyMethod]) -> Table:
    """A table with neither lines nor rows yet; long cells go on in the next line."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def count_nouns(number: int, noun: str) -> str:
    """`1 label`, `2 labels`, `1,000 labels`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

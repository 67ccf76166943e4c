"""tag_counts.csv, which DVC plots."""

from __future__ import annotations

import csv
import io
import re

import pyarrow as pa

_FORMULA = "=+-@\t\r"
"""How a cell begins that a spreadsheet takes for a formula."""

# DVC 3.67 writes the texts of a plot into the <script> of its page as they are, where `</script>` would end it, and
# fills in the page's own `{scripts}` behind them.
_LIVE = re.compile("[<>&{}\x00-\x1f\x7f-\x9f\u2028\u2029]")


def tag_counts(tags: pa.Table) -> str:
    """tag_counts.csv: tag, n_projects, kept (true or false), by n_projects descending; DVC plots it.

    A tag that a spreadsheet would take for a formula is given a leading apostrophe; `<`, `>`, `&`, braces and
    control characters are written as `\\u003c` and so on.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["tag", "n_projects", "kept"])
    names, counts, kept = (tags.column(name).to_pylist() for name in ("tag", "n_projects", "kept"))
    for name, count, is_kept in zip(names, counts, kept, strict=True):
        rows.writerow([shown_tag(name), count, "true" if is_kept else "false"])
    return text.getvalue()


def shown_tag(tag: str) -> str:
    """`tag` as tag_counts.csv has it, so that neither a spreadsheet nor a page of DVC's runs it."""
    shown = _LIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", tag)
    return "'" + shown if tag[0] in _FORMULA else shown

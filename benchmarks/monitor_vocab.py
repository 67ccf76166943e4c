"""What `tagpipe vocab check` finds in a project, and what `tagpipe vocab review` has to ask about.

    python -m benchmarks.monitor_vocab FOLDER OUT check|suggest

By the functions that the commands call, so that it is their work, without the text on a terminal.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from benchmarks.monitor_generate import misspell


def check(root: Path) -> dict[str, int]:
    """Kind -> findings. Of the unknown parents those whose nearest tag is the one that is misspelt count apart."""
    from tagpipe.operations.inspect_vocabulary import check_vocabulary

    findings, _ = check_vocabulary(root)
    meant = [each.kind == "unknown_parent" and misspell(each.nearest or "") == each.value for each in findings]
    kinds = (f"{each.kind} (meant)" if is_meant else each.kind for each, is_meant in zip(findings, meant, strict=True))
    return dict(Counter(kinds))


def suggest(root: Path) -> dict[str, int]:
    """Kind -> suggestions."""
    from tagpipe.io.versions.usage import read_usage
    from tagpipe.operations.edit_vocabulary import open_curation
    from tagpipe.operations.inspect_vocabulary import suggest

    curation = open_curation(root)
    return dict(Counter(each.kind for each in suggest(curation, read_usage(curation.layout))))


def main() -> None:
    """python -m benchmarks.monitor_vocab FOLDER OUT check|suggest"""
    root, out, job = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3]
    out.write_text(json.dumps(check(root) if job == "check" else suggest(root)), "utf-8")


if __name__ == "__main__":
    main()

"""Compare two dataset versions, wherever they are, and write the comparison to a file."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tagpipe.comparison.comparison import Comparison, changes_table
from tagpipe.comparison.document import DiffDocument
from tagpipe.dataset.compare_builds import compare_sides
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.git.commits import find_default_base
from tagpipe.io.repository.files import write_bytes, write_table
from tagpipe.io.versions.load_sides import WORKSPACE, open_side
from tagpipe.render.diff.html import html_diff
from tagpipe.render.diff.json import json_diff
from tagpipe.render.diff.markdown import markdown_diff

_RENDERERS = {".md": markdown_diff, ".html": html_diff, ".json": json_diff}


def compare(
    root: Path,
    base: str | None = None,
    head: str = WORKSPACE,
    *,
    rebuild: bool = False,
    with_causes: bool = True,
    head_name: str | None = None,
    is_own: bool = False,
) -> Comparison:
    """The comparison of two sides, each named as `open_side` takes them.

    base: None for the merge base with the default branch. rebuild: build a revision whose data is gone. head_name: what
    head is called in the result, None for `head` itself. is_own: True if tagpipe committed them, so that CI may rebuild
    them. Raises InputError or ConfigError where a side is missing or stale.
    """
    with ExitStack() as stack:
        old = stack.enter_context(open_side(root, base or find_default_base(root), rebuild=rebuild, is_own=is_own))
        new = stack.enter_context(open_side(root, head, rebuild=rebuild, is_own=is_own))
        return compare_sides(
            old.side,
            new.side if head_name is None else replace(new.side, name=head_name),
            lambda: (old.read_raw(), new.read_raw()),
            may_be_code=old.code is None or new.code is None or old.code != new.code,
            with_causes=with_causes,
        )


def write_comparison(comparison: Comparison, document: DiffDocument, path: Path) -> None:
    """Write the comparison in the form that the ending of `path` names. Raises ConfigError for an unknown ending."""
    if path.suffix == ".parquet":
        write_table(path, changes_table(comparison))
    elif path.suffix in _RENDERERS:
        write_bytes(path, _RENDERERS[path.suffix](document).encode("utf-8"))
    else:
        raise ConfigError(
            "an unknown form", field="--write", found=escape_shown(path.name), expected=".md, .html, .json or .parquet"
        )

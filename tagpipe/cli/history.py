"""Commands along the history: log, history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli.output import AsJson, print_output

Most = Annotated[int, typer.Option("--most", min=1, help="At most so many versions, the newest.")]


def log(
    revision: Annotated[str, typer.Argument(help="The history to follow.")] = "HEAD",
    n_most: Most = 20,
    as_json: AsJson = False,
) -> None:
    """Show the versions along the history: digest, counts, tags that entered or left the cut, what changed."""
    from tagpipe.operations.history import list_versions
    from tagpipe.render.history import render_log

    rows = list_versions(Path.cwd(), revision, n_most=n_most)
    print_output(rows, lambda: render_log(rows), as_json=as_json)


def history(
    tag: Annotated[str, typer.Argument(help="A tag of the vocabulary.")],
    revision: Annotated[str, typer.Argument(help="The history to follow.")] = "HEAD",
    n_most: Most = 50,
    as_json: AsJson = False,
) -> None:
    """Show the support of a tag across the versions of the history."""
    from tagpipe.operations.history import trace_tag
    from tagpipe.render.history import render_history

    rows = trace_tag(Path.cwd(), tag, revision, n_most=n_most)
    print_output(rows, lambda: render_history(tag, rows), as_json=as_json)

"""Commands that show what is there: summary, explain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli.checks import Directory
from tagpipe.cli.output import AsJson, print_output


def summary(directory: Directory = Path(), as_json: AsJson = False) -> None:
    """Show what came in, what was labeled, which tags just made the cut and what was dropped."""
    from tagpipe.operations.load import load_summary
    from tagpipe.render.summary import render_summary

    result = load_summary(directory)
    print_output(result, lambda: render_summary(result), as_json=as_json)


def explain(
    project_id: Annotated[str, typer.Argument(help="The project's id.")],
    tag: Annotated[str | None, typer.Argument(help="A tag, an alias or a raw tag; all uses if not given.")] = None,
    directory: Annotated[
        Path,
        typer.Option("--dir", metavar="DIR", help="A dataset repository, or a directory written by `tagpipe build`."),
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Say why a project has or lacks a tag, use by use."""
    from tagpipe.operations.explain import explain as explain_tags
    from tagpipe.render.explanation import render_explanation

    explanation = explain_tags(project_id, tag, path=directory)
    print_output(explanation, lambda: render_explanation(explanation), as_json=as_json)

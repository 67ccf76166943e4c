"""Commands that show what is there, now or along the history: summary, explain, monitor, log, history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli.checks import Directory
from tagpipe.cli.output import AsJson, print_output

Most = Annotated[int, typer.Option("--most", min=1, help="At most so many versions, the newest.")]


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


def monitor(
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="A dataset repository.")] = Path(),
    n_most: Annotated[int, typer.Option("--most", min=1, help="At most so many candidates.")] = 20,
    along_history: Annotated[
        bool, typer.Option("--history", help="Follow the candidates along the versions in git instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the tags outside the vocabulary that are worth a look, and those inside that fade."""
    if along_history:
        _show_history(directory, n_most, as_json=as_json)
        return
    from tagpipe.operations.load import load_monitoring
    from tagpipe.render.monitor import render_monitoring

    report = load_monitoring(directory)
    shortened = report.model_copy(update={"candidates": report.candidates[:n_most]})
    print_output(shortened.as_dict(), lambda: render_monitoring(report, n_most=n_most), as_json=as_json)


def _show_history(directory: Path, n_most: int, *, as_json: bool) -> None:
    from tagpipe.operations.history import trace_candidates
    from tagpipe.render.monitor import render_traces

    versions, traces = trace_candidates(directory)
    monitored = [version for version in versions if version.report is not None]
    result = {
        "versions": [{"commit": version.commit, "committed_at": version.committed_at} for version in monitored],
        "candidates": [{"tag": trace.tag, "n_projects": trace.n_projects} for trace in traces[:n_most]],
    }
    print_output(result, lambda: render_traces(versions, traces, n_most=n_most), as_json=as_json)


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

"""The command that shows what is new outside the vocabulary: monitor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli.output import AsJson, print_output


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

"""Commands that compare versions: diff, preview."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagpipe.cli.output import AsJson, print_output, print_result
from tagpipe.errors import ConfigError

if TYPE_CHECKING:
    from tagpipe.comparison.comparison import Comparison

Rebuild = Annotated[
    bool | None,
    typer.Option(
        "--rebuild/--no-rebuild",
        help="Build a revision whose data is nowhere anew, in a temporary work tree. Where its code is another than "
        "this one's, that executes it. Default: only where CI is set, and there only ancestors of HEAD or main.",
    ),
]
Write = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Also write it to a file: .md, .html, .json or .parquet. Repeatable."),
]
FailIfDifferent = Annotated[bool, typer.Option("--fail-if-different", help="Exit 1 on any difference at all.")]
WithCauses = Annotated[bool, typer.Option("--causes/--no-causes", help="Find out what caused each label change.")]


def diff(
    base: Annotated[
        str | None, typer.Argument(help="The old side; default: the merge base with the default branch.")
    ] = None,
    head: Annotated[str, typer.Argument(help="The new side.")] = "workspace",
    rebuild: Rebuild = None,
    fail_if_different: FailIfDifferent = False,
    with_causes: WithCauses = True,
    write: Write = None,
    as_json: AsJson = False,
) -> None:
    """Compare two dataset versions: what changed, what caused it, does it keep to the gates (exit 1 if not).

    A side is a git revision, `workspace`, or a directory written by `tagpipe build`.
    """
    from tagpipe.operations.compare import compare

    may_rebuild = bool(os.environ.get("CI")) if rebuild is None else rebuild
    comparison = compare(Path.cwd(), base, head, rebuild=may_rebuild, with_causes=with_causes)
    _show_comparison(comparison, write or [], as_json=as_json, fail_if_different=fail_if_different)


def preview(
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Another value of a parameter. Repeatable.")
    ] = None,
    vocabulary: Annotated[Path | None, typer.Option(metavar="FILE", help="Another vocabulary.")] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="NAME=FIRST..LAST:STEP", help="Try a row of values of one parameter.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the sweep as .svg or .png.")] = None,
    fail_if_different: FailIfDifferent = False,
    with_causes: WithCauses = True,
    write: Write = None,
    as_json: AsJson = False,
) -> None:
    """Compare the last built version with what an edit would give, in memory; nothing is built or committed."""
    from tagpipe.comparison.overrides import parse_sweep
    from tagpipe.operations import preview as previews

    chosen = previews.parse_settings(settings or [])
    if sweep is None and plot is not None:
        raise ConfigError("--plot draws a sweep, and there is none", field="--plot", fix="Add --sweep")
    if sweep is not None and (write or fail_if_different):
        raise ConfigError(
            "a sweep compares nothing", field="--sweep", fix="Leave out --write and --fail-if-different, or the sweep"
        )
    if sweep is None:
        comparison = previews.preview(Path.cwd(), chosen, vocabulary=vocabulary, with_causes=with_causes)
        _show_comparison(comparison, write or [], as_json=as_json, fail_if_different=fail_if_different)
        return
    name, values = parse_sweep(sweep)
    rows = previews.sweep(Path.cwd(), name, values, chosen, vocabulary=vocabulary)
    from tagpipe.io.repository.files import write_bytes
    from tagpipe.render.sweep import draw_sweep, render_sweep

    if plot is not None:
        write_bytes(plot, draw_sweep(name, rows, plot.suffix))
    print_output(rows, lambda: render_sweep(name, rows), as_json=as_json)


def _show_comparison(comparison: Comparison, files: list[Path], *, as_json: bool, fail_if_different: bool) -> None:
    from tagpipe.operations.compare import write_comparison
    from tagpipe.render.diff.json import json_diff
    from tagpipe.render.diff.terminal import render_diff

    document = comparison.document
    for path in files:
        write_comparison(comparison, document, path)
    if as_json:
        print(json_diff(document), end="")
    else:
        print_result(render_diff(document))
    if not comparison.passed or (fail_if_different and not document.is_same):
        raise typer.Exit(1)

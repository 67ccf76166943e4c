"""The commands that compare versions: diff, preview, log, history, comment, publish."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagpipe.cli.output import AsJson, print_json, print_result
from tagpipe.errors import ConfigError, visible

if TYPE_CHECKING:
    from tagpipe.operations.compare import Comparison

Rebuild = Annotated[
    bool | None,
    typer.Option(
        "--rebuild/--no-rebuild",
        help="Build a revision whose data is nowhere anew, in a temporary work tree. Default: only where CI is set.",
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
    found = compare(Path.cwd(), base, head, rebuild=may_rebuild, with_causes=with_causes)
    _show_comparison(found, write or [], as_json=as_json, fail_if_different=fail_if_different)


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
    from dataclasses import asdict

    from tagpipe.operations import compare as comparison

    chosen = comparison.parse_settings(settings or [])
    if sweep is None and plot is not None:
        raise ConfigError("--plot draws a sweep, and there is none", field="--plot", fix="Add --sweep")
    if sweep is not None and (write or fail_if_different):
        raise ConfigError(
            "a sweep compares nothing", field="--sweep", fix="Leave out --write and --fail-if-different, or the sweep"
        )
    if sweep is None:
        found = comparison.preview(Path.cwd(), chosen, vocabulary=vocabulary, with_causes=with_causes)
        _show_comparison(found, write or [], as_json=as_json, fail_if_different=fail_if_different)
        return
    name, values = comparison.parse_sweep(sweep)
    rows = comparison.sweep(Path.cwd(), name, values, chosen, vocabulary=vocabulary)
    if plot is not None:
        from tagpipe.io.repository.files import write_bytes
        from tagpipe.render.sweep_plot import draw_sweep

        write_bytes(plot, draw_sweep(name, rows, plot.suffix))
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        from tagpipe.render.summary import render_sweep

        print_result(render_sweep(name, rows))


Most = Annotated[int, typer.Option("--most", min=1, help="At most so many versions, the newest.")]


def log(
    revision: Annotated[str, typer.Argument(help="The history to follow.")] = "HEAD",
    n_most: Most = 20,
    as_json: AsJson = False,
) -> None:
    """Show the versions along the history: digest, counts, tags that entered or left the cut, what changed."""
    from dataclasses import asdict

    from tagpipe.history.versions import describe_versions
    from tagpipe.io.versions.history import read_versions
    from tagpipe.render.history import render_log

    rows = describe_versions(read_versions(Path.cwd(), revision, n_most=n_most + 1))[-n_most:]
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_result(render_log(rows))


def history(
    tag: Annotated[str, typer.Argument(help="A tag of the vocabulary.")],
    revision: Annotated[str, typer.Argument(help="The history to follow.")] = "HEAD",
    n_most: Most = 50,
    as_json: AsJson = False,
) -> None:
    """Show the support of a tag across the versions of the history."""
    from dataclasses import asdict

    from tagpipe.history.versions import trace_tag
    from tagpipe.io.versions.history import read_versions
    from tagpipe.render.history import render_history

    rows = trace_tag(read_versions(Path.cwd(), revision, n_most=n_most), tag)
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_result(render_history(tag, rows))


def comment(
    artifact: Annotated[
        Path, typer.Option(metavar="PATH", help="The JSON document, its zip, or a folder with one of them.")
    ],
    repository: Annotated[
        str, typer.Option(metavar="OWNER/NAME", envvar="GITHUB_REPOSITORY", help="Where the pull request is.")
    ],
    head_sha: Annotated[str, typer.Option(metavar="SHA", envvar="HEAD_SHA", help="The commit that was compared.")],
    head_repository: Annotated[
        str, typer.Option(metavar="OWNER/NAME", envvar="HEAD_REPOSITORY", help="Where that commit is; a fork's own.")
    ],
    author: Annotated[
        str, typer.Option(metavar="LOGIN", help="Whose token it is; only this account's comment is written anew.")
    ] = "github-actions[bot]",
    run_url: Annotated[
        str | None, typer.Option(metavar="URL", envvar="RUN_URL", help="The run that compared, to link to.")
    ] = None,
    conclusion: Annotated[
        str | None, typer.Option(metavar="WORD", envvar="RUN_CONCLUSION", help="How that run ended, as in success.")
    ] = None,
) -> None:
    """Write a comparison as the one comment of its pull request; GITHUB_TOKEN holds the token."""
    from tagpipe.operations.comment import Target, comment_on_pull_request

    target = Target(repository, head_sha, head_repository, author, run_url, conclusion)
    api_url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    print(comment_on_pull_request(artifact, target, api_url=api_url, token=os.environ.get("GITHUB_TOKEN", "")))


def publish(
    as_json: AsJson = False,
) -> None:
    """Look upstream, build what has changed beside the published version, and publish it if every gate holds."""
    from dataclasses import asdict, replace

    from tagpipe.operations.publish import publish as publish_version

    found = publish_version(Path.cwd())
    if as_json:
        document = found.document.model_dump(mode="json") if found.document else None
        print_json({**asdict(replace(found, document=None)), "document": document})
    else:
        print(f"{found.outcome}: {visible(found.reason)}")
    if found.outcome == "refused":
        raise typer.Exit(1)


def _show_comparison(found: Comparison, files: list[Path], *, as_json: bool, fail_if_different: bool) -> None:
    from tagpipe.operations.compare import write_comparison
    from tagpipe.render.diff.json import json_diff
    from tagpipe.render.diff.terminal import render_diff

    document = found.document
    for path in files:
        write_comparison(found, document, path)
    if as_json:
        print(json_diff(document), end="")
    else:
        print_result(render_diff(document))
    if not found.passed or (fail_if_different and not document.is_same):
        raise typer.Exit(1)

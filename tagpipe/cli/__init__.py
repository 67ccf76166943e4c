"""The command line: parse, call, render, exit code. Further commands: `checks`, `compare`, `watch`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagpipe import __version__
from tagpipe.cli import checks, compare, vocab
from tagpipe.cli import monitor as watch
from tagpipe.cli.checks import Directory
from tagpipe.cli.output import AsJson, echo_error, print_json, print_result
from tagpipe.errors import DEFECT_EXIT_CODE, StageDefect, TagpipeError, visible

if TYPE_CHECKING:
    from tagpipe.io.sources.download import Progress
    from tagpipe.operations.init_repository import Refreshed

VERSION_STAGE = "threshold"
"""The stage with which a dataset version is whole; what runs behind it only watches."""

app = typer.Typer(
    name="tagpipe",
    help="Messy public tags in, a reproducible, diffable multi-label dataset version out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(value: bool) -> None:
    if value:
        print(f"tagpipe {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Messy public tags in, a reproducible, diffable multi-label dataset version out."""


@app.command()
def run(
    stage: Annotated[str | None, typer.Argument(help="Only this stage and what it needs; all if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build the dataset with `dvc repro`, under a lock; a failure leaves the last good version in place."""
    from dataclasses import asdict

    from tagpipe.io.repository.layout import project_layout
    from tagpipe.io.runs.reproduce import reproduce

    layout = project_layout(Path.cwd())
    names = list(layout.stages)
    with _stage_status(names[: names.index(stage) + 1] if stage in names else names) as echo:
        runs = reproduce(layout, stage, echo=echo)
    is_whole = any(each.stage == VERSION_STAGE for each in runs)
    if as_json:
        from tagpipe.operations.load import load_summary

        summary = asdict(load_summary()) if is_whole else None
        print_json({"stages": [asdict(each) for each in runs], "summary": summary})
    elif is_whole:
        echo_error("")
        summary_command(Path())


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    projects: Annotated[Path | None, typer.Option(metavar="FILE", help="Your projects; else a sample.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(metavar="FILE", help="Your vocabulary; else a sample.")] = None,
) -> None:
    """Make a new dataset project for your own data, ready to run."""
    from tagpipe.operations.init_repository import init_project

    written = init_project(directory, projects=projects, vocabulary=vocabulary)
    for path in written:
        print(visible(path))
    echo_error(f"Next: cd {directory} && tagpipe run")


@app.command()
def build(
    projects: Annotated[Path, typer.Option(metavar="FILE", help="JSON, NDJSON or CSV, by its ending.")],
    vocabulary: Annotated[Path, typer.Option(metavar="FILE", help="JSON (object or list), NDJSON or CSV.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything is written.")],
    params: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A params.yaml; else the one that comes with tagpipe.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a dataset version in one process, without DVC or git."""
    from dataclasses import asdict

    from tagpipe.io.repository.files import use_system_memory
    from tagpipe.operations.load import build as build_dataset
    from tagpipe.render.summary import render_summary

    use_system_memory()
    with _progress(f"reading {projects.name}") as progress:
        dataset = build_dataset(projects, vocabulary, params=params, out=out, progress=progress)
    if as_json:
        print_json(asdict(dataset.summary))
    else:
        print_result(render_summary(dataset.summary))


@app.command("summary")
def summary_command(directory: Directory = Path(), as_json: AsJson = False) -> None:
    """Show what came in, what was labeled, which tags just made the cut and what was dropped."""
    from dataclasses import asdict

    from tagpipe.operations.load import load_summary
    from tagpipe.render.summary import render_summary

    summary = load_summary(directory)
    if as_json:
        print_json(asdict(summary))
    else:
        print_result(render_summary(summary))


@app.command()
def explain(
    project_id: Annotated[str, typer.Argument(help="The project's id.")],
    tag: Annotated[str | None, typer.Argument(help="A tag, an alias or a raw tag; all uses if not given.")] = None,
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="A dataset project, or a directory written by `tagpipe build`.")
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Say why a project has or lacks a tag, use by use."""
    from dataclasses import asdict

    from tagpipe.operations.load import explain as explain_tags
    from tagpipe.render.summary import render_explanation

    explanation = explain_tags(project_id, tag, path=directory)
    if as_json:
        print_json(asdict(explanation))
    else:
        print_result(render_explanation(explanation))


@app.command()
def refresh(
    check: Annotated[bool, typer.Option("--check", help="Only report; exit 1 if upstream has moved.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look upstream, prove that the new bytes validate, and write their pins into params.yaml."""
    from dataclasses import asdict

    from tagpipe.operations.init_repository import refresh as refresh_pins

    with _progress("downloading") as progress:
        found = refresh_pins(Path.cwd(), check=check, progress=progress, echo=echo_error)
    if as_json:
        print_json({**asdict(found), "moved": found.moved})
    else:
        _print_refreshed(found)
    if check and found.moved:
        raise typer.Exit(1)


for command in (
    checks.verify,
    checks.doctor,
    compare.diff,
    compare.preview,
    compare.log,
    compare.history,
    compare.comment,
    compare.publish,
    watch.monitor,
):
    app.command()(command)


app.add_typer(vocab.app)


def _print_refreshed(found: Refreshed) -> None:
    for pin in found.pins:
        what = f"{pin.old_sha256} -> {pin.new_sha256}" if pin.moved else f"{pin.old_sha256} (not moved)"
        print(f"{pin.name}: {what}")
    old = found.old_counts or {}
    changes = (f"{name} {old.get(name, '?')} -> {count}" for name, count in found.new_counts.items())
    print("counts: " + ", ".join(changes))
    if found.accepted:
        print("new pins are in params.yaml; `tagpipe run` builds from them")


@contextmanager
def _stage_status(stages: list[str]) -> Iterator[Callable[[str], None]]:
    """What echoes a run's lines; on a terminal, with the stage that is at work below them.

    A stage ends with its one line, `NAME: ...`; the next one then begins.
    """
    if not sys.stderr.isatty():
        yield echo_error
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status(f"running {stages[0]}") as status:

        def echo(line: str) -> None:
            console.print(visible(line), markup=False, soft_wrap=True)
            ended = line.partition(": ")[0]
            if ended in stages[:-1]:
                status.update(f"running {stages[stages.index(ended) + 1]}")

        yield echo


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # `what` may name a file, and a name may look like markup.
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(visible(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def main() -> None:
    """Entry point: an expected error is one message on standard error and its exit code; a defect is a traceback."""
    try:
        app()
    except TagpipeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except StageDefect as defect:
        print(
            f"error: a stage was killed, or has a defect and its traceback stands above ({visible(str(defect))})",
            file=sys.stderr,
        )
        sys.exit(DEFECT_EXIT_CODE)
    except Exception:  # noqa: BLE001 - a defect keeps its traceback, but exit code 1 means an answer
        traceback.print_exc()
        sys.exit(DEFECT_EXIT_CODE)


if __name__ == "__main__":
    main()

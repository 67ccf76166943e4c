"""Commands that build: run, init, build, refresh."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagpipe.cli.output import AsJson, echo_error, print_json, print_output, print_result
from tagpipe.errors import visible

if TYPE_CHECKING:
    from tagpipe.io.sources.download import Progress
    from tagpipe.operations.refresh import Refreshed


def run(
    stage: Annotated[str | None, typer.Argument(help="Only this stage and what it needs; all if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build the dataset with `dvc repro`, under a lock; a failure leaves the last good version in place."""
    from tagpipe.operations import run as running

    with _stage_status(running.list_stages(Path.cwd(), stage)) as echo:
        result = running.run(Path.cwd(), stage, echo=echo)
    if as_json:
        print_json(result)
    elif result.summary is not None:
        from tagpipe.render.summary import render_summary

        echo_error("")
        print_result(render_summary(result.summary))


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    projects: Annotated[Path | None, typer.Option(metavar="FILE", help="Your projects; else a sample.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(metavar="FILE", help="Your vocabulary; else a sample.")] = None,
) -> None:
    """Make a new dataset repository for your own data, ready to run."""
    from tagpipe.operations.init_repository import init_repository

    written = init_repository(directory, projects=projects, vocabulary=vocabulary)
    for path in written:
        print(visible(path))
    echo_error(f"Next: cd {directory} && tagpipe run")


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
    from tagpipe.io.repository.files import use_system_memory
    from tagpipe.operations.build import build as build_dataset
    from tagpipe.render.summary import render_summary

    use_system_memory()
    with _progress(f"reading {projects.name}") as progress:
        dataset = build_dataset(projects, vocabulary, params=params, out=out, progress=progress)
    print_output(dataset.summary, lambda: render_summary(dataset.summary), as_json=as_json)


def refresh(
    check: Annotated[bool, typer.Option("--check", help="Only report; exit 1 if upstream has moved.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look upstream, prove that the new bytes validate, and write their pins into params.yaml."""
    from tagpipe.operations.refresh import refresh as refresh_pins

    with _progress("downloading") as progress:
        refreshed = refresh_pins(Path.cwd(), check=check, progress=progress, echo=echo_error)
    result = {**vars(refreshed), "moved": refreshed.moved}
    print_output(result, lambda: _render_refreshed(refreshed), as_json=as_json)
    if check and refreshed.moved:
        raise typer.Exit(1)


def _render_refreshed(refreshed: Refreshed) -> str:
    lines = []
    for pin in refreshed.pins:
        change = f"{pin.old_sha256} -> {pin.new_sha256}" if pin.moved else f"{pin.old_sha256} (not moved)"
        lines.append(f"{pin.name}: {change}")
    old = refreshed.old_counts or {}
    counts = (f"{name} {old.get(name, '?')} -> {count}" for name, count in refreshed.new_counts.items())
    lines.append("counts: " + ", ".join(counts))
    if refreshed.accepted:
        lines.append("new pins are in params.yaml; `tagpipe run` builds from them")
    return "\n".join(lines)


@contextmanager
def _stage_status(stages: list[str]) -> Iterator[Callable[[str], None]]:
    """Yields a function that prints a line of the run; on a terminal, the stage at work is shown below the lines."""
    if not sys.stderr.isatty():
        yield echo_error
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status(f"running {stages[0]}") as status:

        def echo(line: str) -> None:
            console.print(visible(line), markup=False, soft_wrap=True)
            ended = line.partition(": ")[0]  # a stage ends with its one line, `NAME: ...`
            if ended in stages[:-1]:
                status.update(f"running {stages[stages.index(ended) + 1]}")

        yield echo


@contextmanager
def _progress(description: str) -> Iterator[Progress | None]:
    """A progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # The description may name a file, and a name may look like markup.
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(visible(description), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

"""How commands print: results to standard output, diagnostics to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tagpipe.errors import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

_UNBOUNDED = 1 << 30


def print_output(result: Any, render: Callable[[], RenderableType], *, as_json: bool) -> None:
    """Print the result of a command: as JSON for scripts, or as `render` draws it for people."""
    if as_json:
        print_json(result)
    else:
        print_result(render())


def print_json(tree: Any) -> None:
    """Print a tree of dicts, lists, dataclasses and pydantic models."""
    print(json.dumps(tree, ensure_ascii=True, indent=2, default=_as_dict))


def _as_dict(value: Any) -> dict[str, Any]:
    # By its method, not its class: importing pydantic takes a tenth of a second, and few results hold a model.
    model_dump = getattr(value, "model_dump", None)
    return asdict(value) if model_dump is None else model_dump(mode="json")


def print_result(what: RenderableType) -> None:
    """Print as rich lays it out on a terminal; elsewhere every row whole on one line, without trailing blanks.

    A string is printed as it is: rich would read square brackets in it as markup.
    """
    if isinstance(what, str):
        print(what)
        return
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False).print(what)
        return
    console = Console(highlight=False, width=_UNBOUNDED, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(what)
    print("\n".join(line.rstrip(" ") for line in capture.get().rstrip("\n").split("\n")))


def echo_error(line: str) -> None:
    print(visible(line), file=sys.stderr, flush=True)


def note_killed_edit(root: Path) -> None:
    """Say if a kill ended an edit. What only reads shows the files as they are, and waits for nobody."""
    from tagpipe.io.repository.layout import repository_layout
    from tagpipe.io.runs.edit_log import has_killed_edit

    if has_killed_edit(repository_layout(root)):
        echo_error(
            "note: an edit of the vocabulary was killed while it was being written; "
            "the next edit, `tagpipe run` or `tagpipe refresh` finishes it"
        )

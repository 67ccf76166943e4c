"""How commands print: results to standard output, diagnostics to standard error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tagpipe.errors import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

_UNBOUNDED = 1 << 30


def print_result(what: RenderableType) -> None:
    """On a terminal as rich lays it out; elsewhere every row on one line, whole, with no blanks behind it."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False).print(what)
        return
    console = Console(highlight=False, width=_UNBOUNDED, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(what)
    print("\n".join(line.rstrip(" ") for line in capture.get().rstrip("\n").split("\n")))


def print_json(tree: Any) -> None:
    print(json.dumps(tree, ensure_ascii=True, indent=2))


def echo_error(line: str) -> None:
    print(visible(line), file=sys.stderr, flush=True)


def tell_of_killed_edit(root: Path) -> None:
    """Say where a kill left an edit half written. What only reads shows the files as they are, and waits for nobody."""
    from tagpipe.io.repository.layout import SCRATCH
    from tagpipe.io.runs.edit_journal import is_half_written

    if is_half_written(root / SCRATCH):
        echo_error(
            "note: an edit of the vocabulary was killed while it was being written; "
            "the next edit, `tagpipe run` or `tagpipe refresh` finishes it"
        )

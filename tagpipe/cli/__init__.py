"""The command line, one module a group of commands.

Each command parses, calls one operation, renders its result and sets the exit code.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

import typer

from tagpipe import __version__
from tagpipe.cli import build, checks, compare, publish, show, vocab
from tagpipe.cli.streams import IO_EXIT_CODE, OutputFailed, guarded_streams
from tagpipe.errors import DEFECT_EXIT_CODE, StageDefect, TagpipeError, reason_of, visible
from tagpipe.io.repository.git_variables import drop_git_variables

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


COMMANDS = (
    build.run,
    build.init,
    build.build,
    build.refresh,
    show.summary,
    show.explain,
    checks.verify,
    checks.doctor,
    compare.diff,
    compare.preview,
    show.log,
    show.history,
    publish.comment,
    publish.publish,
    show.monitor,
)

for command in COMMANDS:
    app.command()(command)
app.add_typer(vocab.app)


@lru_cache  # typer makes the tree of commands anew for each call of `app`
def _command() -> Callable[[], None]:
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line. An expected error is one message and its exit code; a defect keeps its traceback."""
    drop_git_variables()
    with guarded_streams():
        try:
            _run_command()
        except OutputFailed as failed:
            if failed.exit_code == IO_EXIT_CODE:
                print(f"error: standard output: cannot be written: {reason_of(failed.error)}", file=sys.stderr)
            sys.exit(failed.exit_code)
        except TagpipeError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
        except StageDefect as defect:
            print(
                f"error: a stage was killed, or has a defect and its traceback stands above ({visible(str(defect))})",
                file=sys.stderr,
            )
            sys.exit(DEFECT_EXIT_CODE)
        except OSError as error:  # a disk that fails where no code expects it
            where = f"{visible(os.fsdecode(error.filename))}: " if error.filename is not None else ""
            print(f"error: {where}the system refused: {visible(reason_of(error))}", file=sys.stderr)
            sys.exit(IO_EXIT_CODE)
        except Exception:  # noqa: BLE001 - a defect keeps its traceback, but exit code 1 means an answer
            traceback.print_exc()
            sys.exit(DEFECT_EXIT_CODE)


def _run_command() -> None:
    try:
        _command()()
    except SystemExit as ended:
        if ended.code in (None, 0, 1):  # an answer that does not arrive is none
            sys.stdout.flush()
        raise


if __name__ == "__main__":
    main()

"""The command line in this process: how a command ended, and every command by its words: `run`, `vocab check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from tagpipe.cli import app
from tagpipe.errors import TagpipeError


@dataclass(frozen=True)
class Ended:
    """How a command ended. error: the expected error behind `exit_code`, None if there was none."""

    exit_code: int
    stdout: str
    stderr: str
    error: TagpipeError | None = None


Tagpipe = Callable[..., Ended]


def every_command() -> dict[str, Any]:
    """Words -> command; groups only with the commands in them."""
    return dict(_walk(typer.main.get_command(app), ()))


def find_command(words: Sequence[str]) -> tuple[str, list[str]] | None:
    """(the command that a command line begins with, the words behind it); None if there is none."""
    for n_words in (1, 2):
        name = " ".join(words[:n_words])
        if name in COMMANDS:
            return name, list(words[n_words:])
    return None


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(words), command
        return
    for name, each in command.commands.items():
        yield from _walk(each, (*words, name))


COMMANDS = every_command()
GROUPS = {name.split(" ")[0] for name in COMMANDS if " " in name}

"""`tagpipe vocab review`: one alias suggestion after the other, one key for each."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tagpipe.cli.output import echo_error, print_result, tell_of_killed_edit
from tagpipe.errors import ConfigError, EditRefused, visible

if TYPE_CHECKING:
    from tagpipe.comparison.sides import Side
    from tagpipe.curation.suggestions import Suggestion
    from tagpipe.operations.edit_vocabulary import Curation, Plan

_KEYS = {"y": "alias it", "n": "not the same", "s": "skip", "u": "undo the last", "q": "quit"}
_DONE = {"y": ("alias added", "aliases added"), "n": ("told apart",) * 2, "s": ("skipped",) * 2}


def review() -> None:
    """Decide on alias suggestions, one key each: y alias it, n not the same, s skip, u undo the last, q quit."""
    from tagpipe.io.versions.usage import read_usage
    from tagpipe.operations.edit_vocabulary import finish_killed_edit, open_curation, undo
    from tagpipe.operations.inspect_vocabulary import find_samples, suggest
    from tagpipe.render.edits import render_question

    root = Path.cwd()
    tell_of_killed_edit(root)
    curation = open_curation(root)
    usage = read_usage(curation.layout)
    found = suggest(curation, usage)
    samples = find_samples(curation.layout, [each.form for each in found])
    decided: list[str] = []
    sides: tuple[Side, ...] = ()
    try:
        while len(decided) < len(found):
            each = found[len(decided)]
            curation = open_curation(root)
            evidence = {"n_projects": each.n_projects, "support": usage.support.get(each.tag, 0)}
            alias = _plan_alias(curation, each, evidence, known=sides)
            sides = sides if isinstance(alias, ConfigError) else alias.sides
            print_result(
                render_question(
                    each,
                    at=len(decided) + 1,
                    n_all=len(found),
                    support=usage.support.get(each.tag),
                    is_kept=each.tag in usage.kept,
                    titles=samples.get(each.form, ()),
                    effect=_say_effect(alias),
                )
            )
            key = _ask_key()
            if key == "q":
                break
            if key != "s" and finish_killed_edit(root, echo=echo_error) is not None:
                continue  # asked anew, for the vocabulary may be another one now
            if key == "u":
                if decided and decided.pop() != "s":
                    undo(root, echo=echo_error)
                continue
            decided.append(_decide(root, each, key, alias, evidence))
    finally:  # after Ctrl-C, too: what was decided is written
        counts = Counter(decided)
        said = ", ".join(f"{counts[key]} {words[counts[key] != 1]}" for key, words in _DONE.items())
        print(f"{said}; {len(found) - len(decided)} left")


def _plan_alias(
    curation: Curation, each: Suggestion, evidence: dict[str, int], *, known: Sequence[Side]
) -> Plan | ConfigError:
    """What `y` would do, or why it cannot be done."""
    from tagpipe.curation.edits import add_alias
    from tagpipe.curation.log import as_arguments
    from tagpipe.operations.edit_vocabulary import plan_edit

    change = partial(add_alias, raw=each.form, tag=each.tag)
    try:
        names = as_arguments(each.form, each.tag)
        return plan_edit(curation, "alias", names, change, evidence=evidence, known=known)
    except ConfigError as error:
        return error


def _say_effect(alias: Plan | ConfigError) -> list[str]:
    from tagpipe.render.edits import describe_effect

    if isinstance(alias, ConfigError):
        return [f"refused: {visible(alias.headline)}"]
    return describe_effect(alias.effect, no_preview=alias.no_preview)


def _ask_key() -> str:
    """The next key that means something: one key press on a terminal, else the first character of a line."""
    asked = ", ".join(f"{key} {meaning}" for key, meaning in _KEYS.items())
    while True:
        print(f"    {asked}? ", end="", file=sys.stderr, flush=True)
        try:
            key = _read_key()
        except KeyboardInterrupt:
            print(file=sys.stderr)
            raise
        print(_KEYS.get(key, ""), file=sys.stderr, flush=True)
        if key in _KEYS:
            return key


def _read_key() -> str:
    if sys.stdin.isatty():
        try:
            return typer.getchar().lower()
        except EOFError:  # Ctrl-D
            return "q"
    line = sys.stdin.readline()
    return line.strip()[:1].lower() if line else "q"


def _decide(root: Path, each: Suggestion, key: str, alias: Plan | ConfigError, evidence: dict[str, int]) -> str:
    """Write what was decided; the key that it came to, for a refused edit is skipped."""
    from tagpipe.operations.edit_vocabulary import apply_plan, open_curation, plan_not_same

    if key == "s":
        return key
    curation = open_curation(root)
    try:
        if key == "n":
            plan = plan_not_same(curation, each.form, each.tag, evidence=evidence)
        elif isinstance(alias, ConfigError):
            raise alias
        else:
            plan = alias
        apply_plan(curation, plan, why="tagpipe vocab review", echo=echo_error)
    except EditRefused as error:
        print(f"    {error}", file=sys.stderr)
        return "s"
    return key

"""`tagpipe vocab review`: one alias suggestion after the other, decided with one key each."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tagpipe.cli.output import echo_error, note_killed_edit, print_result
from tagpipe.cli.vocab_edits import note_rewrite
from tagpipe.errors import Busy, ConfigError, EditRefused, visible

if TYPE_CHECKING:
    from tagpipe.comparison.sides import Side
    from tagpipe.curation.suggestions import Suggestion
    from tagpipe.operations.edit_vocabulary import Plan
    from tagpipe.operations.open_curation import Curation

_KEYS = {"y": "alias it", "n": "not the same", "s": "skip", "u": "undo the last", "q": "quit"}
_DONE = {"y": ("alias added", "aliases added"), "n": ("kept apart",) * 2, "s": ("skipped",) * 2}


def review() -> None:
    """Decide on alias suggestions, one key each: y alias it, n not the same, s skip, u undo the last, q quit."""
    from tagpipe.io.versions.usage import read_usage
    from tagpipe.operations.edit_vocabulary import finish_killed_edit, undo
    from tagpipe.operations.inspect_vocabulary import find_samples, suggest
    from tagpipe.operations.open_curation import open_curation
    from tagpipe.render.edits import render_question

    root = Path.cwd()
    note_killed_edit(root)
    curation = open_curation(root)
    usage = read_usage(curation.layout)
    suggestions = suggest(curation, usage)
    samples = find_samples(curation.layout, [suggestion.form for suggestion in suggestions])
    decided: list[str] = []
    sides: tuple[Side, ...] = ()
    try:
        while len(decided) < len(suggestions):
            suggestion = suggestions[len(decided)]
            curation = open_curation(root)  # anew each time: the last answer, or somebody else, may have changed it
            evidence = {"n_projects": suggestion.n_projects, "support": usage.support.get(suggestion.tag, 0)}
            alias = _plan_alias(curation, suggestion, evidence, known=sides)
            sides = sides if isinstance(alias, ConfigError) else alias.sides
            print_result(
                render_question(
                    suggestion,
                    number=len(decided) + 1,
                    n_all=len(suggestions),
                    support=usage.support.get(suggestion.tag),
                    is_kept=suggestion.tag in usage.kept,
                    titles=samples.get(suggestion.form, ()),
                    effect=_describe_effect(alias),
                )
            )
            key = _ask_key()
            if key == "q":
                break
            if key != "s" and finish_killed_edit(root, echo=echo_error):
                continue  # asked anew, for the vocabulary may be another one now
            if key == "u":
                if decided and decided.pop() != "s":
                    undo(root, echo=echo_error)
                continue
            decided.append(_decide(root, suggestion, key, alias, evidence))
    finally:  # after Ctrl-C, too: what was decided is written
        counts = Counter(decided)
        summary = ", ".join(f"{counts[key]} {words[counts[key] != 1]}" for key, words in _DONE.items())
        print(f"{summary}; {len(suggestions) - len(decided)} left")


def _plan_alias(
    curation: Curation, suggestion: Suggestion, evidence: dict[str, int], *, known: Sequence[Side]
) -> Plan | ConfigError:
    """The edit that `y` makes, or the error that refuses it."""
    from tagpipe.curation.edits import add_alias
    from tagpipe.curation.log import as_arguments
    from tagpipe.operations.edit_vocabulary import plan_edit

    change = partial(add_alias, raw=suggestion.form, tag=suggestion.tag)
    arguments = as_arguments(suggestion.form, suggestion.tag)
    try:
        return plan_edit(curation, "alias", arguments, change, evidence=evidence, known=known)
    except ConfigError as error:
        return error


def _describe_effect(alias: Plan | ConfigError) -> list[str]:
    from tagpipe.render.edits import describe_effect

    if isinstance(alias, ConfigError):
        return [f"refused: {visible(alias.headline)}"]
    return describe_effect(alias.effect, no_preview=alias.no_preview) + note_rewrite(alias)


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


def _decide(root: Path, suggestion: Suggestion, key: str, alias: Plan | ConfigError, evidence: dict[str, int]) -> str:
    """Write what was decided. Return the key, or that of `skip` if the edit was refused."""
    from tagpipe.operations.edit_vocabulary import apply_plan, hold_edits, plan_not_same
    from tagpipe.operations.open_curation import open_curation

    if key == "s":
        return key
    curation = open_curation(root)
    try:
        if key == "n":
            plan = plan_not_same(curation, suggestion.form, suggestion.tag, evidence=evidence)
            for note in note_rewrite(plan):
                echo_error(f"    {note}")
        elif isinstance(alias, ConfigError):
            raise alias
        else:
            plan = alias
        with hold_edits(root, plan.action, echo=echo_error):
            apply_plan(curation, plan, why="tagpipe vocab review")
    except (EditRefused, Busy) as error:
        print(f"    {error}", file=sys.stderr)
        return "s"
    return key

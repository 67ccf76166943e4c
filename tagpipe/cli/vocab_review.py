"""`tagpipe vocab review`: one alias suggestion after the other, one key for each."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tagpipe.cli.output import echo_error, print_result, tell_of_killed_edit
from tagpipe.errors import EditRefused

if TYPE_CHECKING:
    from tagpipe.core.suggestions import Suggestion

_KEYS = {"y": "alias it", "n": "not the same", "s": "skip", "u": "undo the last", "q": "quit"}
_DONE = {"y": ("alias added", "aliases added"), "n": ("told apart",) * 2, "s": ("skipped",) * 2}


def review() -> None:
    """Decide on alias suggestions, one key each: y alias it, n not the same, s skip, u undo the last, q quit."""
    from tagpipe.curation import open_curation, undo
    from tagpipe.inspection import find_samples, suggest
    from tagpipe.io.usage import read_usage
    from tagpipe.render.edits import render_question

    root = Path.cwd()
    tell_of_killed_edit(root)
    curation = open_curation(root)
    usage = read_usage(curation.layout)
    found = suggest(curation, usage)
    samples = find_samples(curation.layout, [each.form for each in found])
    decided: list[str] = []
    while len(decided) < len(found):
        each = found[len(decided)]
        print_result(
            render_question(
                each,
                at=len(decided) + 1,
                n_all=len(found),
                support=usage.support.get(each.tag),
                is_kept=each.tag in usage.kept,
                titles=samples.get(each.form, ()),
            )
        )
        key = _ask_key()
        if key == "q":
            break
        if key == "u":
            if decided and decided.pop() != "s":
                undo(root, echo=echo_error)
            continue
        decided.append(_decide(root, each, key, support=usage.support.get(each.tag, 0)))
    counts = Counter(decided)
    said = ", ".join(f"{counts[key]} {words[counts[key] != 1]}" for key, words in _DONE.items())
    print(f"{said}; {len(found) - len(decided)} left")


def _ask_key() -> str:
    """The next key that means something: one key press on a terminal, else the first character of a line."""
    asked = ", ".join(f"{key} {meaning}" for key, meaning in _KEYS.items())
    while True:
        print(f"    {asked}? ", end="", file=sys.stderr, flush=True)
        key = _read_key()
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


def _decide(root: Path, each: Suggestion, key: str, *, support: int) -> str:
    """Write what was decided; the key that it came to, for a refused edit is skipped."""
    from tagpipe.core.vocabulary_edits import add_alias
    from tagpipe.curation import apply_plan, open_curation, plan_edit, plan_not_same

    if key == "s":
        return key
    curation = open_curation(root)
    evidence = {"n_projects": each.n_projects, "support": support}
    try:
        if key == "y":
            change = partial(add_alias, raw=each.form, tag=each.tag)
            names = [each.form, each.tag]
            plan = plan_edit(curation, "alias", names, change, evidence=evidence, with_preview=False)
        else:
            plan = plan_not_same(curation, each.form, each.tag, evidence=evidence)
        apply_plan(curation, plan, why="tagpipe vocab review", echo=echo_error)
    except EditRefused as error:
        print(f"    {error}", file=sys.stderr)
        return "s"
    return key

"""The edits of `tagpipe vocab`: each one is shown with its effect on the dataset, confirmed, written and logged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagpipe.cli.output import echo_error, print_result
from tagpipe.errors import ConfigError, visible

if TYPE_CHECKING:
    from tagpipe.operations.edit_vocabulary import Change, Plan

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Why = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; the log keeps it.")]
Tag = Annotated[str, typer.Argument(help="A tag of the vocabulary.")]
Form = Annotated[
    str | None,
    typer.Option(
        metavar="FORM", help="json-object, json-list, ndjson, csv or skos; if not given, what the file's ending says."
    ),
]
Raw = Annotated[str, typer.Argument(help="A name as authors write it.")]


def add(
    tag: Annotated[str, typer.Argument(help="The new tag.")],
    parents: Annotated[list[str] | None, typer.Option("--parent", metavar="TAG", help="A parent. Repeatable.")] = None,
    aliases: Annotated[list[str] | None, typer.Option("--alias", metavar="RAW", help="An alias. Repeatable.")] = None,
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Add a tag."""
    from tagpipe.curation.edits import add_tag

    parents, aliases = parents or [], aliases or []
    options = [*(f"--parent={name}" for name in parents), *(f"--alias={name}" for name in aliases)]
    change = partial(add_tag, tag=tag, parents=parents, aliases=aliases)
    _edit("add", [tag], change, options=options, why=why, yes=yes, forms=[tag, *aliases])


def alias(raw: Raw, tag: Tag, why: Why = None, yes: Yes = False) -> None:
    """Make a name an alias of a tag."""
    from tagpipe.curation.edits import add_alias

    _edit("alias", [raw, tag], partial(add_alias, raw=raw, tag=tag), why=why, yes=yes, forms=[raw], tags=[tag])


def rename(
    old: Annotated[str, typer.Argument(help="The tag; it becomes an alias.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Rename a tag; the old name becomes an alias."""
    from tagpipe.curation.edits import rename_tag

    _edit("rename", [old, new], partial(rename_tag, old=old, new=new), why=why, yes=yes, forms=[new], tags=[old])


def merge(
    a: Annotated[str, typer.Argument(help="The tag that goes; its names become aliases of B.")],
    b: Annotated[str, typer.Argument(help="The tag that stays.")],
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Merge a tag into another one."""
    from tagpipe.curation.edits import merge_tags

    _edit("merge", [a, b], partial(merge_tags, a=a, b=b), why=why, yes=yes, tags=[a, b])


def split(
    tag: Tag,
    off: Annotated[list[str], typer.Option("--off", metavar="ALIAS", help="An alias to take off. Repeatable.")],
    into: Annotated[str, typer.Option("--into", metavar="NEW", help="The new tag; it may be one of the aliases.")],
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Make some aliases of a tag a tag of their own."""
    from tagpipe.curation.edits import split_tag

    options = [*(f"--off={name}" for name in off), f"--into={into}"]
    change = partial(split_tag, tag=tag, off=off, into=into)
    _edit("split", [tag], change, options=options, why=why, yes=yes, tags=[tag])


def parent(
    tag: Tag,
    parent: Annotated[str, typer.Argument(help="The parent.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the parent away.")] = False,
    instead_of: Annotated[str | None, typer.Option(metavar="OLD", help="Take this parent away for it.")] = None,
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Give a tag a parent, take one away, or put one in the place of another."""
    from tagpipe.curation.edits import replace_parent, set_parent

    if instead_of is None:
        change: Change = partial(set_parent, tag=tag, parent=parent, remove=remove)
        options = ["--remove"] if remove else []
    elif remove:
        raise ConfigError("there is nothing to put in its place", field="--instead-of", fix="Leave out --remove")
    else:
        change = partial(replace_parent, tag=tag, old=instead_of, new=parent)
        options = [f"--instead-of={instead_of}"]
    _edit("parent", [tag, parent], change, options=options, why=why, yes=yes, tags=[tag, parent])


def deprecate(
    tag: Tag,
    replaced_by: Annotated[
        str | None, typer.Option(metavar="TAG", help="The tag that its names mean from now on; else none.")
    ] = None,
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Take a tag out of use: its names mean another one, or are out of the vocabulary."""
    from tagpipe.curation.edits import deprecate_tag

    change = partial(deprecate_tag, tag=tag, replaced_by=replaced_by)
    replacements = [] if replaced_by is None else [replaced_by]
    options = [f"--replaced-by={name}" for name in replacements]
    _edit("deprecate", [tag], change, options=options, why=why, yes=yes, tags=[tag, *replacements])


def ignore(raw: Raw, why: Why = None, yes: Yes = False) -> None:
    """Stop suggesting a name: a type of resource, for example."""
    from tagpipe.curation.log import as_arguments
    from tagpipe.operations.edit_vocabulary import plan_ignore

    _make("ignore", as_arguments(raw), partial(plan_ignore, raw=raw), forms=[raw], why=why, yes=yes)


def not_same(
    a: Annotated[str, typer.Argument(help="A name.")],
    b: Annotated[str, typer.Argument(help="Another name.")],
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Remember that two names are two things; they are never suggested as one again."""
    from tagpipe.curation.log import as_arguments
    from tagpipe.operations.edit_vocabulary import plan_not_same

    plan = partial(plan_not_same, first=a, second=b)
    _make("not-same", as_arguments(a, b), plan, forms=[a, b], why=why, yes=yes)


def import_(
    file: Annotated[Path, typer.Argument(help="The vocabulary to take.")],
    form: Form = None,
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Put the entries of another file in the place of the vocabulary's, in the vocabulary's own form."""
    from tagpipe.curation.edits import replace_entries
    from tagpipe.curation.exchange import choose_form, import_vocabulary
    from tagpipe.io.repository.files import read_bytes

    chosen = choose_form(form, file.suffix, file=file.name)
    entries = import_vocabulary(read_bytes(file), chosen, file=file.name)
    options = [] if form is None else [f"--form={form}"]
    _edit("import", [file.name], partial(replace_entries, new=entries), options=options, why=why, yes=yes)


def undo(why: Why = None) -> None:
    """Take the last edit that is not taken back yet, back to the byte."""
    from tagpipe.operations.edit_vocabulary import undo as take_back

    if _was_finished("undo", ()):
        return
    line = take_back(Path.cwd(), why=why, echo=echo_error)
    print(visible(f"taken back: {line.command} (of {line.at}, by {line.who})"))


def _edit(
    action: str,
    names: list[str],
    change: Change,
    *,
    options: Sequence[str] = (),
    why: str | None,
    yes: bool,
    forms: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> None:
    """Edit the vocabulary: plan `change`, and make it."""
    from tagpipe.curation.log import as_arguments
    from tagpipe.operations.edit_vocabulary import plan_edit

    arguments = as_arguments(*names, options=options)
    plan = partial(plan_edit, action=action, arguments=arguments, change=change)
    _make(action, arguments, plan, why=why, yes=yes, forms=forms, tags=tags)


def _was_finished(action: str, arguments: Sequence[str]) -> bool:
    """Finish the edits that a kill ended. Return True if this very edit was one of them: it is not made again."""
    from tagpipe.operations.edit_vocabulary import finish_killed_edit

    for line in finish_killed_edit(Path.cwd(), echo=echo_error):
        if (line.action, line.arguments) == (action, tuple(arguments)):
            print(visible(f"made already: {line.command}"))
            return True
    return False


def _make(
    action: str,
    arguments: Sequence[str],
    plan_of: Callable[..., Plan],
    *,
    why: str | None,
    yes: bool,
    forms: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> None:
    """Plan an edit, show it, ask, and write it. forms, tags: those whose support the log keeps."""
    from tagpipe.curation.log import as_command
    from tagpipe.operations.edit_vocabulary import apply_plan, hold_edits
    from tagpipe.operations.open_curation import gather_evidence, open_curation
    from tagpipe.render.edits import render_effect

    if _was_finished(action, arguments):
        return
    root = Path.cwd()
    with ExitStack() as lock:
        if yes:  # nobody is waited for, so that nobody can edit the file between reading and writing it
            lock.enter_context(hold_edits(root, action, echo=echo_error))
        curation = open_curation(root)
        plan = plan_of(curation, evidence=gather_evidence(curation, forms=forms, tags=tags))
        print_result(render_effect(as_command(plan.action, plan.arguments), plan.effect, no_preview=plan.no_preview))
        for note in note_rewrite(plan):
            print(note)
        if not yes:
            _ask()
            lock.enter_context(hold_edits(root, action, echo=echo_error))
        apply_plan(curation, plan, why=why)
    print(visible(f"{plan.change.file} is changed; `tagpipe vocab undo` takes it back"))


def note_rewrite(plan: Plan) -> list[str]:
    """A sentence about a file that the edit rewrites whole; none if the file is in canonical form."""
    sentence = f"{plan.change.file} is not in the form that tagpipe writes, so this edit rewrites it whole, once"
    return [visible(sentence)] if plan.is_rewritten else []


def _ask() -> None:
    """Return if a person says yes; anything else ends the command."""
    if not sys.stdin.isatty():
        what = "nothing was written: standard input is not a terminal, so nobody can be asked"
        raise ConfigError(what, fix="Pass --yes to write it")
    try:  # around the question as well: a fast user presses Ctrl-C while it is still being printed
        print("Make this edit? [y/N]: ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print("\nnothing was written", file=sys.stderr)
        raise
    if answer.strip().lower() not in ("y", "yes"):
        print("nothing was written" if answer else "\nnothing was written", file=sys.stderr)  # Ctrl-D ends no line
        raise typer.Exit(1)


EDITS = (add, alias, rename, merge, split, parent, deprecate, ignore, not_same, undo)
"""As `tagpipe vocab --help` lists them; `review` stands between these and `import_`."""

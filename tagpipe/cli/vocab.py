"""`tagpipe vocab`: what looks at the vocabulary. Its further commands: `vocab_edits`, `vocab_review`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli import vocab_edits, vocab_review
from tagpipe.cli.output import AsJson, note_killed_edit, print_output
from tagpipe.cli.vocab_edits import Form
from tagpipe.errors import ConfigError

app = typer.Typer(
    name="vocab",
    help="Look at the vocabulary, and edit it with care.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command()
def check(
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List everything that is wrong or suspicious, each with what would mend it; exit 1 if there is an error."""
    from tagpipe.operations.inspect_vocabulary import check_vocabulary
    from tagpipe.render.vocabulary import render_issues

    note_killed_edit(Path.cwd())
    issues, is_built = check_vocabulary(Path.cwd())
    print_output(
        {"is_built": is_built, "findings": issues},
        lambda: render_issues(issues, is_built=is_built),
        as_json=as_json,
    )
    if any(issue.level == "error" or strict for issue in issues):
        raise typer.Exit(1)


@app.command()
def candidates(
    n_most: Annotated[int, typer.Option("--most", min=1, help="At most so many, the first ones.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the tags outside of the vocabulary that the monitor would look at, ranked."""
    from tagpipe.operations.inspect_vocabulary import drop_decided
    from tagpipe.operations.load import load_monitoring
    from tagpipe.operations.open_curation import open_curation
    from tagpipe.render.vocabulary import render_candidates

    note_killed_edit(Path.cwd())
    monitoring, curation = load_monitoring(Path.cwd()), open_curation(Path.cwd())
    monitoring, n_decided = drop_decided(monitoring, curation.vocabulary, curation.ignored)
    print_output(
        monitoring.candidates[:n_most],
        lambda: render_candidates(monitoring, n_most=n_most, n_decided=n_decided),
        as_json=as_json,
    )


@app.command()
def show(
    tag: Annotated[str, typer.Argument(help="A tag, an alias, or a raw tag.")],
    as_json: AsJson = False,
) -> None:
    """Show all that is known of one tag: names, parents, support, over time, what it goes with, its edits."""
    from tagpipe.operations.inspect_vocabulary import view_tag
    from tagpipe.render.vocabulary import render_tag

    note_killed_edit(Path.cwd())
    view = view_tag(Path.cwd(), tag)
    print_output(view, lambda: render_tag(view), as_json=as_json)


@app.command()
def tree(
    tag: Annotated[str | None, typer.Argument(help="Only this tag and what is below it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw the vocabulary from parents to children, with the support of each tag."""
    from tagpipe.operations.inspect_vocabulary import view_tree
    from tagpipe.render.vocabulary import render_tree

    note_killed_edit(Path.cwd())
    rows = view_tree(Path.cwd(), tag)
    print_output(rows, lambda: render_tree(rows), as_json=as_json)


def export(
    form: Form = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file, outside of data/; standard output if not given.")
    ] = None,
) -> None:
    """Write the vocabulary in another form."""
    from tagpipe.curation.exchange import choose_form, export_vocabulary
    from tagpipe.io.repository.files import write_bytes
    from tagpipe.operations.open_curation import open_curation

    note_killed_edit(Path.cwd())
    chosen = form or "json-object" if out is None else choose_form(form, out.suffix, file=out.name)
    opened = open_curation(Path.cwd())
    if out is not None:
        _check_is_new(out, opened.layout.dep("fetch", "source").parent)
    data = export_vocabulary(opened.file.entries, chosen)
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        write_bytes(out, data)


def _check_is_new(out: Path, data: Path) -> None:
    """Refuse to write over a file, into a folder that does not exist, or among the data that DVC reads."""
    if out.exists() or out.is_symlink():
        what, fix = "already exists", "Remove it, or name another file"
    elif not out.parent.is_dir():
        what, fix = "is in a folder that does not exist", "Make the folder, or name another file"
    elif out.resolve().is_relative_to(data.resolve()):
        what, fix = "is among the data of the dataset repository", f"Name a file outside of {data.name}/"
    else:
        return
    raise ConfigError(what, file=str(out), fix=fix)


for command in (*vocab_edits.EDITS, vocab_review.review, vocab_edits.import_, export):
    app.command(command.__name__.rstrip("_").replace("_", "-"))(command)

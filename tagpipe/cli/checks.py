"""The commands that check and never change anything: verify, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli.output import AsJson, print_output
from tagpipe.errors import IntegrityError, SourceUnavailable, visible

Directory = Annotated[
    Path, typer.Argument(metavar="[DIR]", help="A dataset repository, or a directory written by `tagpipe build`.")
]


def verify(
    directory: Directory = Path(),
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every object in DVC's cache and remote, and hash it anew.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option("--rev", metavar="REVISION", help="The version of a git revision, not the workspace.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the digests of the manifest; exit 7 and name the files if any differs."""
    if deep:
        _verify_deep(directory, revision, as_json=as_json)
        return
    from tagpipe.io.versions.verify_version import verify_version
    from tagpipe.io.versions.version import open_version

    digests = verify_version(open_version(directory, revision))
    print_output(digests, lambda: _render_digests(digests), as_json=as_json)


def _verify_deep(directory: Path, revision: str | None, *, as_json: bool) -> None:
    from tagpipe.io.checks.verify_objects import verify_deep
    from tagpipe.render.checks import json_objects, render_objects

    check = verify_deep(directory, revision)
    at_revision = revision is not None
    result = {
        "revision": revision,
        "remote": check.remote,
        "is_damaged": check.is_damaged,
        "is_unread": check.is_unread,
        "digests": check.digests,
        "error": check.error.as_dict() if check.error else None,
        "objects": json_objects(check.objects, at_revision=at_revision),
    }

    def render() -> str:
        values = f"error: {check.error}" if check.digests is None else _render_digests(check.digests)
        remote = visible(check.remote) if check.remote else "none, so the cache alone is checked"
        return "\n".join([values, f"remote: {remote}", render_objects(check.objects, at_revision=at_revision)])

    print_output(result, render, as_json=as_json)
    if check.is_damaged:
        raise typer.Exit(IntegrityError.exit_code)
    if check.is_unread:
        raise typer.Exit(SourceUnavailable.exit_code)


def _render_digests(digests: dict[str, str]) -> str:
    return "\n".join(visible(f"{digest}  {path}") for path, digest in digests.items())


def doctor(as_json: AsJson = False) -> None:
    """Look over the dataset repository and the machine, and say how to mend what is wrong; nothing is changed."""
    from tagpipe.checks.check_results import exit_code_of
    from tagpipe.io.checks.doctor import examine
    from tagpipe.render.checks import render_findings

    results = examine(Path.cwd())
    print_output(results, lambda: render_findings(results), as_json=as_json)
    if code := exit_code_of(results):
        raise typer.Exit(code)

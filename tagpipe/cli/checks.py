"""The commands that check and never change anything: verify, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagpipe.cli.output import AsJson, print_json
from tagpipe.errors import IntegrityError, SourceUnavailable, visible

if TYPE_CHECKING:
    from tagpipe.io.checks.verify_objects import DeepCheck

Directory = Annotated[
    Path, typer.Argument(metavar="[DIR]", help="A dataset project, or a directory written by `tagpipe build`.")
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
    from tagpipe.io.versions.version import open_version, verify_version

    digests = verify_version(open_version(directory, revision))
    if as_json:
        print_json(digests)
    else:
        _print_digests(digests)


def _verify_deep(directory: Path, revision: str | None, *, as_json: bool) -> None:
    from tagpipe.io.checks.verify_objects import verify_deep
    from tagpipe.render.checks import json_objects, render_objects

    found = verify_deep(directory, revision)
    at_revision = revision is not None
    if as_json:
        print_json(
            {
                "revision": revision,
                "remote": found.remote,
                "is_damaged": found.is_damaged,
                "is_unread": found.is_unread,
                "digests": found.digests,
                "error": found.error.as_dict() if found.error else None,
                "objects": json_objects(found.objects, at_revision=at_revision),
            }
        )
    else:
        _print_values(found)
        print(f"remote: {visible(found.remote) if found.remote else 'none, so the cache alone is checked'}")
        print(render_objects(found.objects, at_revision=at_revision))
    if found.is_damaged:
        raise typer.Exit(IntegrityError.exit_code)
    if found.is_unread:
        raise typer.Exit(SourceUnavailable.exit_code)


def _print_values(found: DeepCheck) -> None:
    if found.digests is not None:
        _print_digests(found.digests)
    else:
        print(f"error: {found.error}")


def _print_digests(digests: dict[str, str]) -> None:
    for path, digest in digests.items():
        print(visible(f"{digest}  {path}"))


def doctor(as_json: AsJson = False) -> None:
    """Look over the project and the machine, and say how to mend what is wrong; nothing is changed."""
    from dataclasses import asdict

    from tagpipe.checks.check_results import exit_code_of
    from tagpipe.io.checks.doctor import examine
    from tagpipe.render.checks import render_findings

    found = examine(Path.cwd())
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        print(render_findings(found))
    if code := exit_code_of(found):
        raise typer.Exit(code)

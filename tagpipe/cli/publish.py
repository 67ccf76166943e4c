"""Commands that hand on: publish, comment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagpipe.cli.output import AsJson, print_output
from tagpipe.errors import visible


def comment(
    artifact: Annotated[
        Path, typer.Option(metavar="PATH", help="The JSON document, its zip, or a folder with one of them.")
    ],
    repository: Annotated[
        str, typer.Option(metavar="OWNER/NAME", envvar="GITHUB_REPOSITORY", help="Where the pull request is.")
    ],
    head_sha: Annotated[str, typer.Option(metavar="SHA", envvar="HEAD_SHA", help="The commit that was compared.")],
    head_repository: Annotated[
        str, typer.Option(metavar="OWNER/NAME", envvar="HEAD_REPOSITORY", help="Where that commit is; a fork's own.")
    ],
    author: Annotated[
        str, typer.Option(metavar="LOGIN", help="Whose token it is; only this account's comment is written anew.")
    ] = "github-actions[bot]",
    run_url: Annotated[
        str | None, typer.Option(metavar="URL", envvar="RUN_URL", help="The run that compared, to link to.")
    ] = None,
    conclusion: Annotated[
        str | None, typer.Option(metavar="WORD", envvar="RUN_CONCLUSION", help="How that run ended, as in success.")
    ] = None,
) -> None:
    """Write a comparison as the one comment of its pull request; GITHUB_TOKEN holds the token."""
    from tagpipe.operations.comment import Target, comment_on_pull_request

    target = Target(repository, head_sha, head_repository, author, run_url, conclusion)
    print(comment_on_pull_request(artifact, target))


def publish(
    as_json: AsJson = False,
) -> None:
    """Look upstream, build what has changed beside the published version, and publish it if every gate holds."""
    from tagpipe.operations.publish import publish as publish_version

    publication = publish_version(Path.cwd())
    print_output(publication, lambda: f"{publication.outcome}: {visible(publication.reason)}", as_json=as_json)
    if publication.outcome == "refused":
        raise typer.Exit(1)

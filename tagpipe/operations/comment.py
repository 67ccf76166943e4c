"""Write the comparison that a pull request's run uploaded as that pull request's one comment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tagpipe.comparison.document import DiffDocument
from tagpipe.errors import ConfigError, InputError, escape_shown
from tagpipe.io.publication.artifact import MEMBER, read_artifact
from tagpipe.io.publication.github import GitHub, ask_github
from tagpipe.render.diff.markdown import MARKER, MAX_BYTES, markdown_diff

_REPOSITORY = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_AUTHOR = re.compile(r"[A-Za-z0-9-]{1,100}(\[bot\])?")
_RUN_URL = re.compile(r"https?://[A-Za-z0-9._:/-]{1,400}")


@dataclass(frozen=True)
class Target:
    """Where a comment belongs: taken from the workflow's event, never from the artifact."""

    repository: str
    """OWNER/NAME."""
    head_sha: str
    head_repository: str
    """OWNER/NAME: another one where the pull request comes from a fork."""
    author: str
    """The login that writes the comment, and by which it is found again."""
    run_url: str | None = None
    """The run that compared; None for no link."""
    conclusion: str | None = None
    """How that run ended. After `success` there must be an artifact."""

    def __post_init__(self) -> None:
        _check("--repository", self.repository, _REPOSITORY, "OWNER/NAME")
        _check("--head-sha", self.head_sha, _SHA, "the 40 hexadecimal digits of a commit")
        _check("--head-repository", self.head_repository, _REPOSITORY, "OWNER/NAME")
        _check("--author", self.author, _AUTHOR, "a login, as in github-actions[bot]")
        if self.run_url is not None:
            _check("--run-url", self.run_url, _RUN_URL, "an address of http(s)")


def comment_on_pull_request(artifact: Path, target: Target) -> str:
    """Create or update the one comment of the pull request whose head is `target`, with the comparison in `artifact`.

    Returns a line that says what was written, or why nothing was. An empty folder as `artifact` means that the run
    ended without a comparison, and the comment says so. Raises InputError, before GitHub is asked anything, for an
    artifact that `tagpipe diff` would not write; ConfigError and SourceUnavailable as `ask_github` does.
    """
    document = read_artifact(artifact)
    if document is None and target.conclusion == "success":
        raise InputError(
            "the run was successful, but its comparison did not arrive",
            file=escape_shown(str(artifact)),
            expected=MEMBER,
            fix="Run this job again; nothing was written",
        )
    body = _make_body(document, target)
    return ask_github(target.repository, lambda github: _write(github, target, body))


def _write(github: GitHub, target: Target, body: str) -> str:
    numbers = github.find_pulls(target.head_sha, target.head_repository)
    head = f"{target.head_sha[:12]} of {target.head_repository}"
    if not numbers:
        return f"nothing written: no open pull request has {head} as its head (closed, or moved on)"
    if len(numbers) > 1:
        shown = ", ".join(map(str, numbers))
        return f"nothing written: {head} is the head of several pull requests ({shown})"
    number = numbers[0]
    comment = github.find_comment(number, MARKER, target.author)
    if comment is None:
        github.create_comment(number, body)
        return f"created the comment on pull request {number}"
    github.update_comment(comment, body)
    return f"updated the comment on pull request {number}"


def _make_body(document: DiffDocument | None, target: Target) -> str:
    """The comment's Markdown, at most MAX_BYTES; without a document, that the run ended without a comparison."""
    log = f"[its log]({target.run_url})" if target.run_url else "its log"
    text = markdown_diff(document) if document else f"**This commit was not compared**: the run failed; {log} says why."
    text = text if text.startswith(MARKER) else f"{MARKER}\n{text}"
    if len(text.encode("utf-8")) > MAX_BYTES:
        # Not truncated: what a code span or fence kept inert might be live once its closing mark is cut off.
        text = f"{MARKER}\n**The comparison is too long for a comment**; {log} has it."
    where = f"Commit `{target.head_sha[:12]}`" + (f", [run]({target.run_url})" if target.run_url else "")
    signed = f"{text.rstrip()}\n\n<sub>{where}</sub>\n"
    return signed if len(signed.encode("utf-8")) <= MAX_BYTES else text


def _check(field: str, value: str, form: re.Pattern[str], expected: str) -> None:
    if not form.fullmatch(value):
        raise ConfigError("not in the form that it has", field=field, found=escape_shown(value), expected=expected)

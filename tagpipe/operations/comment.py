"""A comparison that came out of a pull request's run, checked as data and written as that pull request's one comment.

The run belongs to the pull request, so the artifact is whatever its author likes. It is never unpacked to a folder,
never believed about where it belongs, and only ever read as a `DiffDocument`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from tagpipe.comparison.document import DiffDocument
from tagpipe.errors import ConfigError, InputError, escape_shown
from tagpipe.formats.strict_json import parse_json
from tagpipe.io.publication.github import GitHub, retry_all
from tagpipe.render.diff.markdown import MARKER, markdown_diff

MEMBER = "dataset-diff.json"
MAX_PACKED_BYTES = 16_000_000
MAX_BYTES = 64_000_000
"""A document with every list full of the longest titles has about half of it."""
MAX_BODY_BYTES = 60_000
MAX_NUMBER = 2**53
"""The largest that every reader of JSON keeps whole; beyond it, arithmetic of the renderers could overflow."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_REPOSITORY = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_AUTHOR = re.compile(r"[A-Za-z0-9-]{1,100}(\[bot\])?")
_RUN_URL = re.compile(r"https?://[A-Za-z0-9._:/-]{1,400}")
_FIX = "Nothing was written; look at what the pull request's own run uploads"


@dataclass(frozen=True)
class Target:
    """Where a comment belongs. Comes from the workflow's event, never from the artifact.

    repository, head_repository: OWNER/NAME. author: the login that writes, to find its comment again. run_url: the
    run that compared, None for no link. conclusion: how it ended; `success` means that there must be an artifact.
    """

    repository: str
    head_sha: str
    head_repository: str
    author: str
    run_url: str | None = None
    conclusion: str | None = None

    def __post_init__(self) -> None:
        _check("--repository", self.repository, _REPOSITORY, "OWNER/NAME")
        _check("--head-sha", self.head_sha, _SHA, "the 40 hexadecimal digits of a commit")
        _check("--head-repository", self.head_repository, _REPOSITORY, "OWNER/NAME")
        _check("--author", self.author, _AUTHOR, "a login, as in github-actions[bot]")
        if self.run_url is not None:
            _check("--run-url", self.run_url, _RUN_URL, "an address of http(s)")


@dataclass(frozen=True)
class Written:
    """What became of a comment. number: the pull request. why: for `nothing`."""

    action: Literal["created", "updated", "nothing"]
    number: int | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.action == "nothing":
            return f"nothing written: {self.why}"
        return f"{self.action} the comment on pull request {self.number}"


def comment_on_pull_request(artifact: Path, target: Target, *, api_url: str, token: str) -> Written:
    """Render the comparison in `artifact`, and write it as the one comment of the pull request that it belongs to.

    An empty folder as `artifact` is a run that ended without a comparison, and the comment then says that. Raises
    InputError for an artifact that is not what `tagpipe diff` writes, before anything is asked or written;
    ConfigError and SourceUnavailable as `GitHub` does.
    """
    document = read_artifact(artifact)
    if document is None and target.conclusion == "success":
        raise InputError(
            "the run was successful, but its comparison did not arrive",
            file=escape_shown(str(artifact)),
            expected=MEMBER,
            fix="Run this job again; nothing was written",
        )
    body = make_body(document, target)
    with GitHub(api_url, token, target.repository) as github:
        return retry_all(lambda: _write(github, target, body))


def _write(github: GitHub, target: Target, body: str) -> Written:
    numbers = github.find_pulls(target.head_sha, target.head_repository)
    head = f"{target.head_sha[:12]} of {target.head_repository}"
    if not numbers:
        return Written("nothing", why=f"no open pull request has {head} as its head (closed, or moved on)")
    if len(numbers) > 1:
        shown = ", ".join(map(str, numbers))
        return Written("nothing", why=f"{head} is the head of several pull requests ({shown})")
    number = numbers[0]
    comment = github.find_comment(number, MARKER, target.author)
    if comment is None:
        github.create_comment(number, body)
        return Written("created", number)
    github.update_comment(comment, body)
    return Written("updated", number)


def make_body(document: DiffDocument | None, target: Target) -> str:
    """The comment's Markdown, at most MAX_BODY_BYTES; `None` is a run that ended without a comparison."""
    log = f"[its log]({target.run_url})" if target.run_url else "its log"
    text = markdown_diff(document) if document else f"**This commit was not compared**: the run failed; {log} says why."
    text = text if text.startswith(MARKER) else f"{MARKER}\n{text}"
    if len(text.encode("utf-8")) > MAX_BODY_BYTES:
        # Not cut: behind a cut, text that was inert between two marks need not be so any more.
        text = f"{MARKER}\n**The comparison is too long for a comment**; {log} has it."
    where = f"Commit `{target.head_sha[:12]}`" + (f", [run]({target.run_url})" if target.run_url else "")
    whole = f"{text.rstrip()}\n\n<sub>{where}</sub>\n"
    return whole if len(whole.encode("utf-8")) <= MAX_BODY_BYTES else text


def read_artifact(path: Path) -> DiffDocument | None:
    """The comparison in a JSON file, a zip of just that, or a folder with one of them; None for an empty folder.

    Raises InputError.
    """
    if path.is_dir():
        files = sorted(path.iterdir())
        if not files:
            return None
        if len(files) > 1:
            raise InputError("more than one file", file=str(path), found=str(len(files)), expected="one", fix=_FIX)
        path = files[0]
    if path.is_symlink() or not path.is_file():
        raise InputError("is not a file", file=escape_shown(str(path)), expected=f"{MEMBER} or its zip", fix=_FIX)
    with path.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    return parse_document(_unpack(data) if data.startswith(_ZIP) else data)


def _unpack(data: bytes) -> bytes:
    """The one member of a zip, in memory and counted, whatever the zip says of its size."""
    if len(data) > MAX_PACKED_BYTES:
        raise _bad(f"more than {MAX_PACKED_BYTES} bytes in the zip")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [MEMBER]:
                found = ", ".join(escape_shown(member.filename) for member in members[:3])
                raise _bad("not the one file that it should hold", found=f"{len(members)}: {found}", expected=MEMBER)
            # Members of other kinds (bzip2, lzma, encrypted) are nothing that GitHub makes.
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or members[0].flag_bits & 1:
                raise _bad("packed in another way than GitHub's zips are")
            with archive.open(members[0]) as member:
                return member.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _bad(f"a damaged zip: {escape_shown(str(error))[1:-1]}") from None


def parse_document(data: bytes) -> DiffDocument:
    """JSON text as a comparison: strict, without unknown fields, its numbers within bounds. Raises InputError."""
    if len(data) > MAX_BYTES:
        raise _bad(f"more than {MAX_BYTES} bytes")
    _check_numbers(parse_json(data, file=MEMBER))
    try:
        document = DiffDocument.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _bad(
            f"not a comparison of this schema: {escape_shown(first['msg'])[1:-1]}", field=escape_shown(place)[1:-1]
        ) from None
    _check_document(document)
    return document


def _check_numbers(tree: Any) -> None:
    rest = [tree]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)
        elif isinstance(value, int | float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
            raise _bad("a number that no dataset has", expected=f"at most {MAX_NUMBER}")


def _check_document(document: DiffDocument) -> None:
    """What the schema cannot say, and the renderers rely on."""
    groups = document.causes.groups if document.causes else ()
    if any(row.cause is not None and row.cause >= len(groups) for row in document.changes.rows):
        raise _bad("a label change has a cause that is not in the list", field="changes.rows.cause")
    if document.passed != all(gate.passed for gate in document.gates):
        raise _bad("the verdict does not follow from the gates", field="passed")


def _check(field: str, value: str, form: re.Pattern[str], expected: str) -> None:
    if not form.fullmatch(value):
        raise ConfigError("not in the form that it has", field=field, found=escape_shown(value), expected=expected)


def _bad(what: str, *, field: str | None = None, found: str | None = None, expected: str | None = None) -> InputError:
    return InputError(what, file=MEMBER, field=field, found=found, expected=expected, fix=_FIX)

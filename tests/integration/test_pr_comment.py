"""`tagpipe comment` against a server that plays GitHub's API: the one comment, and artifacts that lie."""

from __future__ import annotations

import copy
import io
import json
import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cmarkgfm
import pytest
from support.commands import Ended, Tagpipe
from support.github_server import BOT, REPOSITORY, TOKEN, Fault, GitHubServer, serve_github
from support.paths import REPO

from tagpipe.errors import ConfigError, InputError, SourceUnavailable
from tagpipe.io.publication import github
from tagpipe.io.publication import github_requests as client
from tagpipe.io.publication.artifact import MAX_BYTES, MAX_NODES, MAX_PACKED_BYTES, MEMBER, read_artifact
from tagpipe.operations import comment as pull_request
from tagpipe.render.diff.markdown import MARKER
from tagpipe.render.diff.markdown import MAX_BYTES as MAX_BODY_BYTES

SOURCE = REPO / "data/source"
SHA = "a1" * 20
OTHER_SHA = "b2" * 20
FORK = "somebody/fork-of-data"
RUN_URL = "https://github.com/owner/data/actions/runs/77"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    """GitHub, and the environment that the workflow sets; backoff is short."""
    with serve_github() as served:
        for name, value in {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": served.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "HEAD_SHA": SHA,
            "HEAD_REPOSITORY": REPOSITORY,
            "RUN_URL": RUN_URL,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(client, "BACKOFF_S", 0.01)
        monkeypatch.setattr(client, "MAX_BACKOFF_S", 0.05)
        served.pulls = [(4, OTHER_SHA, REPOSITORY), (7, SHA, REPOSITORY)]
        yield served


@pytest.fixture(scope="session")
def document_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What `tagpipe diff --write` writes of two real versions that differ."""
    import tagpipe
    from tagpipe.operations.compare import compare, write_comparison

    folder = tmp_path_factory.mktemp("versions")
    text = (REPO / "params.yaml").read_text(encoding="utf-8")
    for name, cut in (("base", 12), ("head", 30)):
        params = folder / f"{name}.yaml"
        params.write_text(text.replace("min_projects: 12", f"min_projects: {cut}"), encoding="utf-8")
        tagpipe.build(SOURCE / "projects.json", SOURCE / "vocabulary.json", params=params, out=folder / name)
    found = compare(folder, str(folder / "base"), str(folder / "head"))
    write_comparison(found, found.document, folder / MEMBER)
    return (folder / MEMBER).read_bytes()


@pytest.fixture
def document(document_bytes: bytes) -> dict[str, Any]:
    """The same as a tree that a test may spoil."""
    tree: dict[str, Any] = json.loads(document_bytes)
    assert tree["changes"]["rows"]
    return tree


@pytest.fixture
def artifact(tmp_path: Path, document_bytes: bytes) -> Path:
    """The folder that the workflow downloads into: one zip."""
    return pack(tmp_path / "artifact", {MEMBER: document_bytes})


def pack(folder: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "artifact.zip", "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return folder


def pack_tree(folder: Path, tree: dict[str, Any]) -> Path:
    return pack(folder, {MEMBER: json.dumps(tree).encode()})


def packed(data: bytes, name: str = MEMBER) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def said(ended: Ended) -> str:
    """Everything that was printed; the token is never in it."""
    text = ended.stdout + ended.stderr
    assert TOKEN not in text
    assert TOKEN[:12] not in text
    return text


# Create and update


def test_the_first_comment_is_created(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    ended = tagpipe("comment", "--artifact", artifact)
    assert (ended.exit_code, said(ended)) == (0, "created the comment on pull request 7\n")
    assert server.written == [("POST", f"/repos/{REPOSITORY}/issues/7/comments")]
    (comment,) = server.comments
    assert comment["body"].startswith(MARKER)
    assert SHA[:12] in comment["body"]
    assert RUN_URL in comment["body"]
    assert {authorization for _, _, authorization in server.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("form", ["folder", "zip", "json"])
def test_the_artifact_may_be_a_folder_its_zip_or_the_document(
    form: str, server: GitHubServer, tagpipe: Tagpipe, artifact: Path, tmp_path: Path, document_bytes: bytes
) -> None:
    (tmp_path / MEMBER).write_bytes(document_bytes)
    path = {"folder": artifact, "zip": artifact / "artifact.zip", "json": tmp_path / MEMBER}[form]
    assert tagpipe("comment", "--artifact", path).exit_code == 0
    assert len(server.comments) == 1


def test_the_same_comment_is_written_anew_wherever_it_is_among_many(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    server.page_size = 2
    for at in range(3):
        server.add_comment(7, f"comment {at}", login=f"person-{at}")
    sticky = server.add_comment(7, f"{MARKER}\nof an older commit")
    before = copy.deepcopy(server.comments)

    ended = tagpipe("comment", "--artifact", artifact)
    assert (ended.exit_code, said(ended)) == (0, "updated the comment on pull request 7\n")
    assert server.written == [("PATCH", f"/repos/{REPOSITORY}/issues/comments/{sticky}")]
    assert "of an older commit" not in server.body_of(sticky)
    assert SHA[:12] in server.body_of(sticky)
    assert server.comments[:3] == before[:3]

    first = server.body_of(sticky)
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    assert len(server.comments) == 4
    assert server.body_of(sticky) == first, "the same comparison is the same comment"


@pytest.mark.parametrize(
    ("body", "login"),
    [
        (f"{MARKER}\npasted by a person", "person"),
        (f"> {MARKER}\nquoted by another workflow", BOT),
        (f"{MARKER}\nof another bot", "other[bot]"),
        ("", BOT),
    ],
    ids=["a person", "a quotation", "another bot", "an empty comment"],
)
def test_nobody_elses_comment_is_touched(
    body: str, login: str, server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    theirs = server.add_comment(7, body, login=login)
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    assert server.body_of(theirs) == body
    assert [method for method, _ in server.written] == ["POST"]


def test_comments_without_account_or_text_are_passed_over(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    server.comments += [
        {"id": 1, "number": 7, "body": MARKER, "user": None},
        {"id": 2, "number": 7, "body": None, "user": {"login": BOT}},
    ]
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    assert len(server.comments) == 3


def test_another_account_finds_its_own_comment(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    sticky = server.add_comment(7, MARKER, login="data-robot[bot]")
    assert tagpipe("comment", "--artifact", artifact, "--author", "data-robot[bot]").exit_code == 0
    assert [path for _, path in server.written] == [f"/repos/{REPOSITORY}/issues/comments/{sticky}"]


def test_a_run_without_a_comparison_is_said_to_be_one(server: GitHubServer, tagpipe: Tagpipe, tmp_path: Path) -> None:
    sticky = server.add_comment(7, f"{MARKER}\nall is well")
    (tmp_path / "empty").mkdir()
    assert tagpipe("comment", "--artifact", tmp_path / "empty").exit_code == 0
    assert "all is well" not in server.body_of(sticky)
    assert "not compared" in server.body_of(sticky)
    assert RUN_URL in server.body_of(sticky)


def test_a_successful_run_must_have_a_comparison(server: GitHubServer, tagpipe: Tagpipe, tmp_path: Path) -> None:
    """A download that failed is no failed run, and nothing false is said of it."""
    (tmp_path / "empty").mkdir()
    ended = tagpipe("comment", "--artifact", tmp_path / "empty", "--conclusion", "success")
    assert ended.exit_code == 3
    assert "did not arrive" in ended.stderr
    assert server.written == []


# Which pull request


def test_a_fork_is_found_by_its_commit_and_repository(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEAD_REPOSITORY", FORK)
    server.pulls = [(3, SHA, None), (8, OTHER_SHA, FORK), (9, SHA, FORK.upper())]
    assert tagpipe("comment", "--artifact", artifact).stdout == "created the comment on pull request 9\n"


def test_the_same_commit_in_two_repositories_is_two_pull_requests(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    server.pulls = [(7, SHA, REPOSITORY), (8, SHA, FORK), (9, SHA, "another/fork")]
    for repository, number in ((REPOSITORY, 7), (FORK, 8), ("another/fork", 9)):
        ended = tagpipe("comment", "--artifact", artifact, "--head-repository", repository)
        assert ended.stdout == f"created the comment on pull request {number}\n"
    assert [comment["number"] for comment in server.comments] == [7, 8, 9]


def test_a_pull_request_on_a_later_page_is_found(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    server.page_size = 2
    server.pulls = [(number, OTHER_SHA, FORK) for number in range(20, 25)] + [(7, SHA, REPOSITORY)]
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    assert [comment["number"] for comment in server.comments] == [7]


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [(7, OTHER_SHA, REPOSITORY)],
        [(7, SHA, FORK)],
        [(7, SHA, None)],
        [(7, SHA, REPOSITORY), (8, SHA, REPOSITORY)],
    ],
    ids=["none open", "its head has moved", "another repository", "its fork is gone", "two with this head"],
)
def test_where_no_one_pull_request_fits_nothing_is_written(
    pulls: list[tuple[int, str, str | None]], server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    server.pulls = pulls
    ended = tagpipe("comment", "--artifact", artifact)
    assert ended.exit_code == 0
    assert said(ended).startswith("nothing written: ")
    assert SHA[:12] in ended.stdout
    assert server.written == []


def test_a_head_that_moves_while_github_is_busy_is_seen(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = [Fault(503, method="POST")]
    real = client.retry_all

    def push_meanwhile(operation: Callable[[], str]) -> str:
        def once_more() -> str:
            if server.written:
                server.pulls = [(7, OTHER_SHA, REPOSITORY)]
            return operation()

        return real(once_more)

    monkeypatch.setattr(github, "retry_all", push_meanwhile)
    assert tagpipe("comment", "--artifact", artifact).stdout.startswith("nothing written: ")
    assert server.comments == []


# Size


def test_a_huge_comparison_stays_under_the_limit(
    server: GitHubServer, tagpipe: Tagpipe, tmp_path: Path, document: dict[str, Any]
) -> None:
    row = {"tag": "t" * 300, "base": 1, "head": 2, "was_kept": True, "is_kept": True, "n_added": 1, "n_removed": 0}
    for name in ("entered", "left", "near_cut", "tags"):
        document[name] = {"n": 5000, "rows": [{**row, "tag": f"{name}-{at}-{'é' * 200}"} for at in range(1000)]}
    assert tagpipe("comment", "--artifact", pack_tree(tmp_path / "a", document)).exit_code == 0
    (comment,) = server.comments
    assert len(comment["body"].encode()) <= MAX_BODY_BYTES
    assert comment["body"].startswith(MARKER)
    assert SHA[:12] in comment["body"]


def test_what_a_renderer_leaves_too_long_is_not_cut_but_replaced(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_request, "markdown_diff", lambda document: f"{MARKER}\n" + "`@everybody` " * 10_000)
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    (comment,) = server.comments
    assert "everybody" not in comment["body"]
    assert "too long" in comment["body"]


# Artifacts that lie


def spoil(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def spoiled(data: bytes) -> bytes:
        tree = json.loads(data)
        change(tree)
        return packed(json.dumps(tree).encode())

    return spoiled


def lying_size(data: bytes) -> bytes:
    """A zip that says its member is small, though it is not."""
    real = packed(b"{" + b" " * (MAX_BYTES + 1000))
    size = (MAX_BYTES + 1001).to_bytes(4, "little")
    assert real.count(size) == 2
    return real.replace(size, (100).to_bytes(4, "little"))


def encrypted(data: bytes) -> bytes:
    whole = bytearray(packed(data))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + offset] |= 1
    return bytes(whole)


def damaged(data: bytes) -> bytes:
    whole = bytearray(packed(data))
    whole[len(whole) // 2] ^= 0xFF
    return bytes(whole)


def bzipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(MEMBER, data)
    return buffer.getvalue()


def two_members(*names: str) -> Callable[[bytes], bytes]:
    def made(data: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), data)
        return buffer.getvalue()

    return made


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda data: b"",
    "not JSON": lambda data: packed(b"<html>"),
    "not UTF-8": lambda data: packed(b'{"\xff": 1}'),
    "half of it": lambda data: packed(data[: len(data) // 2]),
    "two documents": lambda data: packed(data + data),
    "not an object": lambda data: packed(b"[1]"),
    "100 MB of JSON": lambda data: b'{"schema_version": "' + b"x" * 100_000_000 + b'"}',
    "100 MB of zip": lambda data: packed(data) + b"\0" * 100_000_000,
    "a zip a little too large": lambda data: packed(data) + b"\0" * MAX_PACKED_BYTES,
    "60 MB of lists": lambda data: packed(b"[" + b"[]," * 20_000_000 + b"[]]"),
    "a zip bomb": lambda data: packed(b"[" * (1 << 28)),
    "a zip that lies of its size": lying_size,
    "an empty zip": lambda data: b"PK\x05\x06" + b"\0" * 18,
    "half a zip": lambda data: packed(data)[:-100],
    "a damaged zip": damaged,
    "an encrypted zip": encrypted,
    "another packing": bzipped,
    "a path upwards": lambda data: packed(data, name=f"../../{MEMBER}"),
    "an absolute path": lambda data: packed(data, name=f"/etc/{MEMBER}"),
    "another name": lambda data: packed(data, name="x.json"),
    "a folder": lambda data: packed(b"", name=f"{MEMBER}/"),
    "two members": two_members(MEMBER, "readme.md"),
    "deep nesting": lambda data: packed(b"[" * 100_000 + b"]" * 100_000),
    "a key twice": lambda data: packed(
        data.replace(b'"schema_version": 1', b'"schema_version": 1, "schema_version": 1')
    ),
    "NaN": lambda data: packed(data.replace(b'"n_labels_added": ', b'"n_labels_added": NaN, "x": ', 1)),
    "a huge number": spoil(lambda tree: tree.update(n_labels_added=10**300)),
    "a huge negative number": spoil(lambda tree: tree["gates"][0].update(found=-1e200)),
    "a fraction where a count is": spoil(lambda tree: tree.update(n_labels_added=1.5)),
    "a negative count": spoil(lambda tree: tree.update(n_labels_added=-1)),
    "a text where a count is": spoil(lambda tree: tree.update(n_labels_added="1")),
    "a lone surrogate": spoil(lambda tree: tree["base"].update(name="\ud800")),
    "an unknown field": spoil(lambda tree: tree.update(number=7)),
    "an unknown field, deep": spoil(lambda tree: tree["base"].update(number=7)),
    "a missing field": spoil(lambda tree: tree.pop("gates")),
    "another schema": spoil(lambda tree: tree.update(schema_version=2)),
    "another schema, as a text": spoil(lambda tree: tree.update(schema_version="1")),
    "a digest that is none": spoil(lambda tree: tree["head"].update(content_sha256="@everybody")),
    "a cause that is not there": spoil(lambda tree: tree["changes"]["rows"][0].update(cause=999)),
    "a verdict against the gates": spoil(lambda tree: tree.update(passed=not tree["passed"])),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_artifact_is_one_line_and_nothing_is_asked_or_written(
    name: str, server: GitHubServer, tagpipe: Tagpipe, tmp_path: Path, document_bytes: bytes
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/artifact.zip").write_bytes(HOSTILE[name](document_bytes))
    ended = tagpipe("comment", "--artifact", tmp_path / "a")
    assert isinstance(ended.error, InputError)
    assert ended.exit_code == 3
    assert said(ended).count("\n") == 1
    assert server.asked == []
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "artifact.zip"], "nothing is unpacked"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("100 MB of JSON", f"more than {MAX_BYTES} bytes"),
        ("100 MB of zip", f"more than {MAX_PACKED_BYTES} bytes in the zip"),
        ("a zip a little too large", f"more than {MAX_PACKED_BYTES} bytes in the zip"),
        ("60 MB of lists", f"more than {MAX_NODES} values"),
        ("a zip bomb", f"more than {MAX_BYTES} bytes"),
        ("an encrypted zip", "packed in another way"),
    ],
)
def test_what_is_too_large_is_refused_for_that_before_it_is_read(name: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "artifact.zip"
    path.write_bytes(HOSTILE[name](b"{}"))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=why):
            read_artifact(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MAX_BYTES


@pytest.mark.parametrize("kind", ["two files", "a link", "a folder in it", "no such path"])
def test_a_folder_that_is_not_what_was_downloaded_is_refused(
    kind: str, server: GitHubServer, tagpipe: Tagpipe, artifact: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    if kind == "two files":
        for name in ("a.zip", "b.zip"):
            (folder / name).write_bytes((artifact / "artifact.zip").read_bytes())
    elif kind == "a link":
        (folder / "a.zip").symlink_to(artifact / "artifact.zip")
    elif kind == "a folder in it":
        (folder / "inner").mkdir()
    else:
        folder = tmp_path / "gone"
    ended = tagpipe("comment", "--artifact", folder)
    assert (ended.exit_code, server.asked) == (3, [])
    assert said(ended).count("\n") == 1


def test_hostile_text_in_tags_is_carried_as_text(
    server: GitHubServer, tagpipe: Tagpipe, tmp_path: Path, document: dict[str, Any]
) -> None:
    hostile = ["@owner", MARKER, "</details><img src=//x>", "[a](http://x)", "`` ` ``|x", "\u202e\x00", "a\r\n# b"]
    row = {"base": 20, "head": 1, "was_kept": True, "is_kept": False, "n_added": 0, "n_removed": 19}
    document["left"] = {"n": len(hostile), "rows": [{"tag": tag, **row} for tag in hostile]}
    assert tagpipe("comment", "--artifact", pack_tree(tmp_path / "a", document)).exit_code == 0
    (comment,) = server.comments
    assert comment["body"].startswith(MARKER)
    page = cmarkgfm.github_flavored_markdown_to_html(comment["body"], options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    assert re.findall(r"<a [^>]*>", page) == [f'<a href="{RUN_URL}">']
    assert "<img" not in page
    assert "<h1" not in page
    assert page.count("<details>") == page.count("</details>")


# GitHub's faults


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 0])
def test_what_may_pass_is_tried_again(status: int, server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    server.faults = [Fault(status, b"<html>no</html>")] * 2
    ended = tagpipe("comment", "--artifact", artifact)
    assert (ended.exit_code, said(ended)) == (0, "created the comment on pull request 7\n")
    assert len(server.comments) == 1


def test_a_comment_whose_answer_was_lost_is_not_written_twice(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    server.faults = [Fault(502, method="POST", is_done=True)]
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    assert [method for method, _ in server.written] == ["POST", "PATCH"]
    assert len(server.comments) == 1


def test_what_does_not_pass_ends(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    server.faults = [Fault(502)] * 100
    ended = tagpipe("comment", "--artifact", artifact)
    assert isinstance(ended.error, SourceUnavailable)
    assert ended.exit_code == 5
    assert "502" in said(ended)
    assert ended.stderr.count("\n") == 1
    assert len(server.asked) == client.ATTEMPTS


def test_the_wait_that_github_asks_for_is_kept(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    server.faults = [Fault(429, headers={"Retry-After": "1"})]
    began = time.monotonic()
    assert tagpipe("comment", "--artifact", artifact).exit_code == 0
    assert time.monotonic() - began >= 1.0
    assert len(server.comments) == 1


def test_a_long_wait_is_not_slept_through(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    server.faults = [Fault(429, headers={"Retry-After": "3600"})]
    ended = tagpipe("comment", "--artifact", artifact)
    assert isinstance(ended.error, SourceUnavailable)
    assert "3600 s" in said(ended)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(401, b'{"message": "Bad credentials"}'), ConfigError),
        (Fault(403, b'{"message": "Resource not accessible by integration"}'), ConfigError),
        (Fault(403, headers={"X-RateLimit-Remaining": "0"}), SourceUnavailable),
        (Fault(404), ConfigError),
        (Fault(422, b'{"message": ["a list"]}'), ConfigError),
        (Fault(301, headers={"Location": "http://127.0.0.1:1/"}), ConfigError),
        (Fault(200, b"<html>a proxy's page</html>"), SourceUnavailable),
        (Fault(200, b'[{"number": "7"}]'), SourceUnavailable),
        (Fault(403, f'{{"message": "the token {TOKEN} may not"}}'.encode()), ConfigError),
        (Fault(403, b'{"message": "a\\nb\\u001b[31m"}'), ConfigError),
        (Fault(403, b"[" * 100_000), ConfigError),
    ],
    ids=["401", "403", "rate limit", "404", "422", "redirect", "no JSON", "another", "token", "control", "deep"],
)
def test_what_will_not_pass_is_told_once_in_one_line(
    fault: Fault, kind: type[Exception], server: GitHubServer, tagpipe: Tagpipe, artifact: Path
) -> None:
    server.faults = [fault]
    ended = tagpipe("comment", "--artifact", artifact)
    assert type(ended.error) is kind
    assert said(ended).count("\n") == 1
    assert "\x1b" not in ended.stderr
    assert len(server.asked) == 1
    assert server.comments == []


def test_the_token_goes_to_no_other_server(server: GitHubServer, tagpipe: Tagpipe, artifact: Path) -> None:
    with serve_github() as elsewhere:
        server.page_size = 1
        server.next_page = f"{elsewhere.url}/repos/{REPOSITORY}/pulls?state=open&page=2"
        ended = tagpipe("comment", "--artifact", artifact)
        assert isinstance(ended.error, SourceUnavailable)
        assert said(ended).count("\n") == 1
        assert elsewhere.asked == []


def test_pages_end(server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 3)
    server.page_size = 1
    server.next_page = f"{server.url}/repos/{REPOSITORY}/pulls?state=open&per_page=100&page=1"
    server.pulls = [(4, OTHER_SHA, REPOSITORY)] * 2
    assert isinstance(tagpipe("comment", "--artifact", artifact).error, SourceUnavailable)
    assert len(server.asked) == 3


# The operator's settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", ""),
        ("GITHUB_TOKEN", f"{TOKEN}\nX-Other: 1"),
        ("GITHUB_TOKEN", f"{TOKEN} é"),
        ("GITHUB_API_URL", "http://api.example.org"),
        ("GITHUB_API_URL", "ftp://127.0.0.1"),
        ("GITHUB_API_URL", f"https://user:{TOKEN}@api.example.org"),
        ("GITHUB_API_URL", "https://[::1"),
        ("GITHUB_REPOSITORY", "owner/data/../../other/data"),
        ("GITHUB_REPOSITORY", "owner/.."),
        ("GITHUB_REPOSITORY", "data"),
        ("HEAD_SHA", "a1a1"),
        ("HEAD_SHA", "$(id)" * 8),
        ("HEAD_REPOSITORY", "a b/c"),
        ("RUN_URL", "javascript:alert(1)"),
        ("RUN_URL", "https://x/) @everybody"),
    ],
)
def test_settings_in_no_right_form_are_refused_unasked(
    name: str, value: str, server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    ended = tagpipe("comment", "--artifact", artifact)
    assert isinstance(ended.error, ConfigError)
    assert ended.exit_code == 2
    assert said(ended).count("\n") == 1
    assert server.asked == []


def test_a_token_that_is_not_accepted_is_not_shown(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "ghs_AnotherSecretThing"
    monkeypatch.setenv("GITHUB_TOKEN", other)
    ended = tagpipe("comment", "--artifact", artifact)  # the server repeats it in its answer
    assert ended.exit_code == 2
    assert other not in said(ended)
    assert "***" in ended.stderr


def test_a_server_that_nobody_hears_is_unavailable(
    server: GitHubServer, tagpipe: Tagpipe, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1/api/v3")
    ended = tagpipe("comment", "--artifact", artifact)
    assert isinstance(ended.error, SourceUnavailable)
    assert "ConnectError" in said(ended)

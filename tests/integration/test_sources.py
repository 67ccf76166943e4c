"""Sources: bounded downloads, pinned bytes, refreshed pins, against a real server that misbehaves as told."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.http_server import Reply, Server, answer, chunked, drip, failure, hang, head, raw, redirect, serve

from tagpipe.errors import ConfigError, SourceUnavailable, TagpipeError
from tagpipe.io.sources import download as download_module
from tagpipe.io.sources import public_network
from tagpipe.io.sources.download import download
from tagpipe.params import Download

PROJECTS = json.dumps(
    [
        {"id": 1, "title": "One", "description": "d", "tags": ["nlp", "bert"], "created_on": "2024-01-01"},
        {"id": 2, "title": "Two", "description": "d", "tags": ["cv"], "created_on": "2024-01-02"},
        {"id": 3, "title": "Three", "description": "d", "tags": ["nlp"], "created_on": "2024-01-03"},
    ]
).encode()
MORE_PROJECTS = PROJECTS[:-1] + b', {"id": 4, "title": "Four", "tags": ["cv"]}]'
VOCABULARY = json.dumps({"nlp": {}, "cv": {}, "bert": {"parents": ["nlp"]}}).encode()
MORE_VOCABULARY = VOCABULARY[:-1] + b', "pytorch": {}}'
HTML = b"<!doctype html><title>Moved</title>"


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "BACKOFF_S", 0.001)


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as served:
        yield served


def bounds(
    *,
    timeout_s: float = 120.0,
    max_bytes: int = 1_000_000,
    max_decoded_bytes: int = 1_000_000,
    attempts: int = 3,
    allow_private: bool = True,
) -> Download:
    return Download(
        timeout_s=timeout_s,
        max_bytes=max_bytes,
        max_decoded_bytes=max_decoded_bytes,
        attempts=attempts,
        allow_private=allow_private,
    )


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- download: what is taken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        pytest.param(answer(PROJECTS), PROJECTS, id="with its length"),
        pytest.param(chunked(PROJECTS[:7], PROJECTS[7:]), PROJECTS, id="in chunks"),
        pytest.param(raw(head() + PROJECTS), PROJECTS, id="until the connection ends"),
        pytest.param(answer(b""), b"", id="empty"),
        pytest.param(answer(HTML, content_type="text/html"), HTML, id="HTML with 200, which is for validate to judge"),
        pytest.param(answer(gzip.compress(PROJECTS), content_encoding="gzip"), PROJECTS, id="gzip unasked"),
        pytest.param(answer(gzip.compress(PROJECTS), content_encoding=" GZip "), PROJECTS, id="gzip spelt otherwise"),
        pytest.param(
            chunked(*(bytes([byte]) for byte in gzip.compress(PROJECTS)), content_encoding="gzip"),
            PROJECTS,
            id="gzip byte by byte",
        ),
        pytest.param(
            answer(gzip.compress(PROJECTS) + gzip.compress(PROJECTS), content_encoding="gzip"),
            PROJECTS * 2,
            id="gzip of two members, not the first alone",
        ),
        pytest.param(
            chunked(gzip.compress(PROJECTS), gzip.compress(PROJECTS), content_encoding="gzip"),
            PROJECTS * 2,
            id="gzip of two members in two chunks",
        ),
        pytest.param(answer(gzip.compress(PROJECTS)), gzip.compress(PROJECTS), id="a .gz file as it is"),
    ],
)
def test_whole_body_is_taken(reply: Reply, body: bytes, server: Server) -> None:
    server.script["/p.json"] = [reply]
    assert download(server.url("/p.json"), bounds(), name="projects") == body
    assert [headers["Accept-Encoding"] for _, headers in server.requests] == ["identity"]


def test_bounds_are_inclusive(server: Server) -> None:
    server.script["/p.json"] = [answer(PROJECTS)]
    server.script["/z.json"] = [answer(gzip.compress(PROJECTS), content_encoding="gzip")]
    exact = bounds(max_bytes=len(PROJECTS), max_decoded_bytes=len(PROJECTS))
    assert download(server.url("/p.json"), exact, name="projects") == PROJECTS
    assert download(server.url("/z.json"), exact, name="projects") == PROJECTS


# --- download: the proxy of the environment ------------------------------------------------------------------------

ADDRESS = "http://192.0.2.77/rows.json"
"""Nobody is there: whatever is received for it has come from the proxy."""


@pytest.fixture
def proxied(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server as the proxy of the environment, for both schemes, with a password."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://ann:canary-4711@127.0.0.1:{server.port}")
    return server


def test_a_proxy_of_the_environment_is_asked(proxied: Server) -> None:
    proxied.script[ADDRESS] = [answer(PROJECTS)]
    assert download(ADDRESS, bounds(allow_private=True), name="projects") == PROJECTS
    ((path, headers),) = proxied.requests
    assert (path, headers["Proxy-Authorization"]) == (ADDRESS, "Basic YW5uOmNhbmFyeS00NzEx")


def test_a_name_is_the_proxys_to_look_up(proxied: Server) -> None:
    proxied.script["http://data.invalid/rows.json"] = [answer(PROJECTS)]
    assert download("http://data.invalid/rows.json", bounds(allow_private=False), name="projects") == PROJECTS


def test_https_goes_through_a_tunnel(proxied: Server) -> None:
    proxied.script["data.invalid:443"] = [failure(403)]
    error = refused("https://data.invalid/rows.json", bounds())
    assert {path for path, _ in proxied.requests} == {"data.invalid:443"}
    assert "403" in error.what
    assert "canary" not in str(error)


@pytest.mark.parametrize("url", ["http://ann:canary/4711@127.0.0.1:9", "http://ann:canary 4711@127.0.0.1:99999"])
def test_a_proxy_that_is_no_address_is_refused_in_words(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", url)
    assert "canary" not in str(refused(ADDRESS, bounds(allow_private=True)))


def test_a_password_of_a_proxy_may_hold_any_letter(proxied: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://ann:sécret@127.0.0.1:{proxied.port}")
    proxied.script[ADDRESS] = [answer(PROJECTS)]
    assert download(ADDRESS, bounds(allow_private=True), name="projects") == PROJECTS


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "10.0.0.1", "[::1]", "2130706433", "0x7f.1"])
def test_a_private_address_is_not_asked_of_a_proxy(host: str, proxied: Server) -> None:
    assert_says_inside(refused(f"http://{host}/rows.json", bounds(allow_private=False)))
    proxied.script["http://8.8.8.8/rows.json"] = [redirect(f"http://{host}/rows.json")]
    assert_says_inside(refused("http://8.8.8.8/rows.json", bounds(allow_private=False)))
    assert [path for path, _ in proxied.requests] == ["http://8.8.8.8/rows.json"]


def test_hosts_of_no_proxy_are_connected_to(proxied: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    proxied.script["/p.json"] = [answer(PROJECTS)]
    assert download(proxied.url("/p.json"), bounds(), name="projects") == PROJECTS


@pytest.mark.parametrize(
    "reply",
    [
        hang(),
        drip(head(content_length=10_000), b"x"),
        failure(407),
        failure(502),
        raw(b"SSH-2.0-OpenSSH\r\n"),
        raw(head(content_length=len(PROJECTS)) + PROJECTS[:20]),
    ],
)
def test_whatever_a_proxy_does_the_source_is_unavailable(reply: Reply, proxied: Server) -> None:
    proxied.script[ADDRESS] = [reply]
    error = refused(ADDRESS, bounds(allow_private=True, timeout_s=1.0, attempts=1))
    assert "canary" not in str(error)
    assert "canary" not in str(pickle.loads(pickle.dumps(error)))


def test_a_proxy_of_another_kind_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://ann:canary-4711@127.0.0.1:9")
    error = refused(ADDRESS, bounds(allow_private=True))
    assert error.found == '"socks5"'
    assert "canary" not in str(error)


# --- download: what is tried again ----------------------------------------------------------------------------------

PASSING_FAULTS = {
    "429": failure(429),
    "500": failure(500),
    "502": failure(502),
    "503": failure(503),
    "504": failure(504),
    "closed without an answer": raw(b""),
    "not HTTP": raw(b"SSH-2.0-OpenSSH\r\n"),
    "body cut off before its length": raw(head(content_length=len(PROJECTS)) + PROJECTS[:20]),
    "chunks cut off": chunked(PROJECTS[:20], is_ended=False),
    "gzip cut off": answer(gzip.compress(PROJECTS)[:-9], content_encoding="gzip"),
    "gzip cut off in its second member": answer(
        gzip.compress(PROJECTS) + gzip.compress(PROJECTS)[:-9], content_encoding="gzip"
    ),
    "gzip damaged": answer(gzip.compress(PROJECTS)[:20] + b"\0" * 40, content_encoding="gzip"),
    "gzip that is none": answer(PROJECTS, content_encoding="gzip"),
}


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_passing_faults_are_tried_again(fault: str, server: Server) -> None:
    server.script["/p.json"] = [PASSING_FAULTS[fault], PASSING_FAULTS[fault], answer(PROJECTS)]
    assert download(server.url("/p.json"), bounds(attempts=3), name="projects") == PROJECTS
    assert server.count("/p.json") == 3


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_lasting_faults_end_after_all_attempts(fault: str, server: Server) -> None:
    server.script["/p.json"] = [PASSING_FAULTS[fault]]
    error = refused(server.url("/p.json"), bounds(attempts=2))
    assert server.count("/p.json") == 2
    assert "cannot be downloaded" in error.what
    assert error.found == json.dumps(server.url("/p.json"))


def test_nobody_listening_is_exit_5(server: Server) -> None:
    error = refused(closed_url(), bounds())
    assert "ConnectError" in error.what


# --- download: what is refused at once ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 410, 451, 501])
def test_other_statuses_are_refused_at_once(status: int, server: Server) -> None:
    server.script["/p.json"] = [answer(b"" if status in (204, 304) else HTML, status)]
    assert f"status {status}" in refused(server.url("/p.json"), bounds()).what
    assert server.count("/p.json") == 1


BOMB = gzip.compress(b"[" + b" " * 50_000_000)


@pytest.mark.parametrize(
    ("reply", "fragment"),
    [
        pytest.param(answer(b"x" * 1_000_001), "more than 1000000 bytes (source.download.max_bytes)", id="too large"),
        pytest.param(chunked(*[b"x" * 60_000] * 20), "more than 1000000 bytes", id="too large, in chunks"),
        pytest.param(answer(BOMB, content_encoding="gzip"), "more than 1000000 decoded bytes", id="gzip bomb"),
        pytest.param(
            chunked(BOMB[:99], BOMB[99:], content_encoding="gzip"), "decoded bytes", id="gzip bomb, in chunks"
        ),
        pytest.param(
            answer(gzip.compress(b"x" * 600_000) * 2, content_encoding="gzip"),
            "decoded bytes",
            id="bomb of two members",
        ),
        pytest.param(answer(PROJECTS, content_encoding="br"), 'content encoding "br"', id="brotli"),
        pytest.param(answer(PROJECTS, content_encoding="gzip, gzip"), "content encoding", id="gzip in gzip"),
        pytest.param(answer(b"", 302), "status 302", id="redirect to nowhere"),
    ],
)
def test_oversized_and_unreadable_bodies_are_refused_at_once(reply: Reply, fragment: str, server: Server) -> None:
    server.script["/p.json"] = [reply]
    assert fragment in refused(server.url("/p.json"), bounds()).what
    assert server.count("/p.json") == 1


def test_header_without_end_is_refused(server: Server) -> None:
    server.script["/p.json"] = [raw(head(x_filler="x" * 2_000_000))]
    refused(server.url("/p.json"), bounds(attempts=1))


# --- download: redirects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed(status: int, server: Server) -> None:
    server.script["/0"] = [redirect("/1", status)]
    server.script["/1"] = [redirect(f"//127.0.0.1:{server.port}/2", status)]
    server.script["/2"] = [redirect(server.url("/p.json"), status)]
    server.script["/p.json"] = [answer(PROJECTS)]
    assert download(server.url("/0"), bounds(), name="projects") == PROJECTS
    assert [path for path, _ in server.requests] == ["/0", "/1", "/2", "/p.json"]


def test_fourth_redirect_is_refused(server: Server) -> None:
    for hop in range(4):
        server.script[f"/{hop}"] = [redirect(f"/{hop + 1}")]
    server.script["/4"] = [answer(PROJECTS)]
    assert "more than 3 redirects" in refused(server.url("/0"), bounds()).what
    assert [path for path, _ in server.requests] == ["/0", "/1", "/2", "/3"]


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/hostname",
        "FILE:///etc/hostname",
        "ftp://127.0.0.1/p.json",
        "gopher://127.0.0.1/",
        "data:application/json,[]",
        "javascript:1",
    ],
)
def test_redirect_out_of_http_is_refused_at_once(location: str, server: Server) -> None:
    server.script["/p.json"] = [redirect(location)]
    assert "redirects to" in refused(server.url("/p.json"), bounds()).what
    assert server.count("/p.json") == 1


NO_ADDRESSES = [
    "http://[::bad/p.json",
    "http://127.0.0.1:99999/p.json",
    "http://127.0.0.1:port/p.json",
    "http://a..b/p.json",
    f"http://{'a' * 64}/p.json",
    "http:///p.json",
    "http://xn--/p.json",
]


@pytest.mark.parametrize("location", NO_ADDRESSES)
def test_redirect_to_no_address_is_the_servers_fault(location: str, server: Server) -> None:
    server.script["/p.json"] = [redirect(location)]
    refused(server.url("/p.json"), bounds(attempts=1))


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_url_that_is_no_address_is_one_error(url: str) -> None:
    with pytest.raises((ConfigError, SourceUnavailable)) as caught:
        download(url, bounds(attempts=1), name="projects")
    assert caught.value.found == json.dumps(url)


# --- download: the total deadline -----------------------------------------------------------------------------------
# Without it, each of the attempts would have a second of its own, and a drip feed no end.


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(hang(), id="hang before the headers"),
        pytest.param(hang(head(content_length=99) + b"[1"), id="hang in the body"),
        pytest.param(drip(head(content_length=10**6), b" "), id="drip feed of the body"),
        pytest.param(drip(head(transfer_encoding="chunked"), b"1\r\n \r\n"), id="drip feed of chunks"),
        pytest.param(drip(head(transfer_encoding="chunked") + b"1;", b"x"), id="drip feed of a chunk's head"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"), id="drip feed of the headers"),
        pytest.param(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="endless interim answers"),
        pytest.param(drip(head(content_encoding="gzip") + gzip.compress(b"")[:10], b"\0"), id="drip feed of gzip"),
    ],
)
def test_deadline_holds_over_all_attempts(reply: Reply, server: Server) -> None:
    server.script["/p.json"] = [reply]
    refused(server.url("/p.json"), bounds(timeout_s=1.0, attempts=20))
    assert server.count("/p.json") < 20


def test_deadline_holds_over_retries_and_their_waits(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "BACKOFF_S", 5.0)
    server.script["/p.json"] = [failure(503)]
    refused(server.url("/p.json"), bounds(timeout_s=1.0, attempts=20))
    assert server.count("/p.json") < 20


def test_deadline_holds_over_redirects(server: Server) -> None:
    server.script["/0"] = [redirect("/1")]
    server.script["/1"] = [hang()]
    refused(server.url("/0"), bounds(timeout_s=1.0, attempts=20))
    assert server.count("/1") < 20


# --- download: addresses inside the network -------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "localhost",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
    "[64:ff9b::10.0.0.1]",
    "[fc00::1]",
    "[fe80::1]",
    "[ff02::1]",
]


LOCAL_HOST = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "localhost",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
]
"""What would lead to the test's own server, where that is let through."""


@pytest.mark.parametrize("host", INSIDE)
def test_inside_address_is_refused(host: str, server: Server) -> None:
    server.script["/p.json"] = [answer(PROJECTS)]
    error = refused(server.url("/p.json", host), bounds(allow_private=False, timeout_s=120.0))
    assert_says_inside(error)
    assert server.requests == []


@pytest.mark.parametrize("host", [host for host in INSIDE if host not in LOCAL_HOST])
def test_inside_address_is_refused_behind_a_redirect(
    host: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test's own server is let through as if it were outside; what it sends on to is not."""
    is_public = public_network.is_public
    monkeypatch.setattr(public_network, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    server.script["/p.json"] = [redirect(server.url("/secret.json", host))]
    server.script["/secret.json"] = [answer(PROJECTS)]
    error = refused(server.url("/p.json"), bounds(allow_private=False, timeout_s=120.0))
    assert_says_inside(error)
    assert [path for path, _ in server.requests] == ["/p.json"]


def test_name_with_one_inside_address_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that answers with both must not have the inside one tried after the outside one."""

    fake_look_up(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    assert_says_inside(refused(server.url("/p.json", "name.example"), bounds(allow_private=False)))
    assert server.requests == []


def test_every_connection_is_checked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads outside at first and inside later (rebinding) is refused at the later connection."""
    monkeypatch.setattr(public_network, "is_public", lambda address: address != "127.0.0.2")
    fake_look_up(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    server.script["/p.json"] = [failure(503), answer(PROJECTS)]
    assert_says_inside(refused(server.url("/p.json", "name.example"), bounds(allow_private=False)))
    assert len(server.requests) == 1


def fake_look_up(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Each look-up of name.example gives the next of `answers`; other names as ever."""
    look_up, coming = socket.getaddrinfo, iter(answers)

    def fake(host: str, port: int, *rest: Any, **named: Any) -> list[Any]:
        if host != "name.example":
            return look_up(host, port, *rest, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(coming)]

    monkeypatch.setattr(socket, "getaddrinfo", fake)


def assert_says_inside(error: TagpipeError) -> None:
    assert "private, loopback or link-local" in error.what
    assert "source.download.allow_private: true" in (error.fix or "")


def refused(url: str, limits: Download) -> SourceUnavailable:
    """The error (exit 5) that the download must end with."""
    with pytest.raises(SourceUnavailable) as caught:
        download(url, limits, name="projects")
    error = caught.value
    assert error.file == "source.projects"
    assert error.fix
    assert "\n" not in error.what
    assert error.found is not None
    assert len(error.found) <= 80
    return error


def closed_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/p.json"


# --- fetch ----------------------------------------------------------------------------------------------------------

PARAMS = """\
# The team's own words, which nobody may lose.
schema: 1

source:
  # Pinned; see the wiki.
  projects: {url: "PROJECTS_URL", sha256: PROJECTS_PIN}  # upstream: the data team
  vocabulary:
    url: VOCABULARY_URL
    # accepted by hand
    sha256: 'VOCABULARY_PIN'   # do not edit
  download:
    timeout_s: 120.0
    max_bytes: 1_000_000
    max_decoded_bytes: 0xF4240
    attempts: 2
    allow_private: true

validate:
  fields: {id: id, title: title, description: description, tags: tags, created_on: created_on}
  id: "integer"
  required: [id, title, tags]
  created_on: iso
  tags_separator: "|"
  max_rejected: 0.3


annotate:
  normalize: true
  aliases: true
  exclude:
    # none yet
    - python
  parents: keep
  text: [title, description]

threshold: {min_projects: 1, unlabeled: drop}
# The end.
"""


@dataclass(frozen=True)
class Project:
    """A dataset project with no git, whose two sources are pinned addresses."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def raw(self) -> dict[str, bytes]:
        """What data/raw holds."""
        return {path.name: path.read_bytes() for path in sorted((self.root / "data/raw").glob("*"))}

    @property
    def pinned(self) -> set[str]:
        """The names in the pinned store."""
        return {path.name for path in (self.root / ".tagpipe/pinned").glob("*")}

    def edit(self, old: str, new: str) -> None:
        text = self.params.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        self.params.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Pinned to what the server has: PROJECTS and VOCABULARY."""
    from tagpipe.io.repository.layout import packaged_file

    server.script["/p.json"] = [answer(PROJECTS)]
    server.script["/v.json"] = [answer(VOCABULARY)]
    root = tmp_path / "project"
    (root / "data/source").mkdir(parents=True)
    shutil.copy(packaged_file("dvc.yaml"), root / "dvc.yaml")
    (root / "params.yaml").write_text(pinned_params(server), encoding="utf-8")
    monkeypatch.chdir(root)
    return Project(root)


def pinned_params(server: Server) -> str:
    text = PARAMS.replace("PROJECTS_URL", server.url("/p.json")).replace("VOCABULARY_URL", server.url("/v.json"))
    return text.replace("PROJECTS_PIN", sha256_of(PROJECTS)).replace("VOCABULARY_PIN", sha256_of(VOCABULARY))


@pytest.fixture
def fetch(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, str]]:
    """The stage as DVC runs it, in this process and the working directory: (exit code, standard error)."""
    from tagpipe.io.repository.run_stage import run_stage
    from tagpipe.stages.fetch import fetch as work

    def run() -> tuple[int, str]:
        capsys.readouterr()
        code = run_stage("fetch", work)
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return code, said

    return run


Fetch = Callable[[], tuple[int, str]]


def test_fetch_takes_pinned_bytes_and_keeps_them(project: Project, server: Server, fetch: Fetch) -> None:
    assert fetch() == (0, "")
    assert project.raw == {"projects.json": PROJECTS, "vocabulary.json": VOCABULARY}
    assert project.pinned == {sha256_of(PROJECTS), sha256_of(VOCABULARY)}
    assert fetch() == (0, "")
    assert len(server.requests) == 2


def test_fetch_finds_pinned_bytes_without_network(project: Project, server: Server, fetch: Fetch) -> None:
    store = project.root / ".tagpipe/pinned"
    store.mkdir(parents=True)
    for data in (PROJECTS, VOCABULARY):
        (store / sha256_of(data)).write_bytes(data)
    assert fetch() == (0, "")
    assert project.raw == {"projects.json": PROJECTS, "vocabulary.json": VOCABULARY}
    assert server.requests == []


def test_fetch_heals_a_damaged_pinned_file(project: Project, server: Server, fetch: Fetch) -> None:
    """What does not have the pin's sha256 is never used, and not kept either."""
    stored = project.root / ".tagpipe/pinned" / sha256_of(PROJECTS)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(PROJECTS[:-1])
    assert fetch() == (0, "")
    assert project.raw["projects.json"] == PROJECTS
    assert stored.read_bytes() == PROJECTS


def test_fetch_tries_again(project: Project, server: Server, fetch: Fetch) -> None:
    server.script["/p.json"] = [failure(500), answer(PROJECTS)]
    assert fetch() == (0, "")
    assert (server.count("/p.json"), server.count("/v.json")) == (2, 1)


OTHER_BYTES = {
    "moved on": MORE_PROJECTS,
    "HTML with 200": HTML,
    "cut off without a length ahead": PROJECTS[:20],
    "another white space": PROJECTS + b"\n",
    "empty": b"",
}


@pytest.mark.parametrize("kind", OTHER_BYTES)
def test_fetch_refuses_other_bytes_than_pinned(kind: str, project: Project, server: Server, fetch: Fetch) -> None:
    assert fetch()[0] == 0
    shutil.rmtree(project.root / ".tagpipe/pinned")
    before = project.raw
    server.script["/p.json"] = [raw(head() + OTHER_BYTES[kind])]
    code, said = fetch()
    assert code == 7
    for fragment in ("source.projects", "field sha256", "`tagpipe refresh`", "`dvc pull`"):
        assert fragment in said
    assert sha256_of(PROJECTS) in said
    assert sha256_of(OTHER_BYTES[kind]) in said
    assert project.raw == before
    assert sha256_of(OTHER_BYTES[kind]) not in project.pinned


UNAVAILABLE = {
    "404": failure(404),
    "500": failure(500),
    "too large": answer(b"x" * 1_000_001),
    "redirect to a file": redirect("file:///etc/hostname"),
}


@pytest.mark.parametrize("path", ["/p.json", "/v.json"])
@pytest.mark.parametrize("kind", UNAVAILABLE)
def test_fetch_replaces_both_files_or_neither(
    kind: str, path: str, project: Project, server: Server, fetch: Fetch
) -> None:
    """New pins for both, and one of them cannot be had: data/raw stays as it was."""
    assert fetch()[0] == 0
    before = project.raw
    project.edit(sha256_of(PROJECTS), sha256_of(MORE_PROJECTS))
    project.edit(sha256_of(VOCABULARY), sha256_of(MORE_VOCABULARY))
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    server.script["/v.json"] = [answer(MORE_VOCABULARY)]
    server.script[path] = [UNAVAILABLE[kind]]
    code, said = fetch()
    assert code == 5
    assert f"source.{'projects' if path == '/p.json' else 'vocabulary'}: cannot be downloaded" in said
    assert "dvc pull" in said
    assert project.raw == before


def test_fetch_of_an_unreachable_source_is_exit_5(project: Project, server: Server, fetch: Fetch) -> None:
    project.edit(server.url("/p.json"), closed_url())
    code, said = fetch()
    assert code == 5
    assert "source.projects: cannot be downloaded: ConnectError" in said
    assert "Try again later" in said
    assert project.raw == {}


def test_fetch_refuses_loopback_unless_allowed(project: Project, server: Server, fetch: Fetch) -> None:
    """And says what to set, rather than to try again."""
    project.edit("allow_private: true", "allow_private: false")
    code, said = fetch()
    assert code == 5
    assert "leads to 127.0.0.1, an address that is private, loopback or link-local" in said
    assert "source.download.allow_private: true" in said
    assert server.requests == []


def test_fetch_says_which_bound_was_too_small(project: Project, server: Server, fetch: Fetch) -> None:
    project.edit("max_bytes: 1_000_000", "max_bytes: 20")
    code, said = fetch()
    assert code == 5
    assert "more than 20 bytes (source.download.max_bytes)" in said


def test_fetch_reads_a_file_beside_a_pin(project: Project, server: Server, fetch: Fetch) -> None:
    project.edit(f'{{url: "{server.url("/p.json")}", sha256: {sha256_of(PROJECTS)}}}', "{path: mine.json}")
    code, said = fetch()
    assert code == 3
    for fragment in ("source/mine.json", "source.projects.path", "is not there", "params.yaml"):
        assert fragment in said
    (project.root / "data/source/mine.json").write_bytes(MORE_PROJECTS)
    assert fetch() == (0, "")
    assert project.raw == {"projects.json": MORE_PROJECTS, "vocabulary.json": VOCABULARY}


def test_fetch_refuses_a_link_out_of_its_folder(project: Project, server: Server, fetch: Fetch) -> None:
    project.edit(f'{{url: "{server.url("/p.json")}", sha256: {sha256_of(PROJECTS)}}}', "{path: mine.json}")
    (project.root / "elsewhere.json").write_bytes(PROJECTS)
    (project.root / "data/source/mine.json").symlink_to(project.root / "elsewhere.json")
    code, said = fetch()
    assert code == 3
    assert "is a link out of its folder" in said


# --- refresh --------------------------------------------------------------------------------------------------------

Snapshot = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def state(project: Project, snapshot: Snapshot) -> Callable[[], dict[str, bytes]]:
    """Every file of the project but the lock, which names its last holder."""

    def take() -> dict[str, bytes]:
        return {path: data for path, data in snapshot(project.root).items() if path != ".tagpipe/run.lock"}

    return take


State = Callable[[], dict[str, bytes]]


def test_check_is_0_while_upstream_stands(project: Project, tagpipe: Any, state: State) -> None:
    before = state()
    ended = tagpipe("refresh", "--check")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert f"projects: {sha256_of(PROJECTS)} (not moved)" in ended.stdout
    assert state() == before


def test_check_is_1_when_upstream_moved_and_writes_nothing(
    project: Project, server: Server, tagpipe: Any, state: State
) -> None:
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    before = state()
    ended = tagpipe("refresh", "--check")
    assert (ended.exit_code, ended.stderr) == (1, "")
    assert f"projects: {sha256_of(PROJECTS)} -> {sha256_of(MORE_PROJECTS)}" in ended.stdout
    assert f"vocabulary: {sha256_of(VOCABULARY)} (not moved)" in ended.stdout
    assert "n_in ? -> 4" in ended.stdout
    assert state() == before


def test_check_has_json_and_the_same_exit_code(project: Project, server: Server, tagpipe: Any, state: State) -> None:
    server.script["/v.json"] = [answer(MORE_VOCABULARY)]
    before = state()
    ended = tagpipe("refresh", "--check", "--json")
    assert ended.exit_code == 1
    told = json.loads(ended.stdout)
    assert (told["moved"], told["accepted"]) == (True, False)
    assert [pin["new_sha256"] for pin in told["pins"]] == [sha256_of(PROJECTS), sha256_of(MORE_VOCABULARY)]
    assert told["new_counts"]["n_tags"] == 4
    assert state() == before


def test_refresh_changes_the_pins_and_no_other_byte(
    project: Project, server: Server, tagpipe: Any, state: State, fetch: Fetch
) -> None:
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    server.script["/v.json"] = [answer(MORE_VOCABULARY)]
    before = project.params.read_text(encoding="utf-8").splitlines()
    ended = tagpipe("refresh")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert f"{sha256_of(PROJECTS)} -> {sha256_of(MORE_PROJECTS)}" in ended.stdout
    after = project.params.read_text(encoding="utf-8").splitlines()
    assert len(after) == len(before)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [strip_pin(old) for old, _ in changed] == [strip_pin(new) for _, new in changed]
    assert [("url" in new, sha256_of(data) in new) for (_, new), data in zip(changed, NEW_BYTES, strict=True)] == [
        (True, True),
        (False, True),
    ]
    assert not (project.root / "data/raw").exists()
    assert tagpipe("refresh", "--check").exit_code == 0
    n_requests = len(server.requests)
    assert fetch() == (0, "")
    assert project.raw == {"projects.json": MORE_PROJECTS, "vocabulary.json": MORE_VOCABULARY}
    assert len(server.requests) == n_requests  # refresh has kept the bytes


NEW_BYTES = (MORE_PROJECTS, MORE_VOCABULARY)


def strip_pin(line: str) -> str:
    """A line without digests and without the quotes that a YAML writer may drop."""
    for data in (PROJECTS, VOCABULARY, MORE_PROJECTS, MORE_VOCABULARY):
        line = line.replace(sha256_of(data), "PIN")
    return line.replace("'PIN'", "PIN")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('tags_separator: "|"', "tags_separator: null", id="null, as the params.yaml of tagpipe has it"),
        pytest.param('tags_separator: "|"', "tags_separator: ~", id="null in short"),
        pytest.param('tags_separator: "|"', "tags_separator:", id="null left out"),
        pytest.param("    # none yet\n    - python\n", "  - python\n", id="list items not indented"),
        pytest.param(
            "    # none yet\n    - python\n", "      - python\n      - sql\n", id="list items indented by four"
        ),
        pytest.param("  normalize: true", "  normalize:    true", id="values aligned"),
        pytest.param("\nthreshold:", "\n\n\n\n# ----\n\nthreshold:", id="blank lines"),
        pytest.param("[title, description]", "[ title , description ]", id="spaces in brackets"),
        pytest.param("# The end.\n", "# The end.", id="no newline at the end"),
        pytest.param("# The team's own", "%YAML 1.2\n---\n# The team's own", id="a YAML head"),
        pytest.param("team's own words", "team's own wörds ✓", id="beyond ASCII"),
    ],
)
def test_refresh_leaves_every_style_alone(old: str, new: str, project: Project, server: Server, tagpipe: Any) -> None:
    """A pin is the one thing that a reviewer should see."""
    project.edit(old, new)
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    before = project.params.read_bytes()
    assert tagpipe("refresh").exit_code == 0
    assert project.params.read_bytes() == before.replace(
        sha256_of(PROJECTS).encode(), sha256_of(MORE_PROJECTS).encode()
    )


def test_refresh_leaves_line_ends_alone(project: Project, server: Server, tagpipe: Any) -> None:
    project.params.write_bytes(project.params.read_bytes().replace(b"\n", b"\r\n"))
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    before = project.params.read_bytes()
    assert tagpipe("refresh").exit_code == 0
    assert project.params.read_bytes() == before.replace(
        sha256_of(PROJECTS).encode(), sha256_of(MORE_PROJECTS).encode()
    )


def test_first_pin_is_had_from_64_zeros_in_quotes(project: Project, server: Server, tagpipe: Any) -> None:
    """As the message about a url without sha256 tells people to do."""
    project.edit(sha256_of(PROJECTS), f'"{"0" * 64}"')
    ended = tagpipe("refresh")
    assert ended.exit_code == 0, ended.stderr
    assert sha256_of(PROJECTS) in project.params.read_text(encoding="utf-8")
    assert tagpipe("refresh", "--check").exit_code == 0


def test_refresh_when_nothing_moved_writes_nothing(project: Project, tagpipe: Any, state: State) -> None:
    before = state()
    assert tagpipe("refresh").exit_code == 0
    assert state() == before


CYCLE = json.dumps({"a": {"parents": ["b"]}, "b": {"parents": ["a"]}}).encode()
INVALID = {
    "HTML with 200": ("/p.json", HTML, 3, ("source.projects", "not a list of projects", "<!doctype html>")),
    "cut off without a length ahead": ("/p.json", PROJECTS[:-40], 3, ("source.projects", "at byte")),
    "empty": ("/p.json", b"", 3, ("source.projects", "at byte 0")),
    "no projects": ("/p.json", b"[]", 3, ("source.projects", "holds no projects")),
    "another field name": ("/p.json", PROJECTS.replace(b'"tags"', b'"labels"'), 3, ("field tags", "validate.fields")),
    "all rows bad": ("/p.json", PROJECTS.replace(b'"id": ', b'"id": 0.'), 3, ("all 3 rows were rejected", "row 1")),
    "too many bad rows": ("/p.json", PROJECTS.replace(b'"Two"', b"null").replace(b'"One"', b"null"), 4, ("2 of 3",)),
    "vocabulary cut off": ("/v.json", VOCABULARY[:-5], 3, ("source.vocabulary", "at byte")),
    "vocabulary empty": ("/v.json", b"{}", 3, ("source.vocabulary", "the vocabulary is empty")),
    "vocabulary with a cycle": ("/v.json", CYCLE, 3, ("source.vocabulary", '"a" -> "b" -> "a"')),
}


@pytest.mark.parametrize("kind", INVALID)
def test_refresh_refuses_invalid_bytes_and_leaves_the_pins(
    kind: str, project: Project, server: Server, tagpipe: Any, state: State
) -> None:
    path, body, exit_code, fragments = INVALID[kind]
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    server.script["/v.json"] = [answer(MORE_VOCABULARY)]
    server.script[path] = [raw(head() + body)]
    before = state()
    ended = tagpipe("refresh")
    assert ended.exit_code == exit_code
    assert "Traceback" not in ended.stderr
    for fragment in fragments:
        assert fragment in ended.stderr
    assert state() == before


@pytest.mark.parametrize("path", ["/p.json", "/v.json"])
def test_refresh_writes_both_pins_or_neither(
    path: str, project: Project, server: Server, tagpipe: Any, state: State
) -> None:
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    server.script["/v.json"] = [answer(MORE_VOCABULARY)]
    server.script[path] = [failure(404)]
    before = state()
    ended = tagpipe("refresh")
    assert ended.exit_code == 5
    assert "status 404" in ended.stderr
    assert state() == before


def test_refresh_without_a_url_is_exit_2(project: Project, server: Server, tagpipe: Any) -> None:
    project.edit(f'url: "{server.url("/p.json")}", sha256: {sha256_of(PROJECTS)}', "path: p.json")
    project.edit(f"url: {server.url('/v.json')}\n", "path: v.json\n")
    project.edit(f"    sha256: '{sha256_of(VOCABULARY)}'   # do not edit\n", "")
    ended = tagpipe("refresh", "--check")
    assert ended.exit_code == 2
    assert "no source has a url" in ended.stderr
    assert server.requests == []


def test_refresh_beside_another_run_is_exit_6(project: Project, server: Server, tagpipe: Any) -> None:
    from tagpipe.io.repository.lock import hold_run_lock

    with hold_run_lock(project.root / ".tagpipe", command="tagpipe run"):
        ended = tagpipe("refresh")
    assert ended.exit_code == 6
    assert "at work in this dataset repository" in ended.stderr
    assert server.requests == []


# --- with the real DVC and git --------------------------------------------------------------------------------------


@pytest.fixture
def repository(project: Project) -> Callable[..., str]:
    """The project under git and DVC; runs a command in it, which must succeed, and gives back its output."""

    def run(*command: str) -> str:
        python = Path(sys.executable).parent
        ended = subprocess.run(
            command,
            cwd=project.root,
            env={**os.environ, "PATH": f"{python}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    run("git", "init", "-q")
    run(sys.executable, "-m", "dvc", "init", "-q")
    tree, _, _ = (project.root / "dvc.yaml").read_text(encoding="utf-8").partition("  monitor:\n")  # as of form 1
    kept = [line for line in tree.splitlines() if not line.startswith("      - tagpipe/")]
    (project.root / "dvc.yaml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    (project.root / ".gitignore").write_text(".tagpipe/\n", encoding="utf-8")
    return run


Repository = Callable[..., str]
TAGPIPE = (sys.executable, "-m", "tagpipe")


def test_committed_version_is_fetched_from_dvcs_cache_when_upstream_is_gone(
    project: Project, server: Server, repository: Repository, fetch: Fetch
) -> None:
    repository(*TAGPIPE, "run", "fetch")
    repository("git", "add", "-A")
    repository("git", "commit", "-q", "-m", "a version")
    n_requests = len(server.requests)
    shutil.rmtree(project.root / ".tagpipe/pinned")
    shutil.rmtree(project.root / "data/raw")
    server.script.clear()
    assert fetch() == (0, "")
    assert project.raw == {"projects.json": PROJECTS, "vocabulary.json": VOCABULARY}
    assert len(server.requests) == n_requests
    assert project.pinned == {sha256_of(PROJECTS), sha256_of(VOCABULARY)}, "the next commit may have other bytes"


@pytest.mark.slow
def test_pushed_version_is_fetched_from_dvcs_remote_when_upstream_is_gone(
    project: Project, server: Server, repository: Repository, tmp_path: Path
) -> None:
    """A fresh clone, with no cache: what `dvc push` saved is enough."""
    repository(*TAGPIPE, "run", "fetch")
    repository(sys.executable, "-m", "dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    repository(sys.executable, "-m", "dvc", "push", "-q")
    repository("git", "add", "-A")
    repository("git", "commit", "-q", "-m", "a version")
    server.script.clear()
    shutil.rmtree(project.root / ".tagpipe")
    shutil.rmtree(project.root / ".dvc/cache")
    shutil.rmtree(project.root / "data/raw")
    repository(*TAGPIPE, "run", "fetch")
    assert project.raw == {"projects.json": PROJECTS, "vocabulary.json": VOCABULARY}


@pytest.mark.slow
def test_refresh_then_run_builds_the_new_version_and_the_old_pin_the_old_one(
    project: Project, server: Server, repository: Repository
) -> None:
    def run() -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(repository(*TAGPIPE, "run", "--json"))["summary"]
        return summary

    first = run()
    old_params = project.params.read_bytes()
    server.script["/p.json"] = [answer(MORE_PROJECTS)]
    assert run() == first  # a run never takes new bytes
    told = json.loads(repository(*TAGPIPE, "refresh", "--json"))
    assert (told["old_counts"]["n_in"], told["new_counts"]["n_in"], told["accepted"]) == (3, 4, True)
    second = run()
    assert (first["n_in"], second["n_in"]) == (3, 4)
    assert second["content_sha256"] != first["content_sha256"]
    server.script.clear()
    project.params.write_bytes(old_params)
    assert run() == first

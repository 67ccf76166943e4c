"""What a look upstream leaves in the pinned store, against a real server."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.http_server import Server, answer, failure, serve

from tagpipe.errors import SourceUnavailable
from tagpipe.io.repository.layout import Layout, packaged_file, repository_layout
from tagpipe.io.repository.yaml_file import read_params, set_values
from tagpipe.io.sources.pinned_store import forget_downloads, store_pinned
from tagpipe.io.sources.upstream import check_upstream

PATHS = {"projects": "/projects.json", "vocabulary": "/vocabulary.json"}
OLD = b"old"


@dataclass(frozen=True)
class Followed:
    """A project whose two sources are pinned to OLD at addresses of `server`."""

    layout: Layout
    server: Server

    def look(self, projects: bytes, vocabulary: bytes = OLD) -> dict[str, tuple[str, str]]:
        """Look, where upstream has these."""
        for path, body in zip(PATHS.values(), (projects, vocabulary), strict=True):
            self.server.script[path] = [answer(body, etag=f'"{sha256_of(body)}"')]
        return check_upstream(self.layout, read_params(self.layout.params_file))

    @property
    def pinned(self) -> set[str]:
        return {path.name for path in (self.layout.scratch / "pinned").glob("*")}


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names_of(*contents: bytes) -> set[str]:
    return {sha256_of(data) for data in contents}


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(packaged_file(name), tmp_path / name)
    with serve() as server:
        pins = {("source", name): {"url": server.url(PATHS[name]), "sha256": sha256_of(OLD)} for name in PATHS}
        settings = {("source", "download", "allow_private"): True, ("source", "download", "attempts"): 1}
        set_values(tmp_path / "params.yaml", {**pins, **settings})
        yield Followed(repository_layout(tmp_path), server)


def test_a_look_tells_pins_and_keeps_the_bytes(followed: Followed) -> None:
    assert followed.look(b"new") == {
        "projects": (sha256_of(OLD), sha256_of(b"new")),
        "vocabulary": (sha256_of(OLD), sha256_of(OLD)),
    }
    assert followed.pinned == names_of(OLD, b"new")


def test_downloads_that_nobody_needs_are_removed(followed: Followed) -> None:
    for body in (b"1", b"2", b"3"):
        followed.look(body)
    forget_downloads(followed.layout, names_of(OLD, b"3"))
    assert followed.pinned == names_of(OLD, b"3")
    followed.look(b"4")
    forget_downloads(followed.layout, names_of(b"4"))
    assert followed.pinned == names_of(b"4")


def test_what_a_refresh_stored_is_never_removed(followed: Followed) -> None:
    store_pinned(followed.layout, b"refreshed")
    followed.look(b"refreshed")
    followed.look(b"later")
    forget_downloads(followed.layout, ())
    assert followed.pinned == names_of(b"refreshed")


def test_a_forgotten_download_is_asked_for_whole(followed: Followed) -> None:
    """The server is not asked whether it still has what is no longer here."""
    followed.look(b"1")
    forget_downloads(followed.layout, ())
    followed.server.requests.clear()
    assert followed.look(b"1")["projects"][1] == sha256_of(b"1")
    assert all("if-none-match" not in {name.lower() for name in headers} for _, headers in followed.server.requests)
    assert followed.pinned == names_of(OLD, b"1")


def test_where_one_source_is_not_there_neither_is_stored(followed: Followed) -> None:
    """Else each new version of the one would stay for as long as the other is away."""
    followed.server.script = {PATHS["projects"]: [answer(b"new")], PATHS["vocabulary"]: [failure(500)]}
    with pytest.raises(SourceUnavailable, match="vocabulary"):
        check_upstream(followed.layout, read_params(followed.layout.params_file))
    assert followed.pinned == set()


@pytest.mark.parametrize("content", ["{", "{}", '["../../params.yaml"]', "[1]"])
def test_a_damaged_list_of_downloads_removes_nothing(followed: Followed, content: str) -> None:
    followed.look(b"new")
    (followed.layout.scratch / "downloads.json").write_text(content, encoding="utf-8")
    forget_downloads(followed.layout, ())
    assert followed.pinned == names_of(OLD, b"new")
    assert followed.layout.params_file.is_file()
    followed.look(b"newer")
    listed = json.loads((followed.layout.scratch / "downloads.json").read_bytes())
    assert listed == [sha256_of(b"newer")]

"""`tagpipe publish` with an upstream that fails, one fault after the other: what becomes of each, and by which words.

docs/scheduling.md has the table. After every one the published version is what it was, and whole; the next good
upstream is published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from support.http_server import Reply, answer, drip, failure, hang, head, raw, redirect
from support.in_process import build
from support.paths import DATASETS
from support.processes import git
from support.publish_world import PATH, VOCABULARY_PATH, World, intact, pin, published, reply_with, reply_with_bytes

from tagpipe.errors import InputError, SourceUnavailable
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.io.sources import download as download_module
from tagpipe.io.sources import public_network
from tagpipe.operations.publish import Publication, publish

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "BACKOFF_S", 0.001)


# Nothing comes, or not all of it


@dataclass(frozen=True)
class Silence:
    """An upstream that cannot be had: unavailable, in these words, after so many requests."""

    reply: Reply
    said: str
    n_requests: int


SILENCES = {
    "only 500s": Silence(failure(500), "status 500", 2),
    "a truncated body": Silence(raw(head(200, content_length=10_000) + b"[{"), "peer closed", 2),
    "a redirect to a file": Silence(redirect("file:///etc/hostname"), "redirects to", 1),
}
LONG_SILENCES = {
    "a hang": Silence(hang(head(200, content_length=100)), "ReadTimeout", 1),
    "a slow drip": Silence(drip(head(200, content_length=10_000), b" "), "ReadTimeout", 1),
}


def fail_to_look(world: World, silence: Silence) -> None:
    """Look upstream in vain, and then see that nothing of it stays behind. Hang and drip end only where we give up."""
    world.script(silence.reply)
    with intact(world), pytest.raises(SourceUnavailable) as caught:
        publish(world.root)
    assert caught.value.file == "source.projects"
    assert silence.said in caught.value.what
    assert world.server.count(PATH) == silence.n_requests
    world.answer(world.rows)
    assert publish(world.root).outcome == "unchanged"


@pytest.mark.parametrize("kind", SILENCES)
def test_upstream_that_cannot_be_had_is_unavailable(published_world: World, kind: str) -> None:
    fail_to_look(published_world, SILENCES[kind])


def test_addresses_inside_the_network_are_refused(published_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `allow_private`: an address on loopback, and one outside that leads there. The test's own server is
    then let through as if it were outside; what it sends on to is not."""
    world = published_world
    set_values(world.root / "params.yaml", {("source", "download", "allow_private"): False})
    git(world.root, "commit", "-qam", "no private addresses")
    git(world.root, "branch", "-f", "dataset")
    world.answer(world.more())
    with intact(world), pytest.raises(SourceUnavailable, match=r"leads to 127\.0\.0\.1, .* loopback"):
        publish(world.root)
    assert world.server.requests == []
    is_public = public_network.is_public
    monkeypatch.setattr(public_network, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    world.script(redirect(world.server.url("/secret.json", "[::1]")))
    with intact(world), pytest.raises(SourceUnavailable, match=r"leads to ::1, .* loopback"):
        publish(world.root)
    assert world.server.count("/secret.json") == 0


# All of it comes, and it is not what it should be


@dataclass(frozen=True)
class Nonsense:
    """An upstream whose bytes are no projects: the build of the candidate stops with these words."""

    reply: Reply
    said: str


NONSENSE = {
    "a body cut off without a length": Nonsense(raw(head() + b'[{"id": 1,'), "not JSON"),
    "HTML with 200": Nonsense(answer(b"<html>sign in</html>"), "not a list of projects"),
    "an empty list": Nonsense(answer(b"[]"), "holds no projects"),
}


def fail_to_build(world: World, said: str, *, file: str) -> None:
    """A candidate that cannot be built is bad input; nothing of it stays behind."""
    with intact(world), pytest.raises(InputError) as caught:
        publish(world.root)
    assert said in caught.value.what
    assert caught.value.file == file
    assert git(world.root, "branch", "--list", "refused/*") == ""


def refuse(world: World, gates: Sequence[str]) -> Publication:
    """A candidate that fails these gates and no other is kept on a branch of its own; nothing is published."""
    with intact(world):
        found = publish(world.root)
    assert found.outcome == "refused"
    assert found.document is not None
    assert [gate.name for gate in found.document.gates if not gate.passed] == list(gates)
    assert found.reason == f"gates failed: {', '.join(gates)}; kept on {found.ref}"
    assert re.fullmatch(rf"refused/2[0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}-{str(found.content_sha256)[:12]}", str(found.ref))
    assert world.tip(str(found.ref)) == found.commit
    return found


@pytest.mark.slow
def test_next_good_upstream_is_published_after_one_fault_after_the_other(published_world: World) -> None:
    """Hang and drip end at the deadline; nonsense is bad input; 90 % of the rows gone is refused, twice the same; a
    500 ahead of the good answer is tried again."""
    world = published_world
    for silence in (LONG_SILENCES | SILENCES).values():
        fail_to_look(world, silence)
    for nonsense in NONSENSE.values():
        world.script(nonsense.reply)
        fail_to_build(world, nonsense.said, file="projects.json")
    world.answer(world.rows[: len(world.rows) // 10])
    first = refuse(world, ALL_BUT_UNEXPLAINED)
    assert publish(world.root).ref == first.ref
    world.script(failure(503), reply_with(world.more()))
    published(publish(world.root))
    assert world.server.count(PATH) == 2


ALL_BUT_UNEXPLAINED = (
    "max_projects_removed",
    "max_labels_changed",
    "max_tags_leaving",
    "max_newly_unlabeled",
    "max_new_warnings",
)


# It is readable, and too much has changed


@pytest.mark.slow
def test_public_dataset_with_its_tags_renamed_is_refused(published_world: World) -> None:
    """madewithml 2020-12 -> 2022-04: one vocabulary replaced by another, and its tags renamed everywhere."""
    if not DATASETS.is_dir():
        pytest.skip(f"the public datasets are not at {DATASETS}")
    world = published_world
    old, new = (read_public(name) for name in ("madewithml-2020-12", "madewithml-2022-04"))
    for path, body in old.items():
        world.script(reply_with_bytes(body), path=path)
        key = ("source", path[1:].removesuffix(".json"))
        set_values(world.root / "params.yaml", {key: pin(world.server.url(path), body)})
    build(world.root)
    git(world.root, "commit", "-qam", "public data")
    git(world.root, "branch", "-f", "dataset")
    for path, body in new.items():
        world.script(reply_with_bytes(body), path=path)
    refuse(world, ["max_labels_changed", "max_tags_leaving", "max_newly_unlabeled"])
    rows = json.loads(old[PATH])
    world.answer([*rows, {**rows[0], "id": 900_000}])
    world.script(reply_with_bytes(old[VOCABULARY_PATH]), path=VOCABULARY_PATH)
    published(publish(world.root))


def read_public(name: str) -> dict[str, bytes]:
    files = {PATH: "projects.json", VOCABULARY_PATH: "tags.json"}
    return {path: (DATASETS / name / file).read_bytes() for path, file in files.items()}


# Two files that belong together


def with_alias(vocabulary: bytes) -> bytes:
    tags = json.loads(vocabulary)
    tags["pytorch"]["aliases"] = [*tags["pytorch"].get("aliases", []), "torch-framework"]
    return json.dumps(tags).encode()


@pytest.mark.slow
def test_pair_is_taken_whole_or_not_at_all(pair: World) -> None:
    """Projects and vocabulary are new, and either of them fails, by 500 or cut off: neither counts as changed. The
    vocabulary is empty: bad input. Upstream has renamed a tag in every project, and its vocabulary does not say so yet:
    refused. Then it does: both in one commit, and no label is lost."""
    renamed = [
        {**row, "tags": ["torch-framework" if tag == "pytorch" else tag for tag in row["tags"]]} for row in pair.rows
    ]
    new = {PATH: reply_with(renamed), VOCABULARY_PATH: reply_with_bytes(with_alias(pair.vocabulary))}
    for late in new:
        for fault in (failure(500), raw(head(200, content_length=10_000) + b"[{")):
            for path, reply in {**new, late: fault}.items():
                pair.script(reply, path=path)
            with intact(pair), pytest.raises(SourceUnavailable) as caught:
                publish(pair.root)
            assert f"{caught.value.file}.json" == f"source.{late[1:]}"
    for emptied in (b"[]", b"{}"):
        for path, reply in {**new, VOCABULARY_PATH: answer(emptied)}.items():
            pair.script(reply, path=path)
        fail_to_build(pair, "the vocabulary is empty", file="vocabulary.json")
    pair.script(reply_with_bytes(pair.vocabulary), path=VOCABULARY_PATH)
    refuse(pair, ["max_labels_changed", "max_newly_unlabeled"])
    pair.script(new[VOCABULARY_PATH], path=VOCABULARY_PATH)
    found = published(publish(pair.root))
    changed = git(pair.root, "diff", "-U0", "main", str(found.commit), "params.yaml").splitlines()
    assert len([line for line in changed if line.startswith("+ ")]) == 2
    assert found.document is not None
    assert (found.document.n_labels_added, found.document.n_labels_removed) == (0, 0)

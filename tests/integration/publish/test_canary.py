"""No secret gets out: a canary in each place that holds one, every kind of failure, and a search of all that is left.

The canaries: GITHUB_TOKEN; the address of the git remote; address and password of the DVC remote, in its local
configuration; password and query of the upstream address. That last one stands in params.yaml, which is committed,
and DVC repeats it in dvc.lock: these two and DVC's run cache, which keeps pieces of dvc.lock, may have it.
"""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from support.commands import Ended, Tagpipe
from support.http_server import Reply, answer, failure, raw, redirect
from support.in_process import build
from support.paths import REPO
from support.prefect_server import ask_api, read_events, serve_prefect
from support.processes import git
from support.publish_world import PATH, Rows, World, pin, reply_with
from support.waiting import wait_until

from tagpipe.errors import from_dict
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.io.sources import download as download_module

TOKEN = "ghs_CanaryOfTheEnvironment0123456789"
GIT_SECRET = "canary-of-the-git-remote"
STORE_SECRET = "canary-of-the-dvc-remote"
UPSTREAM_SECRET = "canary-of-upstream"
SECRETS = (TOKEN, GIT_SECRET, STORE_SECRET, UPSTREAM_SECRET)
UPSTREAM_PATH = f"{PATH}?sig={UPSTREAM_SECRET}"
ADDRESS = f"https://x-access-token:{GIT_SECRET}@127.0.0.1:9/owner/data.git"
PUT_THERE = (".git/config", ".dvc/config.local", "params.yaml")
REPEATED = ("dvc.lock", ".dvc/cache/runs/")


def find_secrets(data: bytes, secrets: Sequence[str] = SECRETS) -> list[str]:
    """Those of the secrets that are in `data`, as they are or as a header has them."""
    return [each for each in secrets if any(form in data for form in forms_of(each))]


def forms_of(secret: str) -> set[bytes]:
    users = ("", "x-access-token:", "me:")
    return {secret.encode(), quote(secret).encode(), *(base64.b64encode(f"{user}{secret}".encode()) for user in users)}


def search_folder(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """File -> the secrets in it, of every file below `folder`."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found = {name: find_secrets(path.read_bytes()) for name, path in files.items() if not name.startswith(but)}
    return {name: secrets for name, secrets in found.items() if secrets}


def search_history(repository: Path) -> list[str]:
    """The secrets in every object that git keeps; that of upstream only in messages and in files that may not have
    it."""
    every = ["git", "cat-file", "--batch-all-objects", "--batch"]
    objects = subprocess.run(every, cwd=repository, check=True, capture_output=True).stdout
    others = ["--", ".", ":!params.yaml", ":!dvc.lock"]
    log = ["git", "log", "--all", "--full-history", "--patch", "--text", *others]
    shown = subprocess.run(log, cwd=repository, check=True, capture_output=True).stdout
    refs = git(repository, "for-each-ref", "--format=%(refname) %(contents) %(authoremail)").encode()
    return find_secrets(objects, SECRETS[:3]) + find_secrets(shown + refs)


@dataclass
class Watched:
    """`tagpipe` whose every word is searched. said: of all commands."""

    tagpipe: Tagpipe
    said: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Ended:
        ended = self.tagpipe(*arguments)
        texts = [ended.stdout, ended.stderr]
        if ended.error is not None:
            again = from_dict(json.loads(json.dumps(ended.error.as_dict())))
            texts += [repr(ended.error), str(again), json.dumps(ended.error.as_dict()), repr(ended.error.__cause__)]
            assert find_secrets(pickle.dumps(ended.error)) == []
        assert [(text, find_secrets(text.encode())) for text in texts if find_secrets(text.encode())] == []
        assert "Traceback" not in ended.stderr
        self.said += texts
        return ended


def run_outside(root: Path, *arguments: str) -> str:
    """What `tagpipe ARGUMENT...` says, searched."""
    command = [sys.executable, "-m", "tagpipe", *arguments]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert find_secrets((ended.stdout + ended.stderr).encode()) == []
    return ended.stdout


@pytest.fixture
def secretive(world: World, remotes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with remotes, and a secret in every place that may hold one."""
    monkeypatch.setattr(download_module, "BACKOFF_S", 0.001)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.chdir(world.root)
    url = world.server.url(UPSTREAM_PATH).replace("//", f"//me:{UPSTREAM_SECRET}@")
    set_values(world.root / "params.yaml", {("source", "projects"): pin(url, json.dumps(world.rows).encode())})
    build(world.root)
    git(world.root, "commit", "-qam", "an address with a credential")
    git(world.root, "push", "-q", "origin", "main")
    git(world.root, "remote", "set-url", "origin", ADDRESS)
    git(world.root, "config", f"url.{remotes}.insteadOf", ADDRESS)
    serve_rows(world, world.rows)
    return world


def serve_rows(world: World, rows: Rows) -> None:
    serve_reply(world, reply_with(rows))


def serve_reply(world: World, reply: Reply) -> None:
    world.script(reply, path=UPSTREAM_PATH)


def use_store(world: World, **options: str) -> None:
    """From now on the DVC remote is that one, as the user's own configuration says."""
    lines = [f"    {name} = {value}" for name, value in options.items()]
    (world.root / ".dvc/config.local").write_text("\n".join(["['remote \"store\"']", *lines, ""]), encoding="utf-8")


@pytest.mark.slow
def test_no_secret_is_in_anything_that_a_failure_leaves(
    secretive: World, remotes: Path, tagpipe: Tagpipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream in six ways, nonsense, the git remote in six, the DVC remote in two, a refused push that echoes the
    token; then a published and a refused version. Searched: every word, every error, every file, all of git."""
    world, run = secretive, Watched(tagpipe)
    assert run("publish").exit_code == 0
    # upstream
    port = world.server.port
    replies = {
        "500": failure(500),
        "closed": raw(b""),
        "to a file": redirect(f"file:///etc/hostname?sig={UPSTREAM_SECRET}"),
        "to no address": redirect(f"http://me:{UPSTREAM_SECRET}@127.0.0.1:port/p.json?sig={UPSTREAM_SECRET}"),
        "in a circle": redirect(f"http://me:{UPSTREAM_SECRET}@127.0.0.1:{port}{UPSTREAM_PATH}"),
        "echo": answer(UPSTREAM_SECRET.encode(), 403),
    }
    for reply in replies.values():
        serve_reply(world, reply)
        assert run("publish").exit_code == 5
        assert run("refresh", "--check", "--json").exit_code == 5
    serve_reply(world, answer(b"<html>sign in</html>"))
    assert run("publish").exit_code == 3
    # git remote
    serve_rows(world, world.more())
    world.server.script["/data.git/info/refs?service=git-upload-pack"] = [failure(500)]
    for address in (
        ADDRESS.replace("owner", "other"),
        f"http://x-access-token:{GIT_SECRET}@127.0.0.1:{port}/data.git",
        f"http://x-access-token:{GIT_SECRET}@127.0.0.1:{port}/gone.git",
        f"ftp://x-access-token:{GIT_SECRET}@127.0.0.1:9/data.git",
        f"ssh://x-access-token:{GIT_SECRET}@127.0.0.1:9/data.git",
        f"no-such-helper://x-access-token:{GIT_SECRET}@127.0.0.1:9/data.git",
    ):
        git(world.root, "remote", "set-url", "origin", address)
        assert run("publish").exit_code in (2, 5)
    git(world.root, "remote", "set-url", "origin", ADDRESS)
    # DVC remote
    world.server.script["/store/files"] = [failure(500)]
    for options in (
        {"url": f"http://me:{STORE_SECRET}@127.0.0.1:9/store"},
        {"url": f"http://127.0.0.1:{port}/store", "auth": "basic", "user": "me", "password": STORE_SECRET},
    ):
        use_store(world, **options)
        assert run("publish").exit_code == 5
        # in processes of their own: aiohttp under dvc-http warns of itself
        for command in (("doctor",), ("verify", "--deep")):
            assert " remote: " in run_outside(world.root, *command)
    (world.root / ".dvc/config.local").unlink()
    # a push that is refused, with an echo
    hook = remotes / "hooks/pre-receive"
    hook.write_text(f"#!/bin/sh\necho 'no, {TOKEN}, {ADDRESS}' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    assert run("publish").exit_code == 5
    hook.unlink()
    # published
    assert run("publish", "--json").exit_code == 0
    # refused
    serve_rows(world, world.rows[:80])
    assert run("publish", "--json").exit_code == 1
    assert any("***" in said for said in run.said)
    assert {".git/config", "params.yaml", "dvc.lock"} <= set(search_folder(world.root))
    assert search_folder(world.root, but=PUT_THERE + REPEATED) == {}
    assert search_history(world.root) == search_history(remotes) == []
    assert search_folder(world.temp) == {}


RUNS = """
import subprocess, sys
from flows.publish import publish
root, good, bad = sys.argv[1:]
for address in (good, bad, good):
    subprocess.run(["git", "remote", "set-url", "origin", address], cwd=root, check=True)
    print(publish(root, retry_delays_s=(0.1,), return_state=True).name)
"""
"""Upstream fails; the git remote is elsewhere; all is well."""


@pytest.mark.slow
def test_no_secret_is_in_anything_that_prefect_keeps(secretive: World, tmp_path: Path) -> None:
    world, home = secretive, tmp_path / "prefect"
    home.mkdir()
    world.script(*[failure(500)] * 4, reply_with(world.more()), path=UPSTREAM_PATH)
    with serve_prefect(home) as environment:
        runs = [sys.executable, "-c", RUNS, str(world.root), ADDRESS, ADDRESS.replace("owner", "other")]
        ended = subprocess.run(runs, env=environment, cwd=REPO, check=True, capture_output=True, text=True)
        assert ended.stdout.splitlines()[-3:] == ["Failed", "Failed", "Published"]
        # The server writes events seconds later.
        wait_until(lambda: bool(read_events(environment, "tagpipe.dataset.published")))
        kinds = {"logs": 200, "artifacts": 200, "flow_runs": 200, "task_runs": 200, "events": 50}
        kept = {
            kind: json.dumps(ask_api(environment, f"/{kind}/filter", {"limit": n_most}))
            for kind, n_most in kinds.items()
        }
    assert {kind: find_secrets(text.encode()) for kind, text in kept.items() if find_secrets(text.encode())} == {}
    assert find_secrets((ended.stdout + ended.stderr).encode()) == []
    assert "tagpipe-dataset-diff" in kept["artifacts"]
    assert all("***" in kept[kind] for kind in ("logs", "flow_runs", "task_runs"))
    assert search_folder(home) == {}

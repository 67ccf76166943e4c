"""`tagpipe publish` with no room: in the project, in DVC's cache, in git, for temporary files, on the DVC remote.

Each ends in one line that says so and the exit code of what is to be done: 2 here, 5 where a remote is full. What is
published stays whole, nothing is left in the temporary folder, and with room again the next run publishes.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.commands import Tagpipe
from support.processes import git
from support.publish_world import World, intact, published
from support.small_disk import SmallDisk, small_disk

from tagpipe.errors import ConfigError, SourceUnavailable, TagpipeError
from tagpipe.operations.publish import publish

PLACES = {
    "scratch": (".tagpipe", 0, r"\.tagpipe/.* cannot be written: no space left on device"),
    "DVC's cache": (".dvc/cache", 100_000, "the disk is full: failed to reproduce 'validate'"),
    "git's objects": (".git/objects", 0, "the disk is full: fatal: unable to write"),
    "git's branches": (".git/refs/heads", 0, "branch dataset: cannot be moved: .*refs/heads/dataset.*has room"),
}
"""Folder of the project -> the bytes that are left there, and what is said."""

TEMPORARY = {
    "no work tree": (20_000, r"the disk is full: [0-9]+ bytes are left, and a work tree of [0-9a-f]{12} takes [0-9]+"),
    "no downloads": (850_000, "pinned/.*: the disk is full"),
    "no tables": (1_300_000, "cannot be written: no space left on device"),
}
"""The bytes that are left for temporary files, and what is said."""


def fail(
    world: World, tagpipe: Tagpipe, said: str, *, kind: type[TagpipeError] = ConfigError, ref: str = "dataset"
) -> None:
    """`tagpipe publish` ends in one line and with its error's exit code; nothing has changed."""
    with intact(world, ref=ref):
        ended = tagpipe("publish")
    assert type(ended.error) is kind
    assert ended.exit_code == kind.exit_code
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert re.search(said, ended.stderr)


@contextmanager
def small_temp(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, SmallDisk]]:
    """Temporary files have a small disk. Full to the last byte, Python would turn to the next folder for them."""
    with small_disk(world.temp.with_name("small")) as disk:
        temp = disk.folder / "temp"
        temp.mkdir()
        monkeypatch.setenv("TMPDIR", str(temp))
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield replace(world, temp=temp), disk


def test_full_scratch_folder_is_one_line(
    published_world: World, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published_world.root)
    published_world.answer(published_world.more())
    folder, n_left, said = PLACES["scratch"]
    with small_disk(published_world.root / folder) as disk, disk.filled(n_left=n_left):
        fail(published_world, tagpipe, said)


def test_no_room_for_a_work_tree_is_one_line(
    published_world: World, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published_world.root)
    published_world.answer(published_world.more())
    n_left, said = TEMPORARY["no work tree"]
    with small_temp(published_world, monkeypatch) as (world, disk), disk.filled(n_left=n_left):
        fail(world, tagpipe, said)


@pytest.mark.slow
def test_full_disk_of_the_project_and_then_room_again(
    published_world: World, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = published_world
    monkeypatch.chdir(world.root)
    world.answer(world.more())
    for folder, n_left, said in PLACES.values():
        with small_disk(world.root / folder) as disk, disk.filled(n_left=n_left):
            fail(world, tagpipe, said)
    published(publish(world.root))
    assert git(world.root, "fsck", "--no-dangling") == ""


@pytest.mark.slow
def test_full_disk_of_temporary_files_and_then_room_again(
    published_world: World, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published_world.root)
    published_world.answer(published_world.more())
    with small_temp(published_world, monkeypatch) as (world, disk):
        for n_left, said in TEMPORARY.values():
            with disk.filled(n_left=n_left):
                fail(world, tagpipe, said)
        published(publish(world.root))


@pytest.mark.slow
def test_full_store_and_then_room_again(
    world: World, remotes: Path, tagpipe: Tagpipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    before = world.tip("main", remotes)
    world.answer(world.more())
    with small_disk(remotes.with_name("store")) as disk:
        with disk.filled(n_left=100_000):
            fail(world, tagpipe, "dvc push failed: .*No space left on device", kind=SourceUnavailable, ref="main")
        assert world.tip("main", remotes) == before
        published(publish(world.root))
        assert world.tip("main", remotes) != before

"""A file system of its own with little room, to be filled: tmpfs, so it takes root or a `sudo` that asks nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SIZE = "16m"


@dataclass(frozen=True)
class SmallDisk:
    """A mounted folder."""

    folder: Path

    @contextmanager
    def filled(self, *, n_left: int = 0) -> Iterator[None]:
        """Full but for so many bytes, in the block."""
        filler = self.folder / ".filler"
        system = os.statvfs(self.folder)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, system.f_bavail * system.f_frsize - n_left)
        try:
            yield
        finally:
            filler.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """`folder`, which may be there already with something in it, on a disk of its own.

    Without the right to mount the test is skipped, saying so; under CI=true that is a failure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder.with_name(f"{folder.name}.kept")
    shutil.copytree(folder, kept, symlinks=True)
    options = f"size={SIZE},mode=700,uid={os.getuid()},gid={os.getgid()}"
    _as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        yield SmallDisk(folder)
    finally:
        _as_root("umount", "--lazy", str(folder))
        shutil.rmtree(kept)


def _as_root(*command: str) -> None:
    sudo = [] if os.getuid() == 0 else ["sudo", "-n"]
    try:
        done = subprocess.run([*sudo, *command], capture_output=True, text=True, check=False)
        said = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError as error:
        said = str(error)
    if said:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no file system can be mounted: {said}")
        pytest.skip(f"no file system can be mounted: {said}")

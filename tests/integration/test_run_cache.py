"""DVC's run cache only saves time: with damaged entries, `tagpipe run` builds the same version."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.in_process import run_tagpipe
from support.small_repository import build_small

import tagpipe
from tagpipe.io.runs.run_cache import FOLDER

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "another md5": lambda data: re.sub(rb"md5: [0-9a-f]{4}", b"md5: 0000", data),
    "no UTF-8": lambda data: data.replace(b"md5", b"md\xf5"),
    "empty": lambda data: b"",
    "no YAML": lambda data: b"{" + data,
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_cache_builds_the_same_version(damage: str, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    build_small(root)
    digest = tagpipe.load(root).content_sha256
    entries = [path for path in (root / FOLDER).glob("*/*/*") if path.is_file()]
    assert len(entries) == 5
    for path in entries:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    (root / "dvc.lock").unlink()
    for folder in ("raw", "validated", "annotated", "labeled", "reports"):
        shutil.rmtree(root / "data" / folder)
    ended = run_tagpipe(root, "run")
    assert ended.exit_code == 0, ended.stderr
    assert tagpipe.load(root).content_sha256 == digest
    assert run_tagpipe(root, "verify").exit_code == 0

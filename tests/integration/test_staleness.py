"""Whether the present code built a version, asked of the real DVC."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagpipe.io.repository.layout import CODE_FILE
from tagpipe.io.runs.staleness import find_changed_dependencies
from tagpipe.operations.init_repository import init_repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_repository(tmp_path / "own")
    return tmp_path / "own"


def test_a_dependency_that_is_gone_has_changed(root: Path) -> None:
    (root / CODE_FILE).unlink()
    assert find_changed_dependencies(root, {CODE_FILE}) == {CODE_FILE}


def test_a_path_that_no_stage_depends_on_has_changed(root: Path) -> None:
    assert "tagpipe/core/flat.py" in find_changed_dependencies(root, {"tagpipe/core/flat.py"})


def test_everything_has_changed_where_dvc_cannot_read_the_stages(root: Path) -> None:
    path = root / "dvc.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "bogus: 1\n", encoding="utf-8")
    assert find_changed_dependencies(root, {CODE_FILE, "x"}) == {CODE_FILE, "x"}

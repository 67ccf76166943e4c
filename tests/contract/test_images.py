"""The images of the documentation: small, shown, and their maker still fits the tests that it borrows from."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from support.paths import REPO

DOCS = REPO / "docs"


@pytest.mark.parametrize("path", sorted((DOCS / "images").glob("prefect-*.png")), ids=lambda path: path.name)
def test_an_image_is_small_and_shown(path: Path) -> None:
    assert path.stat().st_size <= 200_000
    assert f"](images/{path.name})" in (DOCS / "scheduling.md").read_text(encoding="utf-8")


def test_the_maker_of_the_images_finds_all_that_it_borrows() -> None:
    assert callable(runpy.run_path(str(DOCS / "images/take_prefect_ui.py"), run_name="take_prefect_ui")["main"])

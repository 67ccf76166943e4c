"""A file that cannot be removed is one error, and one that is not there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagpipe.errors import ConfigError
from tagpipe.io.repository.files import remove_file


def test_what_cannot_be_removed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be removed: ") as caught:
        remove_file(tmp_path)  # a folder
    assert caught.value.file == str(tmp_path)


def test_what_is_not_there_is_removed_already(tmp_path: Path) -> None:
    remove_file(tmp_path / "none")

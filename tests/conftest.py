"""What tests of several folders share: the command line in this process, and surroundings that no machine shapes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagpipe.errors import TagpipeError

pytest.register_assert_rewrite("support")

from support.commands import Ended, Tagpipe  # noqa: E402 - its asserts are to be rewritten
from support.processes import start_programs  # noqa: E402

start = pytest.fixture(start_programs)


@pytest.fixture(scope="session", autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Git and DVC with no settings, caches or identity but the test's; nothing of an outer run or proxy."""
    home = tmp_path_factory.mktemp("surroundings")
    own = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
        "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_NO_ANALYTICS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_", "TAGPIPE_", "PANDERA_"))]:
            patch.delenv(name)
        for name, value in own.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def tagpipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tagpipe:
    """`tagpipe ARGUMENT...` by its real entry point, in this process; a defect's traceback comes out as it is."""
    from tagpipe.cli import main

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["tagpipe", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        cause = ended.value.__context__
        error = cause if isinstance(cause, TagpipeError) else None
        return Ended(int(ended.value.code or 0), said.out, said.err, error)

    return run


@pytest.fixture
def in_process() -> Iterator[None]:
    """DVC, the stages and rebuilds are called, not started."""
    from support.in_process import runs_in_process

    with runs_in_process():
        yield


@pytest.fixture
def collected() -> Iterator[None]:
    """What DVC left open is collected at the end, so that no later test meets the warnings."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """Relative path -> bytes of every file in a folder."""

    def take(folder: Path) -> dict[str, bytes]:
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    return take

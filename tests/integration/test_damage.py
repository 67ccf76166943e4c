"""A version whose files were damaged or replaced: what is handed out is what was built, or an IntegrityError."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes import git
from support.small_repository import build_small

import tagpipe as package
from tagpipe.errors import InputError, IntegrityError
from tagpipe.io.repository import files
from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.versions import version as version_module
from tagpipe.io.versions.load_sides import open_side
from tagpipe.io.versions.verify_version import verify_version
from tagpipe.io.versions.version import open_version

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("collected")]

N_FLIPS = 60


def build_folder(folder: Path, *, n_projects: int = 20, out: str = "out") -> Path:
    """A build of projects that carry two tags in turn."""
    rows = [{"id": n, "title": f"Project {n}", "tags": ["torch" if n % 2 else "ocr"]} for n in range(n_projects)]
    rows.append({"id": "no", "title": "rejected", "tags": []})
    (folder / "p.json").write_text(json.dumps(rows))
    (folder / "v.json").write_text(json.dumps({"pytorch": {"aliases": ["torch"]}, "ocr": {}}))
    text = packaged_file("params.yaml").read_text()
    text = text.replace("min_projects: 12", "min_projects: 1").replace("max_rejected: 0.05", "max_rejected: 0.9")
    (folder / "params.yaml").write_text(text)
    package.build(folder / "p.json", folder / "v.json", params=folder / "params.yaml", out=folder / out)
    return folder / out


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_folder(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "data set"
    build_small(root)
    return root


def flip(path: Path, generator: random.Random) -> bytes:
    """Flip one bit; returns what was there."""
    before = path.read_bytes()
    data = bytearray(before)
    data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    path.chmod(0o644)
    path.write_bytes(data)
    return before


def files_of(folder: Path) -> list[Path]:
    """Those with a bit to flip; .gitignore is git's and no part of a version."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".gitignore")
    return [path for path in paths if path.stat().st_size]


def what_is_loaded(path: Path) -> tuple[object, ...]:
    dataset = package.load(path)
    projects, tags = dataset.projects.to_dict("list"), dataset.tags.to_dict("list")
    return (
        dataset.content_sha256,
        projects,
        tags,
        dataset.manifest,
        dataset.reports,
        dataset.multi_hot().toarray().tolist(),
    )


def check_flips(root: Path, folder: Path, n_flips: int, load: Callable[[Path], object], *, seed: int) -> None:
    """Every file in turn: `verify` names the file that holds a flipped bit, and what is loaded is what was built."""
    generator = random.Random(seed)
    good = load(root)
    files = files_of(folder)
    for number in range(n_flips):
        path = files[number % len(files)]
        before = flip(path, generator)
        try:
            with pytest.raises(IntegrityError) as caught:
                verify_version(open_version(root))
            told = str(caught.value)
            assert path.name in told or path.name == "SHA256SUMS", (path, told)
            with contextlib.suppress(IntegrityError):
                assert load(root) == good, path
        finally:
            path.write_bytes(before)
    verify_version(open_version(root))


def load_build_side(path: Path) -> object:
    with open_side(path, str(path), rebuild=False) as loaded:
        raw = loaded.read_raw()
        side = loaded.side
        tables = [table.to_pylist() for table in (side.projects, side.labels, side.tags)]
        read = [file.data[0 : len(file.data)] for file in (raw.projects, raw.vocabulary)]
        rest = {name: value for name, value in vars(side).items() if name not in ("projects", "labels", "tags")}
        return rest, tables, read


@pytest.mark.parametrize("load", [what_is_loaded, load_build_side])
def test_a_flipped_bit_of_a_build_is_found(load: Callable[[Path], object], built: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    shutil.copytree(built, tmp_path / "out")
    check_flips(tmp_path / "out", tmp_path / "out", N_FLIPS, load, seed=1)


@pytest.mark.slow
def test_a_flipped_bit_of_a_repository_is_found(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(repository, root)
    for folder in ("raw", "validated", "annotated", "labeled", "reports"):
        check_flips(root, root / "data" / folder, 15, what_is_loaded, seed=3)


@pytest.mark.slow
def test_a_flipped_bit_of_the_cache_is_found_at_a_revision(repository: Path, tmp_path: Path) -> None:
    root, generator = tmp_path / "copy", random.Random(4)
    shutil.copytree(repository, root)
    good = package.load(root, rev="v1").projects.to_dict("list")
    in_git = [path.read_bytes() for path in files_of(root / "data/reports")]  # the run cache has copies of those
    for path in files_of(root / ".dvc/cache/files"):
        if path.name.endswith(".dir") or path.read_bytes() in in_git:
            continue
        before = flip(path, generator)
        with pytest.raises(IntegrityError):
            verify_version(open_version(root, "v1"))
        with contextlib.suppress(IntegrityError):
            assert package.load(root, rev="v1").projects.to_dict("list") == good
        path.write_bytes(before)


@pytest.mark.soak
def test_a_flipped_bit_is_found_hundreds_of_times(built: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    shutil.copytree(built, tmp_path / "out")
    check_flips(tmp_path / "out", tmp_path / "out", 500, what_is_loaded, seed=5)
    check_flips(tmp_path / "out", tmp_path / "out", 200, load_build_side, seed=6)


@pytest.mark.parametrize("name", ["labeled/projects.parquet", "labeled/tags.parquet"])
def test_a_flipped_bit_is_found_by_values_where_no_bytes_are_recorded(name: str, built: Path, tmp_path: Path) -> None:
    """As in a folder that an earlier tagpipe built; whatever pyarrow raises or lets through."""
    shutil.copytree(built, tmp_path / "out")
    (tmp_path / "out/SHA256SUMS").unlink()
    generator, good = random.Random(7), what_is_loaded(tmp_path / "out")
    for _ in range(N_FLIPS):
        before = flip(tmp_path / "out" / name, generator)
        with contextlib.suppress(IntegrityError):
            assert what_is_loaded(tmp_path / "out") == good
        (tmp_path / "out" / name).write_bytes(before)


# Another version put in place meanwhile


def replace_at_read(patch: pytest.MonkeyPatch, act: Callable[[int], None]) -> None:
    """Call `act` with 1, 2, ... ahead of each file that is read."""
    count = 0

    def read(path: Path) -> bytes:
        nonlocal count
        count += 1
        act(count)
        return files.read_bytes(path)

    patch.setattr(version_module, "read_bytes", read)


@pytest.mark.parametrize("read", [what_is_loaded, load_build_side])
def test_a_build_put_in_place_between_two_files_is_never_mixed(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    out = build_folder(tmp_path, n_projects=6)
    versions = {6: read(out)}
    build_folder(tmp_path, n_projects=8)
    versions[8] = read(out)
    assert versions[6] != versions[8]
    for at in range(1, 9):
        build_folder(tmp_path, n_projects=6)
        with monkeypatch.context() as patch:
            replace_at_read(patch, lambda count, at=at: build_folder(tmp_path, n_projects=8) if count == at else None)
            assert read(out) == versions[8], at


def test_a_folder_that_is_replaced_all_the_time_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = build_folder(tmp_path, n_projects=6)
    replace_at_read(
        monkeypatch, lambda count: build_folder(tmp_path, n_projects=6 + count % 2) if count % 3 == 2 else None
    )
    with pytest.raises(IntegrityError, match="a build is under way"):
        package.load(out)


@pytest.mark.slow
def test_what_is_loaded_beside_a_builder_is_of_one_version(tmp_path: Path) -> None:
    out = build_folder(tmp_path, n_projects=6)
    ended = threading.Event()

    def build_on() -> None:
        for number in range(60):
            build_folder(tmp_path, n_projects=6 + number % 2)
        ended.set()

    builder = threading.Thread(target=build_on)
    builder.start()
    n_loaded = 0
    while not ended.is_set():
        with contextlib.suppress(IntegrityError):
            dataset = package.load(out)
            assert dataset.manifest.counts is not None
            assert (
                len(dataset.projects)
                == dataset.manifest.counts.n_labeled
                == dataset.reports.threshold.projects.n_labeled
            )
            assert dataset.reports.validation.projects.n_valid == len(dataset.projects)
            n_loaded += 1
    builder.join()
    assert n_loaded


def test_a_run_under_way_is_told(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(repository, root)
    (root / "data/labeled/projects.parquet").unlink()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root / ".tagpipe")], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(IntegrityError, match="a build is under way"):
            package.load(root)
    finally:
        holder.communicate()
    with pytest.raises(InputError, match="is not there"):
        package.load(root)


HOLD = """
import sys, pathlib
from tagpipe.io.repository.lock import hold_run_lock
with hold_run_lock(pathlib.Path(sys.argv[1]), command="a run"):
    print("held", flush=True)
    sys.stdin.read()
"""

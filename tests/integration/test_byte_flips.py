"""One bit is flipped, anywhere under data, in DVC's cache or in the remote: it is found and named, or it is harmless.

Every file is as likely as another, and in it every bit. `make test-slow` flips a few dozen, `make soak` 1,000.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.in_process import dvc, run_tagpipe
from support.processes import OPENS_REVISIONS, git
from support.small_repository import build_small

import tagpipe
from tagpipe.dataset.dataset import Dataset
from tagpipe.errors import IntegrityError
from tagpipe.io.repository.files import md5_of

SEED = 20261128
N_SAMPLE = 48
N_FLIPS = 1_000
RUN_CACHE = ".dvc/cache/runs/"
"""What DVC knows of earlier runs of a stage; no dvc.lock names it."""
OUTPUTS = ("raw", "validated", "annotated", "labeled", "reports")
INPUTS = ("data/source/", "data/curation/")
"""What git has, beside the .gitignore of each folder: people change it, and git shows what has changed."""

pytestmark = OPENS_REVISIONS


@dataclass(frozen=True)
class Place:
    """A version that was built, committed and pushed. clone: one with no data of its own."""

    root: Path
    whole: Dataset
    reports: dict[str, bytes]

    @property
    def clone(self) -> Path:
        return self.root.with_name("clone")

    @property
    def files(self) -> list[Path]:
        """All that may be damaged; a flip needs a byte."""
        folders = (self.root / "data", self.root / ".dvc/cache", self.root.with_name("store"))
        return sorted(path for each in folders for path in each.rglob("*") if path.is_file() and path.stat().st_size)

    def name(self, path: Path) -> str:
        """As messages have it: relative to the repository, or the whole path of the remote."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("flips") / "repository"
    build_small(root)
    dvc(root, "remote", "add", "-q", "-d", "store", str(root.with_name("store")))
    dvc(root, "push", "-q")
    git(root, "commit", "-qam", "A remote")
    made = Place(root, tagpipe.load(root), reports_of(root))
    git(root.parent, "clone", "-q", str(root), "clone")
    return made


@dataclass(frozen=True)
class Damage:
    """One bit of a file, flipped in the block of `damaged`."""

    path: Path
    at: int
    bit: int

    def flip(self) -> bytes:
        """The bytes that were there. The mode stays: DVC takes a read-only object for a good one."""
        whole = self.path.read_bytes()
        data = bytearray(whole)
        data[self.at] ^= 1 << self.bit
        self.write(bytes(data))
        return whole

    def write(self, data: bytes) -> None:
        mode = self.path.stat().st_mode
        self.path.chmod(0o644)
        self.path.write_bytes(data)
        self.path.chmod(mode)


def draw_damages(files: list[Path], n: int) -> Iterator[Damage]:
    chance = random.Random(SEED)
    for _ in range(n):
        path = chance.choice(files)
        yield Damage(path, chance.randrange(path.stat().st_size), chance.randrange(8))


# --- who finds it -----------------------------------------------------------------------------------------------------


def find(place: Place, name: str) -> str:
    """Who finds the damage of a file; empty if nobody does."""
    if name.startswith(RUN_CACHE):
        return builds_the_same(place)
    if name.startswith(INPUTS) or name.endswith(".gitignore"):
        return "git status" if name in git(place.root, "status", "--porcelain") else ""
    plain = run_tagpipe(place.root, "verify")
    if plain.exit_code == IntegrityError.exit_code and name in plain.stderr:
        return "verify"
    deep = run_tagpipe(place.root, "verify", "--deep", "--json")
    if deep.exit_code != IntegrityError.exit_code:
        return ""
    objects = json.loads(deep.stdout)["objects"]
    corrupt = [copy["location"] for each in objects for copy in each["copies"] if copy["condition"] == "corrupt"]
    return "verify --deep" if corrupt == [name] else ""


def builds_the_same(place: Place) -> str:
    """What becomes of the damage in a copy whose outputs are gone, with only the run cache to say what they were."""
    copy = place.root.with_name("copy")
    shutil.copytree(place.root, copy, symlinks=True)
    try:
        (copy / "dvc.lock").unlink()
        for folder in OUTPUTS:
            shutil.rmtree(copy / "data" / folder)
        ended = run_tagpipe(copy, "run")
        if ended.exit_code == 0 and load(place, copy, rev=None) == "right":
            return "harmless: a build that DVC's run cache may serve" if reports_of(copy) == place.reports else ""
        print(ended.stderr[-600:], flush=True)
        return ""
    finally:
        shutil.rmtree(copy)


def reports_of(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "data/reports").iterdir()}


def load(place: Place, root: Path, *, rev: str | None) -> str:
    """What `tagpipe.load` does: it hands out the right tables, or says that they are damaged."""
    try:
        dataset = tagpipe.load(root, rev=rev)
    except IntegrityError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - whatever it is, the other flips are to be made, too
        return f"WRONG: {type(error).__name__}"
    whole = place.whole
    is_right = dataset.projects.equals(whole.projects) and dataset.tags.equals(whole.tags)
    return "right" if is_right and dataset.content_sha256 == whole.content_sha256 else "WRONG"


@contextmanager
def flipped(damage: Damage) -> Iterator[None]:
    whole = damage.flip()
    try:
        yield
    finally:
        damage.write(whole)


COUNTS = [pytest.param(N_SAMPLE, marks=pytest.mark.slow), pytest.param(N_FLIPS, marks=pytest.mark.soak)]


@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("n_flips", COUNTS)
def test_every_flipped_bit_is_found_or_harmless(place: Place, n_flips: int) -> None:
    n_found: Counter[str] = Counter()
    missed = []
    for damage in draw_damages(place.files, n_flips):
        with flipped(damage):
            found = find(place, place.name(damage.path))
        n_found[found] += 1
        if not found:
            missed.append(f"bit {damage.bit} of byte {damage.at} of {place.name(damage.path)}")
            print(missed[-1], flush=True)
    print(f"\n{n_flips} flips in {len(place.files)} files: {dict(n_found)}")
    assert missed == []


@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("n_flips", COUNTS)
def test_load_hands_out_no_damaged_table(place: Place, n_flips: int) -> None:
    """From the workspace, from DVC's cache, and from the remote."""
    n_loaded: Counter[str] = Counter()
    wrong = []
    read = {"projects.parquet", "tags.parquet", "manifest.json"}
    labeled = {md5_of(path.read_bytes()) for path in (place.root / "data/labeled").iterdir() if path.name in read}
    files = [path for path in place.files if md5_of(path.read_bytes()) in labeled]
    for damage in draw_damages(files, n_flips):
        name = place.name(damage.path)
        with flipped(damage):
            if name.startswith("data/"):
                loaded = load(place, place.root, rev=None)
            else:
                loaded = load(place, place.clone if name.startswith("/") else place.root, rev="v1")
        n_loaded[loaded] += 1
        if loaded.startswith("WRONG"):
            wrong.append(f"bit {damage.bit} of byte {damage.at} of {name}: {loaded}")
            print(wrong[-1], flush=True)
    print(f"\n{n_flips} flips in {len(files)} files that `load` reads: {dict(n_loaded)}")
    assert wrong == []

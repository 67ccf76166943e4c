"""A full disk, a broken disk or a kill at any system call that writes, of `build`, `vocab add`, `refresh` and `run`.

strace makes one call fail (ENOSPC, EIO), or kills the command as it makes it. The command ends with an exit code of
ours and no traceback, every file of the version is whole, and the same command afterwards ends as an undisturbed one.

`make test-slow` takes a dozen of them; `make soak` all errors, and kills up to 500 with those of test_kill.py.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.forked_commands import Forks, start_forks
from support.http_server import Server, answer, serve
from support.in_process import run_tagpipe
from support.publish_world import pin
from support.small_repository import PROJECTS, VOCABULARY, build_small
from support.system_calls import Point, Traced, require_strace, trace

from tagpipe.errors import TagpipeError
from tagpipe.io.repository.yaml_file import set_values

SEED = 20261128
N_SAMPLE = 12
N_KILLS = {"run": 210, "build": 70, "vocab add": 70, "refresh": 60}
"""With the 50 of test_kill.py and the 40 of publish/test_kill.py, 500."""
ERRORS = ("ENOSPC", "EIO")
EXIT_CODES = {0, *(kind.exit_code for kind in TagpipeError.__subclasses__())}
SCRATCH = re.compile(r"(^|/)\.[^/]*\.tmp(/|$)")
TIMES = re.compile(rb'"at": ?"[^"]*"')
NEW_PROJECTS = PROJECTS + "k-4,Nail,holds wood,ocr,2023-02-04\n"


@dataclass(frozen=True)
class Scene:
    """A command and the folder it writes in, which is copied from `template` to `place` before each run.

    folder: the working directory, in `place`. written: the folder, in `place`, whose system calls are disturbed.
    """

    name: str
    arguments: tuple[str, ...]
    template: Path
    place: Path
    folder: str
    written: str

    @property
    def root(self) -> Path:
        return self.place / self.written

    def restore(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.template, self.place, symlinks=True)

    def read(self) -> dict[str, bytes]:
        """Path -> content of every file that is not git's or DVC's own, nor scratch; the log of edits without times."""
        paths = [self.root / name for name in self._list_files() if not SCRATCH.search(name)]
        return {str(path.relative_to(self.root)): TIMES.sub(b'"at": 0', path.read_bytes()) for path in paths}

    def list_scratch(self) -> list[str]:
        """What was begun beside its place, and is still there."""
        return [name for name in self._list_files() if SCRATCH.search(name)]

    def _list_files(self) -> list[str]:
        paths = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        names = (path.relative_to(self.root).as_posix() for path in paths)
        return [name for name in names if not name.startswith((".tagpipe/", ".dvc/", ".git/"))]


@dataclass(frozen=True)
class Bench:
    """A scene, and what it is undisturbed."""

    scene: Scene
    forks: Forks
    points: tuple[Point, ...]
    before: dict[str, bytes]
    after: dict[str, bytes]

    def run(self, *, at: Point | None = None, effect: str = "") -> Traced:
        scene = self.scene
        fork = self.forks.stop_before(scene.place / scene.folder, *scene.arguments)
        return trace(fork, scene.root, scene.place.with_name("strace.log"), at=at, effect=effect)

    def run_again(self) -> tuple[int, str]:
        scene = self.scene
        return self.forks.stop_before(scene.place / scene.folder, *scene.arguments).go_on()


# --- the four scenes --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    script = {"/projects.csv": [answer(NEW_PROJECTS.encode())], "/vocabulary.csv": [answer(VOCABULARY.encode())]}
    with serve(script) as running:
        yield running


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset repository with one version."""
    root = tmp_path_factory.mktemp("built") / "repository"
    build_small(root)
    return root


@pytest.fixture(scope="module")
def benches(built: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bench]]:
    require_strace()
    folder = tmp_path_factory.mktemp("injected")
    made: dict[str, Bench] = {}
    with start_forks(folder) as forks:

        def bench(name: str) -> Bench:
            if name not in made:
                made[name] = set_up(SCENES[name](built, server, folder / name.replace(" ", "-")), forks)
            return made[name]

        yield bench


def set_up(scene: Scene, forks: Forks) -> Bench:
    for _ in range(2):  # what the first imports late, the second has
        scene.restore()
        forks.warm(scene.place / scene.folder, *scene.arguments)
    scene.restore()
    before = scene.read()
    undisturbed = Bench(scene, forks, (), before, {}).run()
    assert undisturbed.exit_code == 0, undisturbed.said
    after = scene.read()
    assert after != before
    return Bench(scene, forks, undisturbed.points, before, after)


def build_scene(built: Path, _server: Server, folder: Path) -> Scene:
    """Into the folder of an earlier build."""
    template = folder / "template"
    shutil.copytree(built / "data/source", template / "in")
    shutil.copyfile(built / "params.yaml", template / "in/params.yaml")
    place = folder / "place"
    inputs = ("--projects", "in/projects.csv", "--vocabulary", "in/vocabulary.csv", "--params", "in/params.yaml")
    scene = Scene("build", ("build", *inputs, "--out", "out"), template, place, ".", "out")
    scene.restore()

    ended = run_tagpipe(place, *scene.arguments)
    assert ended.exit_code == 0, ended.stderr
    shutil.copytree(place / "out", template / "out")
    (template / "in/projects.csv").write_text(NEW_PROJECTS, encoding="utf-8")
    return scene


def edit_scene(built: Path, _server: Server, folder: Path) -> Scene:
    template = folder / "template"
    shutil.copytree(built, template / "repository", symlinks=True)
    arguments = ("vocab", "add", "flask", "--yes")
    return Scene("vocab add", arguments, template, folder / "place", "repository", "repository")


def refresh_scene(built: Path, server: Server, folder: Path) -> Scene:
    """Of a repository that follows an upstream, which has a project more by now."""
    template = folder / "template"
    root = template / "repository"
    shutil.copytree(built, root, symlinks=True)
    bodies = {"projects": PROJECTS.encode(), "vocabulary": VOCABULARY.encode()}
    sources = {("source", name): pin(server.url(f"/{name}.csv"), body) for name, body in bodies.items()}
    set_values(root / "params.yaml", {**sources, ("source", "download", "allow_private"): True})
    return Scene("refresh", ("refresh",), template, folder / "place", "repository", "repository")


def run_scene(built: Path, _server: Server, folder: Path) -> Scene:
    """Of a version that was built, whose source has a project more by now: every stage runs."""
    template = folder / "template"
    root = template / "repository"
    shutil.copytree(built, root, symlinks=True)
    (root / "data/source/projects.csv").write_text(NEW_PROJECTS, encoding="utf-8")
    return Scene("run", ("run",), template, folder / "place", "repository", "repository")


SCENES: dict[str, Callable[[Path, Server, Path], Scene]] = {
    "build": build_scene,
    "vocab add": edit_scene,
    "refresh": refresh_scene,
    "run": run_scene,
}


# --- what must hold ---------------------------------------------------------------------------------------------------


def find_wrong(bench: Bench, at: Point, effect: str) -> list[str] | None:
    """What does not hold after a disturbed run, and after the same command again; None if no call was disturbed."""
    scene = bench.scene
    scene.restore()
    ended = bench.run(at=at, effect=effect)
    if not ended.hit:
        return None
    is_killed = effect == "SIGKILL"
    wrong = [] if is_killed else list(check_end(ended))
    wrong += check_files(bench, is_killed=is_killed)
    is_done = scene.read() == bench.after
    if ended.exit_code == 0 and not is_done:
        wrong.append("it said that all is well, and it is not")
    if not is_done or scene.list_scratch():
        wrong += check_again(bench, is_done=is_done)
    where = f"{scene.name}, {effect} at {at.name} {at.nth} ({at.path}), which ended with {ended.exit_code}"
    return [f"{where}: {each}" for each in wrong]


def check_end(ended: Traced) -> Iterator[str]:
    if ended.exit_code not in EXIT_CODES or "Traceback" in ended.said:
        yield f"no error of ours: {ended.said.strip()[-2000:]}"


def check_files(bench: Bench, *, is_killed: bool) -> Iterator[str]:
    """Every file is the one before or the one after; the log of edits may have a line that is pending.

    A kill may leave dvc.lock cut off (DVC writes it in place), which the next run puts back.
    """
    for name, content in bench.scene.read().items():
        if content in (bench.before.get(name), bench.after.get(name)) or (is_killed and name == "dvc.lock"):
            continue
        if name.endswith("vocabulary-log.jsonl") and is_whole_log(content):
            continue
        yield f"{name} is neither the file before nor the one after"


def check_again(bench: Bench, *, is_done: bool) -> Iterator[str]:
    """The same command once more. Where the edit is made already, it says so with 2."""
    exit_code, said = bench.run_again()
    if exit_code != 0 and not (is_done and exit_code == 2):
        yield f"the same command again ends with {exit_code}: {said.strip()[-500:]}"
    now, after = bench.scene.read(), bench.after
    if differing := sorted(name for name in now.keys() | after if now.get(name) != after.get(name)):
        yield f"after the same command again {differing} are not as after an undisturbed one"
    if left := bench.scene.list_scratch():
        yield f"the same command again leaves {left}"


def is_whole_log(content: bytes) -> bool:
    lines = content.split(b"\n")
    return lines.pop() == b"" and all(isinstance(json.loads(line), dict) for line in lines)


def disturb(bench: Bench, points: list[tuple[Point, str]]) -> Counter[tuple[str, str]]:
    """Disturb a run at each point. Return how many were disturbed, by the call and the effect."""
    wrong: list[str] = []
    n_hit: Counter[tuple[str, str]] = Counter()
    for at, effect in points:
        found = find_wrong(bench, at, effect)
        if found is not None:
            n_hit[at.name, effect] += 1
            wrong += found
            for each in found:
                print(f"WRONG {each}", flush=True)
    assert wrong == []
    return n_hit


def tell(bench: Bench, n_hit: Counter[tuple[str, str]]) -> None:
    print(f"\n`{bench.scene.name}`: {len(bench.points)} calls that write, {n_hit.total()} disturbed")
    for (call, effect), n in sorted(n_hit.items()):
        print(f"  {call:16} {effect:8} {n}")


def one_of_each_call(points: list[tuple[Point, str]], chance: random.Random) -> list[tuple[Point, str]]:
    """So many that every call is among them, if there are no more kinds of it than that."""
    shuffled = chance.sample(points, len(points))
    kinds = {point.name: (point, effect) for point, effect in shuffled}
    rest = [each for each in shuffled if each not in kinds.values()]
    return [*kinds.values(), *rest][:N_SAMPLE]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_a_sample_of_errors_at_calls_that_write(benches: Callable[[str], Bench], name: str) -> None:
    bench = benches(name)
    points = [(point, effect) for point in bench.points for effect in ERRORS]
    n_hit = disturb(bench, one_of_each_call(points, random.Random(SEED)))
    assert n_hit.total() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_a_sample_of_kills_at_calls_that_write(benches: Callable[[str], Bench], name: str) -> None:
    bench = benches(name)
    points = [(point, "SIGKILL") for point in bench.points]
    n_hit = disturb(bench, one_of_each_call(points, random.Random(SEED)))
    assert n_hit.total() > 0


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("name", SCENES)
def test_an_error_at_every_call_that_writes(benches: Callable[[str], Bench], name: str) -> None:
    bench = benches(name)
    tell(bench, disturb(bench, [(point, effect) for point in bench.points for effect in ERRORS]))


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("name", SCENES)
def test_kills_at_calls_that_write(benches: Callable[[str], Bench], name: str) -> None:
    """Drawn without repeating any while there are others."""
    bench, chance = benches(name), random.Random(SEED)
    drawn: list[Point] = []
    while len(drawn) < N_KILLS[name]:
        drawn += chance.sample(bench.points, min(len(bench.points), N_KILLS[name] - len(drawn)))
    tell(bench, disturb(bench, [(point, "SIGKILL") for point in drawn]))

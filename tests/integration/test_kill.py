"""kill -9 at any point of `tagpipe run`, then the same command again: it finishes by itself, with the same digest."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.in_process import build, dvc, run_tagpipe
from support.processes import Start, commit, end
from support.waiting import wait_until

import tagpipe
from tagpipe.errors import DEFECT_EXIT_CODE
from tagpipe.io.repository.files import read_json
from tagpipe.io.repository.lock import Holder, hold_run_lock, is_locked, read_holder
from tagpipe.operations.init_repository import init_repository

Snapshot = Callable[[Path], dict[str, bytes]]
StopRun = Callable[[str], tuple[subprocess.Popen[str], Path]]

N_TRIES = 20
VICTIMS = ("run", "dvc", "stage", "run and dvc", "all")
RUN = [sys.executable, "-m", "tagpipe", "run"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one good, committed version."""
    root = tmp_path_factory.mktemp("kill") / "template"
    init_repository(root)
    build(root)
    commit(root, "version")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A copy of the template whose source has changed, so that all stages must run."""
    return changed_copy(template, tmp_path / "project", n_left_out=1)


def changed_copy(template: Path, root: Path, *, n_left_out: int) -> Path:
    shutil.copytree(template, root, symlinks=True)
    source = root / "data/source/projects.json"
    rows = json.loads(source.read_text(encoding="utf-8"))
    source.write_text(json.dumps(rows[:-n_left_out]), encoding="utf-8")
    return root


def run_to_end(root: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(RUN, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def expected_digest(root: Path) -> str:
    """What the pipeline gives in one undisturbed process."""
    sources = root / "data/source"
    built = tagpipe.build(sources / "projects.json", sources / "vocabulary.json", params=root / "params.yaml")
    return built.content_sha256


def digest_on_disk(root: Path) -> str:
    return str(read_json(root / "data/labeled/manifest.json")["content_sha256"])


def start_run(root: Path, start: Start) -> subprocess.Popen[str]:
    """In a process group of its own, as a shell starts it."""
    return start(RUN, root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0)


def working_stage(root: Path) -> Holder | None:
    """Who holds the lock of the stage that is at its work now."""
    lock = root / ".tagpipe/stage.lock"
    try:
        holder = Holder(**json.loads(lock.read_bytes()))
    except (OSError, ValueError):
        return None  # none yet, or just being written
    is_stage = not holder.command.startswith("none")  # the run itself takes this lock for a moment when it begins
    return holder if holder.is_alive and is_stage and is_locked(lock) else None


@pytest.fixture
def stopped_run(template: Path, tmp_path: Path, start: Start) -> Iterator[StopRun]:
    """A run of a changed copy of the template, and its folder, when the named stage is at its work and stopped there.

    A stage is at work for half a second, which a busy machine may let pass unseen: the next copy then has another try.
    """
    stopped: list[psutil.Process] = []

    def run(stage: str) -> tuple[subprocess.Popen[str], Path]:
        for n_left_out in range(1, N_TRIES + 1):
            root = changed_copy(template, tmp_path / str(n_left_out), n_left_out=n_left_out)
            process = start_run(root, start)
            if (worker := stop_stage(root, process, stage)) is not None:
                stopped.append(worker)
                return process, root
            process.communicate()
        raise AssertionError(f"{stage} was never seen at its work")

    yield run
    for worker in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


def stop_stage(root: Path, process: subprocess.Popen[str], stage: str) -> psutil.Process | None:
    """The process of the stage, stopped; None if the run ends without its being seen."""
    while process.poll() is None:
        holder = working_stage(root)
        if holder is not None and holder.command == stage:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker = stop(psutil.Process(holder.pid))
                if working_stage(root) == holder:
                    return worker
                worker.resume()  # it had just ended its work
        time.sleep(0.002)
    return None


def stop(process: psutil.Process) -> psutil.Process:
    process.suspend()
    wait_until(lambda: process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE), poll_s=0.002)
    return process


def kill(process: subprocess.Popen[str], victim: str) -> bool:
    """SIGKILL the victim among the run, its DVC and the working stage; whether it was there, and died of it.

    Where any part of the victim is not there, nothing is killed. A run that loses its DVC or stage ends with an error,
    when the stage, which goes on if it was stopped, has ended.
    """
    run, dvc, stages = find_family(process)
    groups = {"run": [run], "dvc": [dvc], "stage": [stages], "run and dvc": [run, dvc], "all": [run, dvc, stages]}
    if not all(groups[victim]):
        return False
    for each in (each for group in groups[victim] for each in group):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    resume(stages)
    process.communicate()
    return process.returncode != 0


def resume(stages: list[psutil.Process]) -> None:
    for stage in stages:
        with contextlib.suppress(psutil.NoSuchProcess):
            stage.resume()


def find_family(process: subprocess.Popen[str]) -> tuple[list[psutil.Process], ...]:
    """(the run, its DVC, the stage), each empty where it has ended or not begun."""
    if process.poll() is not None:
        return [], [], []
    run = psutil.Process(process.pid)
    children = run.children(recursive=True)
    return ([run], *([each for each in children if is_running(each, module)] for module in ("dvc", "tagpipe.stages")))


def is_running(process: psutil.Process, module: str) -> bool:
    try:
        return any(part.startswith(module) for part in process.cmdline())
    except psutil.Error:
        return False


def assert_whole(root: Path) -> None:
    assert digest_on_disk(root) == expected_digest(root)
    assert run_tagpipe(root, "verify").exit_code == 0
    dvc(root, "status", "-q")  # a failure if anything has changed


@pytest.mark.parametrize(
    ("victim", "stage"),
    [
        ("run", "validate"),
        pytest.param("stage", "validate", marks=pytest.mark.slow),
        pytest.param("dvc", "annotate", marks=pytest.mark.slow),
        pytest.param("run and dvc", "annotate", marks=pytest.mark.slow),
    ],
)
def test_killed_run_is_finished_by_the_next(stopped_run: StopRun, victim: str, stage: str) -> None:
    process, project = stopped_run(stage)
    assert kill(process, victim), "nothing was killed"
    assert process.returncode == (-signal.SIGKILL if victim.startswith("run") else DEFECT_EXIT_CODE)
    build(project)
    assert_whole(project)


@pytest.mark.slow
@pytest.mark.parametrize("receiver", ["group", "run"])
def test_interrupted_run_puts_the_last_good_version_back(
    receiver: str, template: Path, stopped_run: StopRun, snapshot: Snapshot
) -> None:
    """Ctrl-C reaches the run, its DVC and the stage; `kill -INT` the run alone, which then waits for the others."""
    process, project = stopped_run("annotate")
    assert (project / "dvc.lock").read_bytes() != (template / "dvc.lock").read_bytes()
    if receiver == "group":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    resume(find_family(process)[-1])
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "warning:" not in said
    assert version_of(project, snapshot) == version_of(template, snapshot)
    assert not (project / ".tagpipe/begun.lock").exists()
    run_to_end(project)
    assert_whole(project)


def version_of(root: Path, snapshot: Snapshot) -> dict[str, bytes]:
    """dvc.lock, every output and every report."""
    data = {path: content for path, content in snapshot(root / "data").items() if not path.startswith("source/")}
    return {**data, "dvc.lock": (root / "dvc.lock").read_bytes()}


def test_garbled_dvc_lock_is_healed(project: Path) -> None:
    (project / ".dvc/tmp/rwlock").write_text('{"/data/raw": {"wri')
    build(project)
    assert_whole(project)


def write_dvc_lock(root: Path, pid: int) -> None:
    """DVC's lock file as a killed `dvc repro` leaves it in the middle of fetch."""
    holder = {"pid": pid, "cmd": "dvc repro"}
    held = {"write": {str(root / "data/raw"): holder}, "read": {str(root / "data/source"): [holder]}}
    (root / ".dvc/tmp/rwlock").write_text(json.dumps(held))


def test_lock_of_a_zombie_is_healed(project: Path, start: Start) -> None:
    """A killed DVC that nobody has reaped: DVC itself takes it for a living one."""
    killed = start(["sleep", "infinity"], project)
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE
    write_dvc_lock(project, killed.pid)
    build(project)
    assert_whole(project)


def test_lock_of_a_living_dvc_is_respected(project: Path) -> None:
    write_dvc_lock(project, os.getpid())
    refused = subprocess.run(RUN, cwd=project, capture_output=True, text=True, check=False)
    assert refused.returncode == 6
    assert (
        f"another DVC command is at work in this dataset repository; found (PID {os.getpid()}): dvc repro."
        in refused.stderr
    )


HOLD = """
import time
from pathlib import Path
from tagpipe.io.repository.lock import hold_stage_lock
with hold_stage_lock(Path(".tagpipe"), stage="annotate"):
    print("held", flush=True)
    while not Path(".tagpipe/end").exists():
        time.sleep(0.05)
"""


def test_orphaned_stage_is_waited_for(project: Path, start: Start) -> None:
    orphan = start([sys.executable, "-c", HOLD], project, stdout=subprocess.PIPE)
    assert orphan.stdout is not None
    assert orphan.stdout.readline() == "held\n"
    process = start_run(project, start)
    wait_until(lambda: is_holder(process.pid, project / ".tagpipe/run.lock"))
    time.sleep(2)  # enough for a run that does not wait to end; where it is not, the test is only less strict
    assert process.poll() is None, "the run did not wait for the orphaned stage"
    (project / ".tagpipe/end").touch()
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert orphan.wait() == 0


def is_holder(pid: int, lock: Path) -> bool:
    holder = read_holder(lock)
    return holder is not None and holder.pid == pid


def test_living_run_is_not_waited_for(project: Path) -> None:
    with hold_run_lock(project / ".tagpipe", command="another run"):
        refused = run_tagpipe(project, "run")
    assert refused.exit_code == 6
    assert f"process {os.getpid()} (another run), begun 2" in refused.stderr
    build(project)


@pytest.mark.soak
def test_fifty_kills(template: Path, tmp_path: Path, start: Start) -> None:
    """50 real kills at random moments of random victims; the counts are printed for docs/reliability.md."""
    chance = random.Random(20261124)
    whole_s = measure_rerun(changed_copy(template, tmp_path / "whole", n_left_out=1))
    n_killed: Counter[str] = Counter()
    n_at: Counter[str] = Counter()
    n_drawn, slowest_s = 0, 0.0
    while n_killed.total() < 50:
        n_drawn += 1
        assert n_drawn <= 500, f"only {n_killed.total()} of 500 draws found their victim"
        root = changed_copy(template, tmp_path / str(n_drawn), n_left_out=1 + n_drawn)
        victim, moment_s = chance.choice(VICTIMS), chance.uniform(0, whole_s)
        process = start_run(root, start)
        time.sleep(moment_s)
        stage = holder.command if (holder := working_stage(root)) else "no stage at work"
        if kill(process, victim):
            slowest_s = max(slowest_s, measure_rerun(root))
            assert_whole(root)
            n_killed[victim] += 1
            n_at[stage] += 1
        else:
            end(process)
        shutil.rmtree(root)
    print(
        f"\n{n_killed.total()} kills of {n_drawn} draws, the others without their victim; from 0 to {whole_s:.1f} s"
        f"\nvictims {dict(n_killed)}\nat {dict(n_at)}\nslowest rerun {slowest_s:.1f} s"
    )


def measure_rerun(root: Path) -> float:
    """Seconds of a run that must succeed."""
    began = time.monotonic()
    run_to_end(root)
    return time.monotonic() - began

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
from pathlib import Path

import psutil
import pytest

import tagpipe
from tagpipe.io.files import read_json
from tagpipe.io.lock import hold_run_lock
from tagpipe.project import init_project

VICTIMS = ("run", "dvc", "stage", "run and dvc", "all")
RUN = [sys.executable, "-m", "tagpipe", "run"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one good, committed version."""
    root = tmp_path_factory.mktemp("kill") / "template"
    init_project(root)
    run_to_end(root)
    commit(root)
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A copy of the template whose source has changed, so that all four stages must run."""
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    source = root / "data/source/projects.json"
    source.write_text(json.dumps(json.loads(source.read_text(encoding="utf-8"))[:-1]), encoding="utf-8")
    return root


def commit(root: Path) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "version"], cwd=root, check=True)


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


def kill(process: subprocess.Popen[bytes], victim: str) -> bool:
    """SIGKILL the victim among the run, its DVC and the running stage; whether it was there to be killed."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return False
    dvc = [child for child in children if is_running(child, "dvc")]
    stages = [child for child in children if is_running(child, "tagpipe.stages")]
    chosen = {"run": [], "dvc": dvc, "stage": stages, "run and dvc": dvc, "all": [*dvc, *stages]}[victim]
    if victim in ("run", "run and dvc", "all"):
        process.send_signal(signal.SIGKILL)
    for child in chosen:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    return bool(chosen) or victim == "run"


def is_running(process: psutil.Process, module: str) -> bool:
    try:
        return any(part.startswith(module) for part in process.cmdline())
    except psutil.Error:
        return False


def kill_once(root: Path, delay_s: float, victim: str) -> tuple[bool, float]:
    """Start a run, kill the victim after `delay_s`; whether anything was killed, and the seconds of the rerun."""
    process = subprocess.Popen(RUN, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    killed = kill(process, victim)
    process.wait()
    began = time.monotonic()
    run_to_end(root)
    return killed, time.monotonic() - began


def assert_whole(root: Path) -> None:
    assert digest_on_disk(root) == expected_digest(root)
    subprocess.run([sys.executable, "-m", "tagpipe", "verify"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    status = subprocess.run([sys.executable, "-m", "dvc", "status", "-q"], cwd=root, check=False)
    assert status.returncode == 0


@pytest.mark.parametrize(("delay_s", "victim"), [(1.2, "run"), (2.4, "run and dvc"), (3.6, "stage")])
def test_killed_run_is_finished_by_the_next(project: Path, delay_s: float, victim: str) -> None:
    kill_once(project, delay_s, victim)
    assert_whole(project)


def test_garbled_dvc_lock_is_healed(project: Path) -> None:
    (project / ".dvc/tmp/rwlock").write_text('{"/data/raw": {"wri')
    run_to_end(project)
    assert_whole(project)


def write_dvc_lock(root: Path, pid: int) -> None:
    """DVC's lock file as a killed `dvc repro` leaves it in the middle of fetch."""
    holder = {"pid": pid, "cmd": "dvc repro"}
    held = {"write": {str(root / "data/raw"): holder}, "read": {str(root / "data/source"): [holder]}}
    (root / ".dvc/tmp/rwlock").write_text(json.dumps(held))


def test_lock_of_a_zombie_is_healed(project: Path) -> None:
    """A killed DVC that nobody has reaped: DVC itself takes it for a living one."""
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE
    write_dvc_lock(project, killed.pid)
    run_to_end(project)
    killed.wait()
    assert_whole(project)


def test_lock_of_a_living_dvc_is_respected(project: Path) -> None:
    write_dvc_lock(project, os.getpid())
    refused = subprocess.run(RUN, cwd=project, capture_output=True, text=True, check=False)
    assert refused.returncode == 6
    assert f"another DVC command is at work in this project; found (PID {os.getpid()}): dvc repro." in refused.stderr


def test_orphaned_stage_is_waited_for(project: Path) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from tagpipe.io.lock import hold_stage_lock\n"
        "with hold_stage_lock(Path('.tagpipe'), stage='annotate'):\n    print('held', flush=True); time.sleep(2)\n"
    )
    orphan = subprocess.Popen([sys.executable, "-c", hold], cwd=project, stdout=subprocess.PIPE)
    assert orphan.stdout is not None
    assert orphan.stdout.readline() == b"held\n"
    run_to_end(project)
    assert orphan.poll() == 0, "the run did not wait for the orphaned stage"
    orphan.stdout.close()


def test_living_run_is_not_waited_for(project: Path) -> None:
    with hold_run_lock(project / ".tagpipe", command="another run"):
        refused = subprocess.run(RUN, cwd=project, capture_output=True, text=True, check=False)
    assert refused.returncode == 6
    assert f"process {os.getpid()} (another run), begun 2" in refused.stderr
    run_to_end(project)


@pytest.mark.soak
def test_fifty_kills(template: Path, tmp_path: Path) -> None:
    """50 kills at random moments of random victims; the counts are printed for docs/reliability.md."""
    chance = random.Random(20261123)
    n_killed: Counter[str] = Counter()
    slowest_s = 0.0
    for number in range(50):
        root = tmp_path / str(number)
        shutil.copytree(template, root, symlinks=True)
        source = root / "data/source/projects.json"
        source.write_text(json.dumps(json.loads(source.read_text(encoding="utf-8"))[: -1 - number]), encoding="utf-8")
        victim = chance.choice(VICTIMS)
        killed, rerun_s = kill_once(root, chance.uniform(0.2, 9.0), victim)
        assert_whole(root)
        n_killed[victim] += killed
        slowest_s = max(slowest_s, rerun_s)
        shutil.rmtree(root)
    print(f"\n50 kills: {dict(n_killed)} found their victim alive; slowest rerun {slowest_s:.1f} s")

"""A local Prefect server with the deployments of prefect.yaml and a worker for them, in one command.

    python -m flows.schedule [PORT]      # make schedule

The server has no authentication, so it listens on loopback only; its database is in .prefect/. Ctrl-C stops everything,
runs under way included; the next run cleans up after them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tagpipe.errors import Busy, ConfigError, TagpipeError

HOST = "127.0.0.1"
DEFAULT_PORT = 4200
POOL = "tagpipe"
REPO_VARIABLE = "tagpipe_repo"

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.3
ENDED_EXIT_CODE = 1
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal arrives (exit code 0), or one of the two processes ends by itself (exit code 1)."""
    for number in _STOPPING:
        signal.signal(number, _interrupt)
    try:
        return serve(Path.cwd(), int(arguments[0]) if arguments else DEFAULT_PORT)
    except TagpipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", flush=True)
        return 0


def serve(root: Path, port: int) -> int:
    """Start everything for the dataset repository at `root`, say where it is, and wait. Raises Busy or ConfigError."""
    check_port(port)
    home = Path(os.environ.get("PREFECT_HOME") or root / ".prefect").resolve()
    home.mkdir(parents=True, exist_ok=True)
    environment = make_environment(os.environ, home, port)
    log = home / "server.log"
    print(f"starting a Prefect server (log: {log})", flush=True)
    with running(["server", "start", "--host", HOST, "--port", str(port)], root, environment, log) as server:
        wait_until_ready(server, port, log)
        deploy(root, environment)
        worker_log = home / "worker.log"
        with running(["worker", "start", "--pool", POOL, "--type", "process"], root, environment, worker_log) as worker:
            print(f"Prefect is at http://{HOST}:{port} (log of the runs: {worker_log}). Ctrl-C stops it.", flush=True)
            return wait_until_one_ends({"server": (server, log), "worker": (worker, worker_log)})


def make_environment(outer: Mapping[str, str], home: Path, port: int) -> dict[str, str]:
    """The environment that points to this server, whatever Prefect profile or Cloud account `outer` names."""
    ours = ("PREFECT_API_", "PREFECT_PROFILE", "PREFECT_UI_", "PREFECT_SERVER_API_")
    return {
        **{name: value for name, value in outer.items() if not name.startswith(ours)},
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
    }


def check_port(port: int) -> None:
    """Raise Busy if something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Busy(
                f"something listens on port {port} already, perhaps another `make schedule`",
                fix="Stop it, or name another port: make schedule PORT=4201",
            ) from None


def wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server answers. Raises ConfigError if it ends, or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/api/health", timeout=2):
                return
        except OSError:
            time.sleep(POLL_S)
    raise ConfigError("the Prefect server did not start", file=str(log), fix="Read the end of that file")


def deploy(root: Path, environment: Mapping[str, str]) -> None:
    """Create or replace the work pool, the variable and the deployments. Raises ConfigError."""
    run_prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], root, environment)
    run_prefect(["variable", "set", REPO_VARIABLE, str(root), "--overwrite"], root, environment)
    run_prefect(["deploy", "--all"], root, environment)


def run_prefect(arguments: Sequence[str], root: Path, environment: Mapping[str, str]) -> None:
    """Run a Prefect command silently. Raises ConfigError with its output if it fails."""
    done = subprocess.run(
        _command(arguments),
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip().splitlines()
        raise ConfigError(f"`prefect {' '.join(arguments)}` failed", details=tuple(output[-20:]))


def wait_until_one_ends(processes: Mapping[str, tuple[subprocess.Popen[bytes], Path]]) -> int:
    """Wait until one of the processes has ended, and say which."""
    while True:
        for name, (process, log) in processes.items():
            if process.poll() is not None:
                print(f"error: the {name} has ended ({process.returncode}): {log}", file=sys.stderr, flush=True)
                return ENDED_EXIT_CODE
        time.sleep(POLL_S)


@contextmanager
def running(
    arguments: Sequence[str], root: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Prefect process for the duration of the block; nothing that it started outlives it."""
    process = start(arguments, root, environment, log)
    try:
        yield process
    finally:
        stop(process)


def start(arguments: Sequence[str], root: Path, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a Prefect process."""
    with log.open("ab") as output:
        return subprocess.Popen(
            _command(arguments),
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches only us, so that the worker is stopped before its server
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and everything it started, gently at first."""
    if process.poll() is not None:
        return  # its PID may be somebody else's by now
    family = _find_family(process.pid)
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        family += _find_family(process.pid)
    for member in family:
        _signal(member, signal.SIGINT)
    _, alive = psutil.wait_procs(set(family), timeout=STOP_TIMEOUT_S)
    for member in alive:
        _signal(member, signal.SIGKILL)
    process.wait()


def _find_family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    """Signal the process if it is still there; psutil notices if another one has its PID by now."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "prefect", "--no-prompt", *arguments]


def _interrupt(*_: object) -> None:
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)  # one is enough: stopping takes a bounded time
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

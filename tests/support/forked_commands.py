"""Commands in forks of a process that has imported all that they need: a run costs what it does, and not its start.

DVC and the stages are called in the fork, as in `support.in_process`. A fork stops before it begins, so that strace can
be attached: the calls that strace counts are then those of the command, and not those of Python's imports.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.paths import REPO


@dataclass(frozen=True)
class Fork:
    """A fork that has stopped before its command."""

    pid: int
    program: subprocess.Popen[str]
    output: Path

    def go_on(self) -> tuple[int, str]:
        """Let it begin. Return its exit code, negative for a signal, and all that it said."""
        os.kill(self.pid, signal.SIGCONT)
        return int(_read_line(self.program)), self.output.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Forks:
    """The process whose forks run commands."""

    program: subprocess.Popen[str]
    output: Path

    def stop_before(self, folder: Path, *arguments: str) -> Fork:
        """`tagpipe ARGUMENT...` in a folder, in a fork that waits for `go_on`."""
        return self._order(folder, arguments, warm=False)

    def warm(self, folder: Path, *arguments: str) -> None:
        """Run the command, and let the process import what the fork has imported."""
        exit_code, said = self._order(folder, arguments, warm=True).go_on()
        assert exit_code == 0, said

    def _order(self, folder: Path, arguments: Sequence[str], *, warm: bool) -> Fork:
        order = {"folder": str(folder), "arguments": arguments, "output": str(self.output), "warm": warm}
        assert self.program.stdin is not None
        self.program.stdin.write(json.dumps(order) + "\n")
        self.program.stdin.flush()
        return Fork(int(_read_line(self.program)), self.program, self.output)


def _read_line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    line = program.stdout.readline()
    assert line, "the process that forks has ended"
    return line


@contextlib.contextmanager
def start_forks(folder: Path) -> Iterator[Forks]:
    """The process, until the block ends. folder: for what its forks say."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO / "tests"), str(REPO)])}
    command = [sys.executable, "-m", "support.forked_commands"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            yield Forks(program, folder / "said.txt")
        finally:
            program.kill()


# --- in that process ------------------------------------------------------------------------------------------------


def _serve() -> None:
    warnings.simplefilter("ignore")  # as for a command that a person calls
    from support.in_process import run_tagpipe  # noqa: F401 - before the first fork

    for line in sys.stdin:
        order = json.loads(line)
        modules = Path(order["output"] + ".modules")
        pid = os.fork()
        if pid == 0:
            _obey(order, modules)
        os.waitpid(pid, os.WUNTRACED)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        if order["warm"]:
            for name in modules.read_text(encoding="utf-8").split():
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _obey(order: dict[str, str], modules: Path) -> None:
    """The fork's whole life."""
    from support.in_process import run_tagpipe

    with Path(order["output"]).open("w", encoding="utf-8", errors="backslashreplace") as output:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            ended = run_tagpipe(Path(order["folder"]), *order["arguments"])
            exit_code, said = ended.exit_code, ended.stdout + ended.stderr
        except BaseException:  # noqa: BLE001 - whatever it is, the test must see it
            exit_code, said = 99, traceback.format_exc()
        output.write(said)
    if order["warm"]:
        modules.write_text("\n".join(sys.modules), encoding="utf-8")
    os._exit(exit_code)


if __name__ == "__main__":
    _serve()

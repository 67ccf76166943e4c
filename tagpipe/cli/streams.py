"""Standard output and error that may be full, closed or a pipe that nobody reads any more: never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

IO_EXIT_CODE = 74
"""Output, or a file that no other code speaks of, could not be written or read (sysexits.h EX_IOERR)."""

PIPE_EXIT_CODE = 141
"""Who read the output has gone, as `head` does: 128 + SIGPIPE, which is how a shell shows the end of other programs."""


class OutputFailed(Exception):
    """Standard output took no more. Not an OSError: click would end a broken pipe with 1, which means an answer."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def exit_code(self) -> int:
        return PIPE_EXIT_CODE if self.error.errno == errno.EPIPE else IO_EXIT_CODE


class _Stream:
    """A stream whose failures go to `fail`."""

    def __init__(self, stream: Any, fail: Callable[[OSError], None]) -> None:
        self._stream = stream
        self._fail = fail

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _Stream:
        return _Stream(self._stream.buffer, self._fail)

    def write(self, text: str | bytes) -> int:
        try:
            return int(self._stream.write(text))
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)


def _end_command(error: OSError) -> None:
    raise OutputFailed(error) from None


def _ignore(_error: OSError) -> None:
    """There is no place to say so, and no reason to end what was asked for."""


class _Closed:
    """A closed standard output: every write fails."""

    encoding = "utf-8"
    errors = "strict"

    def isatty(self) -> bool:
        return False

    @property
    def buffer(self) -> _Closed:
        return self

    def write(self, _text: str | bytes) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def flush(self) -> None:
        pass


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """In the block, printing raises OutputFailed, or nothing where it is to standard error."""
    _open_descriptors()
    out, err = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as null:  # noqa: PTH123 - a device
        # None: it was closed before Python began.
        sys.stdout = _Stream(_Closed() if out is None else out, _end_command)
        sys.stderr = _Stream(null if err is None else err, _ignore)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = out, err
            for stream in (out, err):
                _give_up_unwritten(stream)


def _open_descriptors() -> None:
    """Open the null device in place of closed standard streams, so that no file of ours gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number


def _give_up_unwritten(stream: Any) -> None:
    """Flush; if that fails, send what is left nowhere, or Python would try it again at the end and complain."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        with contextlib.suppress(OSError):
            stream.flush()

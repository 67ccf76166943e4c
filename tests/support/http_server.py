"""A real HTTP server on loopback whose answers, faults too, are scripted byte by byte."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Write = Callable[[bytes], object]
Reply = Callable[[Write, threading.Event], None]
"""Writes an answer. The event is set when the server stops; whoever waits must wait on it."""


def raw(data: bytes) -> Reply:
    """Exactly these bytes, then the connection is closed (no bytes: closed without an answer)."""
    return lambda write, _stopped: write(data) and None


def head(status: int = 200, **headers: object) -> bytes:
    """A status line and headers (`content_length=5` is `Content-Length: 5`)."""
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Scripted", "Connection: close", *lines, "", ""]).encode("latin-1")


def answer(body: bytes, status: int = 200, **headers: object) -> Reply:
    """A whole answer with its true length."""
    return raw(head(status, content_length=len(body), **headers) + body)


def failure(status: int) -> Reply:
    """An error page."""
    return answer(b"<html>no</html>", status, content_type="text/html")


def redirect(location: str, status: int = 302) -> Reply:
    """Sends the client on."""
    return answer(b"", status, location=location)


def chunked(*chunks: bytes, is_ended: bool = True, **headers: object) -> Reply:
    """A body in chunks, without a length ahead."""
    frames = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return raw(head(transfer_encoding="chunked", **headers) + frames + (b"0\r\n\r\n" if is_ended else b""))


def hang(data: bytes = b"") -> Reply:
    """These bytes, then nothing more."""

    def reply(write: Write, stopped: threading.Event) -> None:
        write(data)
        stopped.wait()

    return reply


def drip(data: bytes, unit: bytes, *, every_s: float = 0.05) -> Reply:
    """These bytes, then `unit` again and again, for as long as the client listens."""

    def reply(write: Write, stopped: threading.Event) -> None:
        write(data)
        while not stopped.wait(every_s):
            write(unit)

    return reply


@dataclass
class Server:
    """A running server. script: path -> its answers, one a request, the last of them again and again.

    requests: what came in, as (path, headers), in order.
    """

    port: int
    script: dict[str, Sequence[Reply]]
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for asked, _ in self.requests)

    def next_reply(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Notes the request; the answer to it."""
        replies = self.script.get(path, [failure(404)])
        self.requests.append((path, headers))
        return replies[min(self.count(path), len(replies)) - 1]


@contextmanager
def serve(script: Mapping[str, Sequence[Reply]] | None = None) -> Iterator[Server]:
    """Serve a script (which may be changed meanwhile) until the block is left; no thread outlives it."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            served.next_reply(self.path, dict(self.headers.items()))(self.wfile.write, stopped)

        do_CONNECT = do_GET  # a proxy's, by HOST:PORT

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # the client has hung up, as it should

    with Listener(("127.0.0.1", 0), Handler) as listener:
        served = Server(listener.server_address[1], dict(script or {}))
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            stopped.set()
            listener.shutdown()
            thread.join()

"""A real HTTP server on loopback that plays the part of GitHub's API which comments need, its faults too."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "owner/data"
TOKEN = "ghs_ATokenThatNobodyMaySee0123456789"
BOT = "github-actions[bot]"


@dataclass
class Fault:
    """Answered in place of the truth, once. is_done: the request is carried out all the same (an answer lost)."""

    status: int
    body: bytes = b'{"message": "no"}'
    headers: dict[str, str] = field(default_factory=dict)
    method: str | None = None
    is_done: bool = False


@dataclass
class GitHubServer:
    """One repository with pull requests and their comments.

    pulls: (number, head sha, head repository or None where the fork is gone). comments: of all pull requests, as
    the API has them, with `number` beside. asked: (method, path with query, authorization), in order.
    """

    port: int
    pulls: list[tuple[int, str, str | None]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    """Pull requests that were opened here: number, head, base, title, body, state, merged_at, sha (of the head)."""
    faults: list[Fault] = field(default_factory=list)
    page_size: int = 100
    next_page: str | None = None
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What GITHUB_API_URL is to be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def written(self) -> list[tuple[str, str]]:
        """(method, path) of every request that writes."""
        return [(method, path) for method, path, _ in self.asked if method != "GET"]

    def add_comment(self, number: int, body: str, login: str = BOT) -> int:
        """A comment that is there already; its id."""
        identity = 1000 + len(self.comments)
        self.comments.append({"id": identity, "number": number, "body": body, "user": {"login": login}})
        return identity

    def body_of(self, identity: int) -> str:
        """What a comment says now."""
        (body,) = [str(each["body"]) for each in self.comments if each["id"] == identity]
        return body

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) for one request, which is noted."""
        self.asked.append((method, target, authorization))
        if self.faults and self.faults[0].method in (None, method):
            fault = self.faults.pop(0)
            if fault.is_done:
                self._truth(method, target, body)
            return fault.status, fault.headers, fault.body
        if authorization != f"Bearer {TOKEN}":
            return 401, {}, json.dumps({"message": f"Bad credentials: {authorization}"}).encode()
        return self._truth(method, target, body)

    def _truth(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        split = urlsplit(target)
        path, query = split.path.removeprefix(f"/repos/{REPOSITORY}/"), parse_qs(split.query)
        if method == "GET" and path == "pulls" and "head" in query:
            mine = [each for each in self.opened if f"owner:{each['head']}" in query["head"]]
            assert query["state"] == ["all"]
            return 200, {}, json.dumps([self._opened_pull(each) for each in reversed(mine)]).encode()
        if method == "POST" and path == "pulls":
            fresh = {"number": 70 + len(self.opened), "state": "open", "merged_at": None, "sha": "0" * 40}
            self.opened.append({**fresh, **json.loads(body)})
            return 201, {}, json.dumps(self._opened_pull(self.opened[-1])).encode()
        if method == "PATCH" and (match := re.fullmatch(r"pulls/([0-9]+)", path)):
            (pull,) = [each for each in self.opened if each["number"] == int(match[1])]
            pull.update(json.loads(body))
            return 200, {}, json.dumps(self._opened_pull(pull)).encode()
        if method == "GET" and path == "pulls" and query["state"] == ["open"]:
            return self._page([self._pull(*pull) for pull in self.pulls], target)
        if match := re.fullmatch(r"issues/([0-9]+)/comments", path):
            number = int(match[1])
            if method == "POST":
                return self._reply(201, self.add_comment(number, json.loads(body)["body"]))
            return self._page([each for each in self.comments if each["number"] == number], target)
        if method == "PATCH" and (match := re.fullmatch(r"issues/comments/([0-9]+)", path)):
            for each in self.comments:
                if each["id"] == int(match[1]):
                    each["body"] = json.loads(body)["body"]
                    return self._reply(200, each["id"])
        return 404, {}, b'{"message": "Not Found"}'

    def _opened_pull(self, opened: dict[str, Any]) -> dict[str, Any]:
        pull = self._pull(opened["number"], opened["sha"], REPOSITORY)
        return {**pull, "state": opened["state"], "merged_at": opened["merged_at"]}

    @staticmethod
    def _pull(number: int, sha: str, repository: str | None) -> dict[str, Any]:
        return {"number": number, "head": {"sha": sha, "repo": repository and {"full_name": repository}}}

    def _reply(self, status: int, identity: int) -> tuple[int, dict[str, str], bytes]:
        (found,) = [each for each in self.comments if each["id"] == identity]
        return status, {}, json.dumps(found).encode()

    def _page(self, items: list[Any], target: str) -> tuple[int, dict[str, str], bytes]:
        split = urlsplit(target)
        at = int(parse_qs(split.query).get("page", ["1"])[0])
        shown = items[(at - 1) * self.page_size : at * self.page_size]
        headers = {}
        if at * self.page_size < len(items):
            query = re.sub(r"&page=[0-9]+", "", split.query) + f"&page={at + 1}"
            following = self.next_page or f"{self.url}{split.path}?{query}"
            headers["Link"] = f'<{following}>; rel="next", <{self.url}/last>; rel="last"'
        return 200, headers, json.dumps(shown).encode()


@contextmanager
def serve_github() -> Iterator[GitHubServer]:
    """Serve until the block is left; no thread outlives it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            status, headers, reply = served.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            self.close_connection = True
            if status == 0:  # hung up on
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(reply)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Listener(("127.0.0.1", 0), Handler) as listener:
        served = GitHubServer(listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            listener.shutdown()
            thread.join()

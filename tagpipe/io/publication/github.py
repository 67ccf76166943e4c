"""What one sticky comment needs of GitHub's API: open pull requests, comments, and no answer believed unseen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Annotated, Any, TypeVar

import httpx
import tenacity
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tagpipe.errors import ConfigError, SourceUnavailable, TagpipeError, escape_shown

TIMEOUT_S = 15.0
ATTEMPTS = 5
BACKOFF_S = 0.5
MAX_BACKOFF_S = 10.0
MAX_RETRY_AFTER_S = 60
"""Whoever is told to wait longer than this gives up instead: a runner's minutes are not for sleeping."""
MAX_PAGES = 100
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN = re.compile(r"[!-~]{1,1000}")
_AGAIN = "Run the job again later"

Item = TypeVar("Item", bound=BaseModel)
Done = TypeVar("Done")


class Repository(BaseModel):
    """full_name: OWNER/NAME."""

    full_name: str


class Head(BaseModel):
    """What a pull request asks to merge. repo: None where the fork is gone."""

    sha: str
    repo: Repository | None


class Pull(BaseModel):
    """A pull request. state: open or closed. merged_at: None unless it was merged."""

    number: Annotated[int, Field(gt=0)]
    head: Head
    state: str = "open"
    merged_at: str | None = None


class User(BaseModel):
    """An account."""

    login: str


class Comment(BaseModel):
    """A comment on a pull request. user: None where the account is gone."""

    id: Annotated[int, Field(gt=0)]
    body: str | None = None
    user: User | None = None


class _Retry(Exception):
    """A failure that may pass: connection errors, 429 and 5xx."""

    def __init__(self, what: str, *, after_s: int = 0) -> None:
        super().__init__(what)
        self.after_s = after_s


def retry_all(operation: Callable[[], Done]) -> Done:
    """`operation` from its beginning again, for as long as its failures may pass.

    All of it is repeated, not its last request: a comment that was written although the answer said 502 is then
    found again, not written twice. Raises SourceUnavailable when it has failed ATTEMPTS times.
    """
    backoff = tenacity.wait_random_exponential(multiplier=BACKOFF_S, max=MAX_BACKOFF_S)
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_Retry),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=lambda state: max(backoff(state), _asked_to_wait(state)),
        reraise=True,
    )
    try:
        return tries(operation)
    except _Retry as problem:
        raise SourceUnavailable(f"GitHub does not answer: {problem}", fix=_AGAIN) from None


def _asked_to_wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return float(error.after_s) if isinstance(error, _Retry) else 0.0


class GitHub:
    """A connection to one repository by GitHub's REST API. The token is in no message.

    api_url: the operator's own setting, so an address on loopback is allowed; any other must be https.
    """

    def __init__(self, api_url: str, token: str, repository: str) -> None:
        _check_api_url(api_url)
        if not _TOKEN.fullmatch(token):
            # httpx would show a header that it refuses, the token in it
            raise ConfigError(
                "holds no token" if not token.strip() else "holds characters that no token has",
                field="GITHUB_TOKEN",
                fix="Set it, for this command only",
            )
        self._token = token
        self._repository = repository
        self._url = httpx.URL(api_url.rstrip("/") + "/")
        self._client = httpx.Client(
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "User-Agent": "tagpipe",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout=TIMEOUT_S,
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> GitHub:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def find_pulls(self, head_sha: str, head_repository: str) -> list[int]:
        """The numbers of the open pull requests whose head is that commit in that repository, ascending.

        All open ones are read: GitHub's own look-up by commit knows no commit of a fork.
        """
        pulls = self._pages("pulls", {"state": "open", "sort": "updated", "direction": "desc"}, Pull)
        return sorted(
            {
                pull.number
                for pull in pulls
                if pull.head.sha == head_sha
                and pull.head.repo is not None
                and pull.head.repo.full_name.casefold() == head_repository.casefold()
            }
        )

    def find_comment(self, number: int, marker: str, author: str) -> int | None:
        """The oldest comment that begins with `marker` and was written by `author`; None if there is none.

        Both count: a marker alone can be pasted by anybody, and the author alone writes other comments too.
        """
        for comment in self._pages(f"issues/{number}/comments", {}, Comment):
            if comment.user and comment.user.login == author and (comment.body or "").lstrip().startswith(marker):
                return comment.id
        return None

    def create_comment(self, number: int, body: str) -> int:
        """Write a new comment; its id."""
        response = self._ask("POST", self._at(f"issues/{number}/comments"), json={"body": body})
        return _read(TypeAdapter(Comment), response).id

    def update_comment(self, comment: int, body: str) -> int:
        """Write a comment anew; its id."""
        response = self._ask("PATCH", self._at(f"issues/comments/{comment}"), json={"body": body})
        return _read(TypeAdapter(Comment), response).id

    def list_pulls_of_branch(self, head: str, base: str) -> list[Pull]:
        """Every pull request, open and closed, from the repository's own branch `head` into `base`, newest first."""
        owner = self._repository.split("/")[0]
        query = {"state": "all", "head": f"{owner}:{head}", "base": base, "sort": "created", "direction": "desc"}
        return list(self._pages("pulls", query, Pull))

    def create_pull(self, head: str, base: str, title: str, body: str) -> int:
        """Open a pull request; its number."""
        fields = {"head": head, "base": base, "title": title, "body": body}
        return _read(TypeAdapter(Pull), self._ask("POST", self._at("pulls"), json=fields)).number

    def update_pull(self, number: int, title: str, body: str) -> None:
        """Write a pull request's title and text anew."""
        self._ask("PATCH", self._at(f"pulls/{number}"), json={"title": title, "body": body})

    def close_pull(self, number: int) -> None:
        """Close a pull request without merging it."""
        self._ask("PATCH", self._at(f"pulls/{number}"), json={"state": "closed"})

    def _at(self, path: str) -> httpx.URL:
        return self._url.copy_with(path=f"{self._url.path}repos/{self._repository}/{path}")

    def _pages(self, path: str, query: Mapping[str, str], kind: type[Item]) -> Iterator[Item]:
        page = TypeAdapter(list[kind])  # type: ignore[valid-type]
        at = self._at(path).copy_merge_params({**query, "per_page": "100"})
        for _ in range(MAX_PAGES):
            response = self._ask("GET", at)
            yield from _read(page, response)
            following = response.links.get("next", {}).get("url")
            if following is None:
                return
            at = self._same_origin(following)
        raise SourceUnavailable(f"more than {MAX_PAGES} pages", file=path, fix="Write the comment by hand")

    def _same_origin(self, following: str) -> httpx.URL:
        """The next page's address; only GitHub's own, for the token goes with the request."""
        try:
            at = self._url.join(following)
        except (httpx.InvalidURL, UnicodeError):
            at = httpx.URL("")
        if (at.scheme, at.host, at.port) != (self._url.scheme, self._url.host, self._url.port):
            raise SourceUnavailable(
                "the next page is said to be elsewhere", found=escape_shown(following), expected=str(self._url)
            )
        return at

    def _ask(self, method: str, at: httpx.URL, **options: Any) -> httpx.Response:
        what = f"{method} {at.path}"
        try:
            response = self._client.request(method, at, **options)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Retry(f"{what}: {type(error).__name__}") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise self._later(response, what)
        if not response.is_success:
            raise self._refused(response, what)
        return response

    def _later(self, response: httpx.Response, what: str) -> Exception:
        said = response.headers.get("retry-after", "").strip()
        after_s = int(said) if re.fullmatch(r"[0-9]{1,9}", said) else 0
        if after_s > MAX_RETRY_AFTER_S:
            return SourceUnavailable(
                f"{what}: status {response.status_code}, and nothing more may be asked for {after_s} s", fix=_AGAIN
            )
        return _Retry(f"{what}: status {response.status_code}", after_s=after_s)

    def _refused(self, response: httpx.Response, what: str) -> TagpipeError:
        status = response.status_code
        found = escape_shown(self._said(response))
        if status == 403 and (
            response.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in response.headers
        ):
            return SourceUnavailable(f"{what}: the rate limit is used up", found=found, fix=_AGAIN)
        fixes = {
            401: "GITHUB_TOKEN is not accepted: it may have ended, or be of another account",
            403: "The token needs the permission `pull-requests: write`, and the conversation must not be locked",
            404: "Look at GITHUB_REPOSITORY, and whether the token may see it",
        }
        return ConfigError(f"{what}: status {status}", found=found, fix=fixes.get(status, "Look at GITHUB_API_URL"))

    def _said(self, response: httpx.Response) -> str:
        """GitHub's own words about a failure; should they hold the token, not that."""
        try:
            message = response.json()["message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            message = response.reason_phrase
        return str(message).replace(self._token, "***")


def _check_api_url(api_url: str) -> None:
    try:
        at = httpx.URL(api_url)
        is_safe = bool(at.host) and (at.scheme == "https" or (at.scheme == "http" and at.host in _LOOPBACK))
        is_safe = is_safe and not at.userinfo and not at.query
    except (httpx.InvalidURL, UnicodeError):
        is_safe = False
    if not is_safe:
        raise ConfigError(
            "not an address that a token may be sent to",
            field="GITHUB_API_URL",
            expected="https://HOST/PATH, as in https://api.github.com",
            fix="Actions sets it; elsewhere leave it out",
        )


def _read(adapter: TypeAdapter[Done], response: httpx.Response) -> Done:
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        raise SourceUnavailable(
            f"answered with something that is not GitHub's: {error.errors()[0]['msg']}",
            file=f"{response.request.method} {response.request.url.path}",
            fix="Look at GITHUB_API_URL",
        ) from None

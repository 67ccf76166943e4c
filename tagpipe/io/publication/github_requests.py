"""Requests to GitHub's REST API: where the token may go, what is tried again, what an answer must look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import httpx
import tenacity
from pydantic import BaseModel, TypeAdapter, ValidationError

from tagpipe.errors import ConfigError, SourceUnavailable, TagpipeError, escape_shown

TIMEOUT_S = 15.0
ATTEMPTS = 5
BACKOFF_S = 0.5
MAX_BACKOFF_S = 10.0
MAX_RETRY_AFTER_S = 60
"""Asked to wait longer than this, tagpipe gives up: a CI runner's minutes are not for sleeping."""
MAX_PAGES = 100
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN = re.compile(r"[!-~]{1,1000}")
_AGAIN = "Run the job again later"

Item = TypeVar("Item", bound=BaseModel)
Done = TypeVar("Done")


class _Retry(Exception):
    """A failure that may pass: connection errors, 429 and 5xx."""

    def __init__(self, what: str, *, after_s: int = 0) -> None:
        super().__init__(what)
        self.after_s = after_s


def retry_all(operation: Callable[[], Done]) -> Done:
    """The result of `operation`, which is repeated while its failures may pass.

    All of it is repeated, not only its last request: a comment that was written although the answer said 502 is found
    then, and not written twice. Raises SourceUnavailable after ATTEMPTS failures.
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
    except _Retry as error:
        raise SourceUnavailable(f"GitHub does not answer: {error}", fix=_AGAIN) from None


def _asked_to_wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return float(error.after_s) if isinstance(error, _Retry) else 0.0


class RepositoryApi:
    """A connection to the part of the API that is about one repository. No message shows the token.

    api_url: the operator's own setting, so an address on loopback is allowed; any other must be https.
    """

    def __init__(self, api_url: str, token: str, repository: str) -> None:
        _check_api_url(api_url)
        if not _TOKEN.fullmatch(token):
            # httpx would show a header that it refuses, and the token in it
            raise ConfigError(
                "holds no token" if not token.strip() else "holds characters that no token has",
                field="GITHUB_TOKEN",
                fix="Set it, for this command only",
            )
        self.repository = repository
        self._token = token
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

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def send(self, method: str, path: str, fields: Mapping[str, str], kind: type[Item]) -> Item:
        """Send `fields` as JSON to a path below the repository's; the answer."""
        return _parse(TypeAdapter(kind), self._ask(method, self._url_of(path), json=dict(fields)))

    def iter_pages(self, path: str, query: Mapping[str, str], kind: type[Item]) -> Iterator[Item]:
        """The items of a list, from all of its pages."""
        page = TypeAdapter(list[kind])  # type: ignore[valid-type]
        url = self._url_of(path).copy_merge_params({**query, "per_page": "100"})
        for _ in range(MAX_PAGES):
            response = self._ask("GET", url)
            yield from _parse(page, response)
            following = response.links.get("next", {}).get("url")
            if following is None:
                return
            url = self._same_origin(following)
        raise SourceUnavailable(f"more than {MAX_PAGES} pages", file=path, fix="Write the comment by hand")

    def _url_of(self, path: str) -> httpx.URL:
        return self._url.copy_with(path=f"{self._url.path}repos/{self.repository}/{path}")

    def _same_origin(self, following: str) -> httpx.URL:
        """The next page's address. Raises SourceUnavailable for another server's: the token goes with the request."""
        try:
            url = self._url.join(following)
        except (httpx.InvalidURL, UnicodeError):
            url = httpx.URL("")
        if (url.scheme, url.host, url.port) != (self._url.scheme, self._url.host, self._url.port):
            raise SourceUnavailable(
                "the next page is said to be elsewhere", found=escape_shown(following), expected=str(self._url)
            )
        return url

    def _ask(self, method: str, url: httpx.URL, **options: Any) -> httpx.Response:
        what = f"{method} {url.path}"
        try:
            response = self._client.request(method, url, **options)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Retry(f"{what}: {type(error).__name__}") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise self._retry_later(response, what)
        if not response.is_success:
            raise self._refusal(response, what)
        return response

    def _retry_later(self, response: httpx.Response, what: str) -> Exception:
        delay = response.headers.get("retry-after", "").strip()
        after_s = int(delay) if re.fullmatch(r"[0-9]{1,9}", delay) else 0
        if after_s > MAX_RETRY_AFTER_S:
            return SourceUnavailable(
                f"{what}: status {response.status_code}, and nothing more may be asked for {after_s} s", fix=_AGAIN
            )
        return _Retry(f"{what}: status {response.status_code}", after_s=after_s)

    def _refusal(self, response: httpx.Response, what: str) -> TagpipeError:
        status = response.status_code
        found = escape_shown(self._reason_of(response))
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

    def _reason_of(self, response: httpx.Response) -> str:
        """GitHub's own words about a failure, without the token if they repeat it."""
        try:
            message = response.json()["message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            message = response.reason_phrase
        return str(message).replace(self._token, "***")


def _check_api_url(api_url: str) -> None:
    try:
        url = httpx.URL(api_url)
        is_safe = bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK))
        is_safe = is_safe and not url.userinfo and not url.query
    except (httpx.InvalidURL, UnicodeError):
        is_safe = False
    if not is_safe:
        raise ConfigError(
            "not an address that a token may be sent to",
            field="GITHUB_API_URL",
            expected="https://HOST/PATH, as in https://api.github.com",
            fix="Actions sets it; elsewhere leave it out",
        )


def _parse(adapter: TypeAdapter[Done], response: httpx.Response) -> Done:
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        raise SourceUnavailable(
            f"answered with something that is not GitHub's: {error.errors()[0]['msg']}",
            file=f"{response.request.method} {response.request.url.path}",
            fix="Look at GITHUB_API_URL",
        ) from None

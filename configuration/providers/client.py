"""Call a server that speaks OpenAI's API: with a deadline, retries and a circuit breaker."""

from __future__ import annotations

import atexit
import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx2
import openai
import structlog

from configuration.catalog import OLLAMA
from configuration.errors import (
    KeyRejected,
    ProviderError,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
)
from configuration.model_settings import ModelSettings

from .circuit_breaker import CircuitBreaker
from .http_client import (
    ForbiddenDestination,
    ResponseTooLarge,
    build_headers,
    build_http_client,
)
from .metrics import count_tokens, measure_call

log = structlog.get_logger(__name__)

# Seconds to establish a connection.
CONNECT_TIMEOUT = 5.0

ATTEMPTS = 3
# Seconds before the second attempt, doubled before the third. Jitter keeps callers that failed
# together from retrying together.
BACKOFF = 0.5
# A longer `Retry-After` is left to the caller, who may have other work to do meanwhile.
MAX_WAIT = 10.0

_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")

# The server does not accept the request as it is.
REJECTIONS = (openai.BadRequestError, openai.UnprocessableEntityError)

_QUOTA_PHRASES = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")


@dataclass(frozen=True)
class Endpoint:
    """Where a remote model is called, and with which key; None if it needs none."""

    provider: str
    model: str
    base_url: str
    key: str | None

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> Endpoint | None:
        """The endpoint of a model, None if it is built in. Raises KeyMissing, KeyLost."""
        if settings.base_url is None:
            return None
        # The configured URL is the base of Ollama's own API; OpenAI's is below it.
        suffix = "/v1" if settings.provider == OLLAMA else ""
        url = settings.base_url.removesuffix(suffix) + suffix
        return cls(settings.provider, settings.model or "", url, settings.resolve_key())

    def __str__(self) -> str:
        return f"{self.provider} ({self.model})"

    @property
    def _circuit_breaker(self) -> CircuitBreaker:
        return CircuitBreaker(self.provider, self.base_url, self.key)

    @property
    def is_circuit_open(self) -> bool:
        """Whether the server has failed so often that it is not called at the moment."""
        return self._circuit_breaker.is_open

    def post(self, path: str, body: Mapping[str, Any], *, timeout: float) -> Any:
        """Send a request, with retries, for `timeout` seconds at most.

        Returns the JSON of the response, of any shape. Raises ProviderError, or one of REJECTIONS
        for the caller to handle.
        """
        deadline = time.monotonic() + timeout
        for attempt in range(1, ATTEMPTS + 1):
            self._ensure_circuit_closed()
            try:
                return self._post_once(path, body, deadline)
            except (ProviderUnreachable, RateLimited) as error:
                wait = _backoff(attempt, error.retry_after)
                if attempt == ATTEMPTS or wait is None or time.monotonic() + wait >= deadline:
                    raise
                log.info("retrying a provider", to=str(self), reason=error.code, wait=wait)
            time.sleep(wait)
        raise AssertionError  # the last attempt has returned or raised

    def _ensure_circuit_closed(self) -> None:
        wait = self._circuit_breaker.request_call()
        if wait is not None:
            raise ProviderUnreachable(
                f"{self} has failed several times in a row and is not called for {wait:.0f} s.",
                retry_after=wait,
            )

    def _post_once(self, path: str, body: Mapping[str, Any], deadline: float) -> Any:
        with measure_call(self.provider, self.model, path), self._translated_errors():
            client = self._client(max(0.001, deadline - time.monotonic()))
            answer = client.post(path, cast_to=httpx2.Response, body=dict(body)).json()
        self._circuit_breaker.record_success()
        count_tokens(self.provider, self.model, answer)
        return answer

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Translate the client's errors, and record in the circuit breaker how the call ended."""
        try:
            yield
        except REJECTIONS:
            self._circuit_breaker.record_success()  # the server is up
            raise
        except openai.APIConnectionError as error:
            self._circuit_breaker.record_failure()
            raise self._connection_error(error) from error
        except openai.APIStatusError as error:
            translated = self._status_error(error)
            if translated.retryable:
                self._circuit_breaker.record_failure(retry_after=translated.retry_after)
            else:
                self._circuit_breaker.record_success()
            raise translated from error
        except (ValueError, RecursionError) as error:
            self._circuit_breaker.record_failure()
            raise ProviderUnreachable(f"The response of {self} was not JSON.") from error

    def _connection_error(self, error: openai.APIConnectionError) -> ProviderError:
        if isinstance(error.__cause__, ForbiddenDestination):
            return RequestRejected(
                f"The base URL of {self} leads to a link-local address or the metadata service of "
                "a cloud, and is not called: set another one."
            )
        if isinstance(error.__cause__, ResponseTooLarge):
            return ProviderUnreachable(f"The response of {self} was too large.")
        if isinstance(error, openai.APITimeoutError):
            return ProviderUnreachable(f"{self} did not respond in time.")
        return ProviderUnreachable(
            f"{self} cannot be reached, or closed the connection: check that a server is running "
            "at its base URL."
        )

    def _status_error(self, error: openai.APIStatusError) -> ProviderError:
        status, retry_after = error.status_code, _retry_after(error)
        if status in (402, 429) and _is_quota_exhausted(error):
            return QuotaExhausted(f"The account at {self.provider} is out of quota or credit.")
        if status == 429:
            return RateLimited(f"The rate limit of {self} is reached.", retry_after=retry_after)
        if status in (408, 409) or status >= 500:
            return ProviderUnreachable(
                f"{self} has failed (status {status}).", retry_after=retry_after
            )
        if 300 <= status < 400:
            return RequestRejected(
                f"{self} redirects requests (status {status}): set its base URL to the target."
            )
        if status in (401, 403) and not self.key:
            return KeyRejected(f"{self} requires a key, and none is configured: set `api_key`.")
        if status in (401, 403):
            return KeyRejected(
                f"{self} rejects the key (status {status}): configure another key, or check that "
                "this one may use the model."
            )
        if status == 404:
            return RequestRejected(
                f"{self.provider} has no model {self.model!r}, or its base URL is wrong (404)."
            )
        return self.request_rejected(error)

    def request_rejected(self, error: openai.APIStatusError) -> RequestRejected:
        """Translate a rejection. Without the server's message, which may quote the request."""
        words = [word for word in (error.code, error.param) if word and _WORD.fullmatch(word)]
        reason = f": {', '.join(words)}" if words else ""
        return RequestRejected(f"{self} rejects the request (status {error.status_code}{reason}).")

    def _client(self, seconds: float) -> openai.OpenAI:
        key = self.key or "none"  # the client requires one
        return openai.OpenAI(
            api_key=key,
            admin_api_key="",  # not the environment's, which it would send instead
            base_url=self.base_url,
            max_retries=0,
            timeout=openai.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds)),
            # An Authorization of the environment would otherwise take the place of the key.
            default_headers={"Authorization": f"Bearer {key}", **build_headers(self.base_url)},
            http_client=_http_client(),
        )


@cache
def _http_client() -> openai.DefaultHttpxClient:
    """The connection pool of this process: creating one reads all certificates, which is slow."""
    client = build_http_client()
    atexit.register(client.close)
    return client


def _backoff(attempt: int, retry_after: float | None) -> float | None:
    """Seconds until the next attempt, None if that is too long to wait here."""
    if retry_after is None:
        jitter = random.uniform(0.75, 1.25)  # noqa: S311
        return float(BACKOFF * 2 ** (attempt - 1) * jitter)
    return retry_after if retry_after <= MAX_WAIT else None


def _is_quota_exhausted(error: openai.APIStatusError) -> bool:
    text = f"{error.code} {error.type} {error.message}".lower()
    return error.status_code == 402 or any(phrase in text for phrase in _QUOTA_PHRASES)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """The seconds in `Retry-After`, which is a number or a date."""
    header = error.response.headers.get("retry-after", "")
    try:
        seconds = float(header)
    except ValueError:
        seconds = _seconds_until(header)
    return seconds if 0 <= seconds <= 24 * 3600 else None


def _seconds_until(date: str) -> float:
    """Negative for a date in the past, and for text that is not a date."""
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return -1

"""Call a server that speaks OpenAI's API: with a deadline, retries and a circuit breaker."""

from __future__ import annotations

import atexit
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import openai
import structlog

from configuration.base_urls import azure_headers, model_url, split_query
from configuration.catalog import OLLAMA
from configuration.errors import ProviderError, ProviderUnreachable, RateLimited, RequestRejected
from configuration.model_settings import ModelSettings
from core import processor_turns

from . import status_errors
from .circuit_breaker import CircuitBreaker
from .event_stream import StreamBrokeOff, read_body
from .http_client import (
    ForbiddenDestination,
    ResponseTooLarge,
    build_headers,
    build_http_client,
)
from .metrics import count_tokens, measure_call
from .status_errors import Failure

log = structlog.get_logger(__name__)

# Seconds to establish a connection.
CONNECT_TIMEOUT = 5.0

ATTEMPTS = 3
# Seconds before the second attempt, doubled before the third. Jitter keeps callers that failed
# together from retrying together.
BACKOFF = 0.5
# A longer `Retry-After` is left to the caller, who may have other work to do meanwhile.
MAX_WAIT = 10.0

# Whether a caller can do something about what a server said. Then it is not asked the same again.
Learns = Callable[[str], bool]


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
        url = model_url(settings.base_url, settings.provider, settings.model or "")
        return cls(settings.provider, settings.model or "", url, settings.resolve_key())

    def __str__(self) -> str:
        return f"{self.provider} ({self.model})"

    @property
    def is_ollama(self) -> bool:
        return self.provider == OLLAMA

    @property
    def _circuit_breaker(self) -> CircuitBreaker:
        return CircuitBreaker(self.provider, self.base_url, self.key)

    @property
    def is_circuit_open(self) -> bool:
        """Whether the server has failed so often that it is not called at the moment."""
        return self._circuit_breaker.is_open

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        timeout: float,
        attempts: int = ATTEMPTS,
        learns: Learns = lambda said: False,
    ) -> Any:
        """Send a request, with retries, for `timeout` seconds at most.

        Returns the JSON of the response, of any shape. Raises ProviderError: at once, with what
        the server said, if the caller can learn from it.
        """
        deadline = time.monotonic() + timeout
        for attempt in range(1, attempts + 1):
            self._ensure_circuit_closed()
            try:
                return self._post_once(path, body, deadline, learns)
            except (ProviderUnreachable, RateLimited) as error:
                wait = _backoff(attempt, error.retry_after)
                is_late = wait is None or time.monotonic() + wait >= deadline
                if attempt == attempts or wait is None or is_late or _can_learn(error, learns):
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

    def _post_once(
        self, path: str, body: Mapping[str, Any], deadline: float, learns: Learns
    ) -> Any:
        with (
            measure_call(self.provider, self.model, path),
            self._recorded(learns),
            self._translated_errors(),
        ):
            client = self._client(max(0.001, deadline - time.monotonic()))
            with processor_turns.interrupted():
                response = client.post(path, cast_to=httpx2.Response, body=dict(body))
            answer = read_body(response.content)
            if failure := status_errors.find_failure(answer, response.headers):
                raise self._translate(failure)
        count_tokens(self.provider, self.model, answer)
        return answer

    @contextmanager
    def _recorded(self, learns: Learns) -> Iterator[None]:
        """Record in the circuit breaker how a call ended."""
        try:
            yield
        except ProviderError as error:
            if error.retryable and not _can_learn(error, learns):
                self._circuit_breaker.record_failure(retry_after=error.retry_after)
            else:
                self._circuit_breaker.record_success()  # the server is up
            raise
        self._circuit_breaker.record_success()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except openai.APIConnectionError as error:
            raise self._connection_error(error) from error
        except openai.APIStatusError as error:
            response = error.response
            body = response.text[: 10 * status_errors.MAX_BODY]
            failure = status_errors.parse_failure(error.status_code, body, response.headers)
            raise self._translate(failure) from error
        except httpx2.InvalidURL as error:  # stored before such spellings were refused
            raise RequestRejected(f"The base URL of {self} is invalid: set another one.") from error
        except StreamBrokeOff as error:
            raise ProviderUnreachable(f"The response of {self} broke off.") from error
        except (ValueError, RecursionError) as error:
            raise ProviderUnreachable(
                f"The response of {self} was not JSON: check that its base URL is that of its API, "
                "which usually ends in /v1."
            ) from error

    def _translate(self, failure: Failure) -> ProviderError:
        if self.key:  # some servers quote it
            failure = failure.without(self.key)
        return status_errors.translate(
            failure, provider=self.provider, model=self.model, has_key=bool(self.key)
        )

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

    def _client(self, seconds: float) -> openai.OpenAI:
        key = self.key or "none"  # the client requires one
        url, query = split_query(self.base_url)
        # An Authorization of the environment would otherwise take the place of the key.
        headers = {"Authorization": f"Bearer {key}", **build_headers(url)}
        return openai.OpenAI(
            api_key=key,
            admin_api_key="",  # not the environment's, which it would send instead
            base_url=url,
            max_retries=0,
            timeout=openai.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds)),
            default_headers={**headers, **azure_headers(self.base_url, self.key)},
            default_query=query,
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


def _can_learn(error: ProviderError, learns: Learns) -> bool:
    return not isinstance(error, RateLimited) and learns(error.said)

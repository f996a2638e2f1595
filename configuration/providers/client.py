"""Call a server that speaks OpenAI's API: with an end to it, again where that may help, and not
at all while the server is known to be down."""

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
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import structlog

from configuration.errors import (
    CallRefused,
    KeyRefused,
    ProviderFailed,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
)

from .catalog import OLLAMA
from .circuit_breaker import Circuit
from .http_client import TooLarge, bounded_client
from .metrics import measured, note_tokens

if TYPE_CHECKING:
    from configuration.effective import ModelSettings

log = structlog.get_logger(__name__)

# Seconds for a connection to be made.
CONNECTING = 5.0

ATTEMPTS = 3
# Seconds until the second attempt; the third one has to wait twice as long. A little less or
# more of it, so that callers who failed together do not come back together.
PAUSE = 0.5
# What a provider asks for beyond this is for the caller to wait for: it may have better to do.
LONGEST_WAIT = 10.0

_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")

# The server does not take the call as it is.
REFUSALS = (openai.BadRequestError, openai.UnprocessableEntityError)

_QUOTA = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")


@dataclass(frozen=True)
class Line:
    """The way to one model: who runs it, where, and the key, None where none is needed."""

    provider: str
    model: str
    base_url: str
    key: str | None

    @classmethod
    def of(cls, settings: ModelSettings) -> Line | None:
        """The way to the configured model, None to a built-in one. Raises KeyMissing, KeyLost."""
        if settings.base_url is None:
            return None
        # Ollama speaks OpenAI's API beside one of its own, which the configured URL is the base of.
        suffix = "/v1" if settings.provider == OLLAMA else ""
        url = settings.base_url.removesuffix(suffix) + suffix
        return cls(settings.provider, settings.model or "", url, settings.resolve_key())

    def __str__(self) -> str:
        return f"{self.provider} ({self.model})"

    @property
    def _circuit(self) -> Circuit:
        return Circuit(self.provider, self.base_url, self.key)

    @property
    def is_left_alone(self) -> bool:
        """Whether the server has failed so often that it is not called just now."""
        return self._circuit.is_open

    def ask(self, path: str, body: Mapping[str, Any], *, within: float) -> Any:
        """Post, and post again where that may help, for `within` seconds at most.

        Returns the JSON of the answer, of whatever shape. Raises ProviderFailed, or one of REFUSALS
        for the caller to look at.
        """
        deadline = time.monotonic() + within
        for attempt in range(1, ATTEMPTS + 1):
            self._ensure_not_down()
            try:
                return self._ask_once(path, body, deadline)
            except (ProviderUnreachable, RateLimited) as error:
                wait = _pause(attempt, error.retry_after)
                if attempt == ATTEMPTS or wait is None or time.monotonic() + wait >= deadline:
                    raise
                log.info("a provider is asked again", to=str(self), reason=error.code, wait=wait)
            time.sleep(wait)
        raise AssertionError  # the last attempt has returned or raised

    def _ensure_not_down(self) -> None:
        pause = self._circuit.pause()
        if pause is not None:
            raise ProviderUnreachable(
                f"{self} has failed several times in a row and is left alone for {pause:.0f} s.",
                retry_after=pause,
            )

    def _ask_once(self, path: str, body: Mapping[str, Any], deadline: float) -> Any:
        with measured(self.provider, self.model, path), self._counted():
            client = self._client(max(0.001, deadline - time.monotonic()))
            answer = client.post(path, cast_to=httpx2.Response, body=dict(body)).json()
        self._circuit.succeeded()
        note_tokens(self.provider, self.model, answer)
        return answer

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Put the client's errors into our words, and tell the circuit of those that count."""
        try:
            yield
        except REFUSALS:
            self._circuit.succeeded()  # it answers, though not what was hoped for
            raise
        except openai.APIConnectionError as error:
            self._circuit.failed()
            raise self._unreachable(error) from error
        except openai.APIStatusError as error:
            failed = self._status(error)
            if failed.retryable:
                self._circuit.failed(retry_after=failed.retry_after)
            else:
                self._circuit.succeeded()
            raise failed from error
        except (ValueError, RecursionError) as error:
            self._circuit.failed()
            raise ProviderUnreachable(f"{self} answered with something else than JSON.") from error

    def _unreachable(self, error: openai.APIConnectionError) -> ProviderUnreachable:
        if isinstance(error.__cause__, TooLarge):
            return ProviderUnreachable(f"{self} answered more than is read of an answer.")
        if isinstance(error, openai.APITimeoutError):
            return ProviderUnreachable(f"{self} did not answer in time.")
        return ProviderUnreachable(
            f"{self} cannot be reached, or broke the connection: is a server running at its "
            "base URL?"
        )

    def _status(self, error: openai.APIStatusError) -> ProviderFailed:
        status, after = error.status_code, _retry_after(error)
        if status in (402, 429) and _is_quota(error):
            return QuotaExhausted(f"The account at {self.provider} is out of quota or credit.")
        if status == 429:
            return RateLimited(f"{self} wants to be asked less often.", retry_after=after)
        if status in (408, 409) or status >= 500:
            return ProviderUnreachable(f"{self} has failed (status {status}).", retry_after=after)
        if 300 <= status < 400:
            return CallRefused(
                f"{self} sends callers elsewhere (status {status}): set its base URL to where it "
                "sends them."
            )
        if status in (401, 403) and not self.key:
            return KeyRefused(f"{self} wants a key, and none is configured: set `api_key`.")
        if status in (401, 403):
            return KeyRefused(
                f"{self} does not accept the key (status {status}): configure another one, or "
                "see whether it may use this model."
            )
        if status == 404:
            return CallRefused(
                f"{self.provider} knows no model {self.model!r}, or its base URL is wrong (404)."
            )
        return refusal(self, error)

    def _client(self, seconds: float) -> openai.OpenAI:
        # What the shell says about an organisation is for OpenAI, and would go to everybody.
        names = () if self.provider == "openai" else ("OpenAI-Organization", "OpenAI-Project")
        unsaid: Any = {name: openai.Omit() for name in names}
        return openai.OpenAI(
            api_key=self.key or "none",  # the client insists on one
            base_url=self.base_url,
            max_retries=0,
            timeout=openai.Timeout(seconds, connect=min(CONNECTING, seconds)),
            default_headers=unsaid,
            http_client=_http(),
        )


@cache
def _http() -> openai.DefaultHttpxClient:
    """The connections of this process. Making one reads all certificates, which takes a while."""
    client = bounded_client()
    atexit.register(client.close)
    return client


def refusal(line: Line, error: openai.APIStatusError) -> CallRefused:
    """What to say of a call that was sent wrongly. Not what the server says, which may quote it."""
    about = [word for word in (error.code, error.param) if word and _WORD.fullmatch(word)]
    told = f": {', '.join(about)}" if about else ""
    return CallRefused(f"{line} refused the call (status {error.status_code}{told}).")


def _pause(attempt: int, retry_after: float | None) -> float | None:
    """Seconds until the next attempt, None when that is too long to wait here."""
    if retry_after is None:
        jitter = random.uniform(0.75, 1.25)  # noqa: S311
        return float(PAUSE * 2 ** (attempt - 1) * jitter)
    return retry_after if retry_after <= LONGEST_WAIT else None


def _is_quota(error: openai.APIStatusError) -> bool:
    said = f"{error.code} {error.type} {error.message}".lower()
    return error.status_code == 402 or any(word in said for word in _QUOTA)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds that the provider asks to be left alone for, in seconds or until a date."""
    said = error.response.headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        seconds = _seconds_until(said)
    return seconds if 0 <= seconds <= 24 * 3600 else None


def _seconds_until(date: str) -> float:
    """By our clock. A time that has passed is less than 0, and so is what is no date."""
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return -1

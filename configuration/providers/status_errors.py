"""Translate what a server answers instead of a result: what is wrong, and what helps.

A status says little by itself: gateways answer 200 with an error inside, 400 for a wrong key or 429
for an account without credit. The body is read as well, and never shown: it may quote the request.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from configuration.catalog import OLLAMA
from configuration.errors import (
    InputTooLong,
    KeyRejected,
    ModelMissing,
    ModelRefused,
    ProviderError,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
)

# Characters of a body that are read.
MAX_BODY = 20_000
MAX_RETRY_AFTER = 24 * 3600

# Where an answer has its result. A text of Ollama's is in `response`.
_RESULTS = {"choices", "data", "embedding", "embeddings", "output", "response", "results", "values"}

# Fields in which servers repeat the request.
_QUOTES = {"input", "ctx", "request", "messages", "body", "prompt", "failed_generation", "url"}
_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")

_QUOTA = re.compile(
    r"insufficient_quota|billing|credit balance|insufficient (balance|credits|funds)"
    r"|exceeded your current quota|payment required"
)
_KEY = re.compile(
    r"api[ _-]?key (is )?(not valid|invalid|expired|missing)"
    r"|(invalid|incorrect|missing)[ _]api[ _-]?key|api_key_invalid"
    r"|unauthorized|authentication"
)
_REFUSED = re.compile(
    r"content[ _]?filter|content management policy|moderation|flagged|responsibleai"
)
TOO_LONG = re.compile(
    r"context[ _]?(length|size|window)|exceed_context|too long|too many tokens|maximum context"
    r"|input length|prompt is too|reduce the length|larger than the max|too large to process"
)
_NO_MODEL = re.compile(
    r"model.{0,200}(not[ _]found|not exist|unknown|no such|not (available|loaded|a valid))"
    r"|(no|unknown|invalid|unsupported)[ _]model|model_not_found|deploymentnotfound|try pulling"
    r"|not a valid model",
    re.DOTALL,
)
_RATE = re.compile(
    r"rate[ _-]?limit|too many requests|resource_exhausted|tokens per minute|throttl"
)
_OVERLOADED = re.compile(
    r"overloaded|unavailable|loading|timed? ?out|bad gateway|upstream|capacity"
)
_WAIT = re.compile(
    r"(?:try again|retry) (?:in|after) (?:(\d+)m(?!s))? ?(?:(\d+(?:\.\d+)?) ?(ms|s))?"
    r"|\"?(?:retrydelay|retry_after|estimated_time)\"?[ :=]+\"?(\d+(?:\.\d+)?)"
)


@dataclass(frozen=True)
class Failure:
    """What a server answered: its status, its headers, and the text of its body."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def said(self) -> str:
        """Its words in lower case, without the fields in which servers repeat the request."""
        return " ".join(_words(self.body))[:MAX_BODY].lower()

    @property
    def generated(self) -> str:
        """What the model had written, where a server tells (Groq)."""
        match self.body:
            case {"error": {"failed_generation": str(text)}}:
                return text
        return ""

    def without(self, secret: str) -> Failure:
        """The same failure, where no word of its body has the secret."""
        text = json.dumps(self.body, ensure_ascii=False).replace(secret, "")
        return replace(self, body=json.loads(text))

    @property
    def is_page(self) -> bool:
        return isinstance(self.body, str) and self.body.lstrip()[:1] == "<"


def find_failure(body: Any, headers: Mapping[str, str]) -> Failure | None:
    """The error in an answer of status 200, with the status that it stands for."""
    value = body[0] if isinstance(body, list) and len(body) == 1 else body
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error"):
        value = {"error": choice.get("error") or {"code": 502}}
    elif choice or value.get("data") or isinstance(value.get("message"), dict):
        return None
    if not _is_error(value):
        return None
    failure = Failure(200, value, headers)
    return Failure(_find_status(value, failure.said), value, headers)


def _is_error(value: Mapping[str, Any]) -> bool:
    """Whether an answer without a result is an error, as gateways and providers write them."""
    if value.get("error") or value.get("errors") or value.get("detail"):
        return True
    if value.get("object") == "error" or value.get("success") is False:
        return True
    if str(value.get("status")).lower() in ("error", "failed", "failure"):
        return True
    inner = value.get("base_resp")
    codes = [value.get(name) for name in ("error_code", "errcode", "err_code")]
    codes.append(inner.get("status_code") if isinstance(inner, dict) else None)
    if any(code not in (None, "", 0, "0") for code in codes):
        return True
    # A sentence and nothing else, or beside a code.
    has_text = any(isinstance(value.get(name), str) for name in ("message", "msg"))
    return has_text and not value.keys() & _RESULTS


def parse_failure(status: int, text: str, headers: Mapping[str, str]) -> Failure:
    try:
        return Failure(status, json.loads(text[: 10 * MAX_BODY]), headers)
    except (ValueError, RecursionError):
        return Failure(status, text[:MAX_BODY], headers)


def translate(failure: Failure, *, provider: str, model: str, has_key: bool) -> ProviderError:
    """The error of a failure, which says what an operator can do."""
    error = _translate(failure, f"{provider} ({model})", provider, model, has_key)
    error.status, error.said, error.generated = failure.status, failure.said, failure.generated
    return error


def _translate(
    failure: Failure, asked: str, provider: str, model: str, has_key: bool
) -> ProviderError:
    status, said = failure.status, failure.said
    wait = retry_after(failure)
    if status == 402 or (status in (403, 429) and _is_quota_exhausted(said)):
        return QuotaExhausted(
            f"The account at {provider} is out of quota or credit: add credit there, or configure "
            "another model."
        )
    if status == 429 or (status == 403 and _RATE.search(said)):
        return RateLimited(f"The rate limit of {asked} is reached.", retry_after=wait)
    if TOO_LONG.search(said) or status == 413:
        return InputTooLong(
            f"{asked} rejects the request as too long{_reason(failure)}: configure a model with a "
            f"larger context{', or increase `num_ctx`' if provider == OLLAMA else ''}."
        )
    if status in (408, 409, 425) or status >= 500:
        return ProviderUnreachable(f"{asked} has failed (status {status}).", retry_after=wait)
    if 300 <= status < 400:
        return RequestRejected(
            f"{asked} redirects requests (status {status}): set its base URL to the target."
        )
    if status in (400, 403) and _REFUSED.search(said):
        return ModelRefused(f"{asked} declined to answer: its filter rejects the text.")
    if status in (401, 403) or (status == 400 and _KEY.search(said)):
        return _key_rejected(failure, asked, has_key)
    if status in (400, 404) and _NO_MODEL.search(said):
        pull = f" Run `ollama pull {model}` there." if provider == OLLAMA else ""
        return ModelMissing(
            f"{provider} has no model {model!r} (status {status}).{pull or ' Configure another.'}"
        )
    if status in (404, 405):
        return RequestRejected(
            f"{provider} has no model {model!r}, or its base URL is wrong ({status}): that of "
            "OpenAI's API usually ends in /v1."
        )
    return RequestRejected(f"{asked} rejects the request (status {status}{_reason(failure)}).")


def _is_quota_exhausted(said: str) -> bool:
    """Some servers name the quota of a minute so, and say when to try again."""
    if "insufficient_quota" in said:
        return True
    return bool(_QUOTA.search(said)) and not _WAIT.search(said)


def _key_rejected(failure: Failure, asked: str, has_key: bool) -> ProviderError:
    status = failure.status
    if failure.is_page:
        return KeyRejected(
            f"A proxy in front of {asked} rejects requests (status {status}, with a web page): "
            "check the base URL, and whether the proxy lets this server through."
        )
    if not has_key:
        return KeyRejected(f"{asked} requires a key, and none is configured: set `api_key`.")
    return KeyRejected(
        f"{asked} rejects the key (status {status}): configure another key, or check that this "
        "one may use the model."
    )


def _reason(failure: Failure) -> str:
    """The code and parameter that a server names, which quote nothing of the request."""
    body = failure.body
    error = body.get("error") if isinstance(body, dict) else None
    fields = error if isinstance(error, dict) else body if isinstance(body, dict) else {}
    words = [fields.get(name) for name in ("code", "param")]
    named = [word for word in words if isinstance(word, str) and _WORD.fullmatch(word)]
    return f": {', '.join(named)}" if named else ""


def _words(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, dict) and depth < 8:
        for name, inner in list(value.items())[:100]:
            if name not in _QUOTES:
                yield str(name)
                yield from _words(inner, depth + 1)
    elif isinstance(value, list) and depth < 8:
        for inner in value[:100]:
            yield from _words(inner, depth + 1)
    elif value is not None:
        yield str(value)[:2000]


def _find_status(value: Mapping[str, Any], said: str) -> int:
    """The status that an error in an answer of status 200 stands for, 502 if it names none."""
    errors = [value.get("error"), value, value.get("base_resp")]
    for error in errors:
        for name in ("code", "status", "status_code", "http_code", "error_code"):
            code = error.get(name) if isinstance(error, dict) else None
            if isinstance(code, int | str) and re.fullmatch(r"[45]\d\d", str(code)):
                return int(code)
    if _RATE.search(said) or _QUOTA.search(said):
        return 429
    if _OVERLOADED.search(said):
        return 503
    if _NO_MODEL.search(said) or "unexpected endpoint" in said:
        return 404
    if _KEY.search(said):
        return 401
    return 400 if TOO_LONG.search(said) or "invalid" in said else 502


def retry_after(failure: Failure) -> float | None:
    """How many seconds the server asks to wait: in a header, as a number or a date, or in words."""
    headers = failure.headers
    if milliseconds := headers.get("retry-after-ms"):
        return _bounded(_number(milliseconds) / 1000)
    if header := headers.get("retry-after"):
        number = _number(header)
        return _bounded(number if number == number else _seconds_until(header))
    match = _WAIT.search(failure.said)
    if match is None:
        return None
    minutes, seconds, unit, named = match.groups()
    if named:
        return _bounded(float(named))
    if not minutes and not seconds:
        return None
    return _bounded(60 * int(minutes or 0) + float(seconds or 0) / (1000 if unit == "ms" else 1))


def _bounded(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _seconds_until(date: str) -> float:
    """Negative for a date in the past, and for text that is not a date."""
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return -1

"""Call a remote language model over OpenAI's API, and validate its output against a schema."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.conf import settings as django_settings

from configuration.catalog import PROVIDERS, OutputMode
from configuration.errors import ModelRefused, UnusableAnswer
from configuration.model_settings import LlmSettings

from .client import REJECTIONS, Endpoint
from .json_output import MAX_LENGTH, InvalidOutput, parse_output
from .protocols import Message

log = structlog.get_logger(__name__)

_SCHEMA_PROMPT = "\n\nAnswer with one JSON object and nothing else. It fits this JSON schema:\n"
_RETRY_PROMPT = (
    "That cannot be used. {error} Answer again, with the whole JSON object and nothing else."
)


@dataclass(frozen=True)
class Dialect:
    """What a server supports of OpenAI's API, as far as its rejections have shown."""

    output_mode: OutputMode
    length_parameter: str = "max_tokens"
    has_temperature: bool = True

    def without(self, rejection: str) -> Dialect | None:
        """What to try next, None if the rejection is about something else."""
        if "max_tokens" in rejection and self.length_parameter == "max_tokens":
            return replace(self, length_parameter="max_completion_tokens")
        if "temperature" in rejection and self.has_temperature:
            return replace(self, has_temperature=False)
        is_about_mode = any(word in rejection for word in ("response_format", "schema", "json"))
        if is_about_mode and self.output_mode < OutputMode.TEXT:
            return replace(self, output_mode=OutputMode(self.output_mode + 1))
        return None


# What this process has learnt, by base URL and model. There are few of them.
_dialects: dict[tuple[str, str], Dialect] = {}


@dataclass(frozen=True)
class RemoteLanguageModel:
    settings: LlmSettings
    endpoint: Endpoint

    def complete(
        self,
        system: str,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        name: str,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        deadline = time.monotonic() + (timeout or django_settings.LLM_TIMEOUT)
        text = self._generate(system, messages, schema, name, deadline)
        try:
            return parse_output(text, schema)
        except InvalidOutput as error:
            log.info("retrying a model", model=str(self.endpoint), error=str(error))
            messages = [
                *messages,
                {"role": "assistant", "content": text[:MAX_LENGTH]},
                {"role": "user", "content": _RETRY_PROMPT.format(error=error)},
            ]
        text = self._generate(system, messages, schema, name, deadline)
        try:
            return parse_output(text, schema)
        except InvalidOutput as error:
            detail = f"{self.endpoint} gave two unusable answers. {error}"
            raise UnusableAnswer(detail) from None

    def _generate(
        self,
        system: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        name: str,
        deadline: float,
    ) -> str:
        """Return the model's text, in the dialect that the server turns out to accept."""
        server = (self.endpoint.base_url, self.endpoint.model)
        default = Dialect(PROVIDERS[self.endpoint.provider].output_mode)
        dialect = _dialects.get(server) or default
        while True:
            request = self._build_request(dialect, system, messages, schema, name)
            try:
                response = self.endpoint.post(
                    "/chat/completions", request, timeout=deadline - time.monotonic()
                )
            except REJECTIONS as error:
                next_dialect = dialect.without(error.message)
                if next_dialect is None:
                    raise self.endpoint.request_rejected(error) from error
                _dialects[server] = dialect = next_dialect
            else:
                return _read_text(response, self.endpoint)

    def _build_request(
        self,
        dialect: Dialect,
        system: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        name: str,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.endpoint.model,
            dialect.length_parameter: self.settings.max_tokens,
        }
        if dialect.has_temperature:
            request["temperature"] = self.settings.temperature
        if dialect.output_mode is OutputMode.SCHEMA:
            json_schema = {"name": name, "schema": schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        else:
            system += _SCHEMA_PROMPT + json.dumps(schema)
        if dialect.output_mode is OutputMode.OBJECT:
            request["response_format"] = {"type": "json_object"}
        return {**request, "messages": [{"role": "system", "content": system}, *messages]}


def _read_text(response: Any, endpoint: Endpoint) -> str:
    """The text of a complete answer. Raises ModelRefused, UnusableAnswer."""
    match response:
        case {"choices": [{"message": {"refusal": str(refusal)}}, *_]} if refusal:
            raise ModelRefused(f"{endpoint} declined to answer.")
        case {"choices": [{"finish_reason": "content_filter"}, *_]}:
            raise ModelRefused(f"{endpoint} declined to answer.")
        case {"choices": [{"finish_reason": "length"}, *_]}:
            raise UnusableAnswer(f"The answer of {endpoint} was cut off: increase `max_tokens`.")
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
    raise UnusableAnswer(f"The answer of {endpoint} had no text.")

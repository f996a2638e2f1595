"""What a server takes of OpenAI's API, or of Ollama's own, as far as its refusals have shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from configuration.catalog import OLLAMA, PROVIDERS, OutputMode
from configuration.model_settings import LlmSettings

from .protocols import Message

_SCHEMA_PROMPT = "\n\nAnswer with one JSON object and nothing else. It fits this JSON schema:\n"

# The next way to bound an answer where one is refused; the last is not to.
_NEXT_LENGTH_PARAMETER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": None}

_OUTPUT_MODE = re.compile(
    r"response_format|schema|json|structured|grammar|guided|additionalproperties|invalid format"
    r"|unknown name \W{0,2}strict|outlines"
)
_SYSTEM_ROLE = re.compile(
    r"(system|developer) (role|message|prompt|instruction)|roles? must alternate"
    r"|role.{0,60}\bsystem\b|\bsystem\b.{0,60}(not supported|unsupported|not allowed|invalid)"
    r"|only (support )?user and (assistant|model) roles|messages.{0,30}\brole\b|systemmessage"
    r"|\bsystem\b.{0,60}not one of|valid role|roles? (must|should) be|first message must be"
    r"|should be \W?user\b",
    re.DOTALL,
)
_STREAM = re.compile(r"\bstream(ing)?\b")
_THINKING = re.compile(r"\bthink(ing)?\b")
_BUDGET = re.compile(r"max_tokens|max_completion_tokens|in the completion|max_new_tokens")


@dataclass(frozen=True)
class Dialect:
    """How a server is asked. Of `think` and `num_ctx` only Ollama's own API knows."""

    output_mode: OutputMode
    length_parameter: str | None = "max_tokens"
    has_temperature: bool = True
    has_system_role: bool = True
    streams: bool = False
    is_ollama: bool = False
    has_think: bool = True

    @classmethod
    def of(cls, provider: str) -> Dialect:
        return cls(PROVIDERS[provider].output_mode, is_ollama=provider == OLLAMA)

    @property
    def path(self) -> str:
        return "/api/chat" if self.is_ollama else "/chat/completions"

    def learn(self, said: str) -> Dialect | None:
        """What to try after a refusal that names a reason, None if it names none of ours."""
        if self.is_ollama and self.has_think and _THINKING.search(said):
            return replace(self, has_think=False)
        if self.length_parameter and self.length_parameter in said:
            return replace(self, length_parameter=_NEXT_LENGTH_PARAMETER[self.length_parameter])
        if self.length_parameter and _BUDGET.search(said):
            return replace(self, length_parameter=None)
        if "temperature" in said and self.has_temperature:
            return replace(self, has_temperature=False)
        if _STREAM.search(said) and not self.streams:
            return replace(self, streams=True)
        if _SYSTEM_ROLE.search(said) and self.has_system_role:
            return replace(self, has_system_role=False)
        if _OUTPUT_MODE.search(said) and self.output_mode < OutputMode.TEXT:
            return self.next_form()
        return None

    def next_form(self) -> Dialect | None:
        """What to try after a refusal that gives no reason."""
        if self.output_mode < OutputMode.TEXT:
            return replace(self, output_mode=OutputMode(self.output_mode + 1))
        if self.has_system_role:
            return replace(self, has_system_role=False)
        return None

    def in_words(self) -> Dialect:
        """The schema in the prompt, for a server that has ignored it elsewhere."""
        return replace(self, output_mode=OutputMode.TEXT)

    def build_request(
        self,
        settings: LlmSettings,
        system: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        name: str,
    ) -> dict[str, Any]:
        if self.output_mode is not OutputMode.SCHEMA:
            system += _SCHEMA_PROMPT + json.dumps(schema)
        request: dict[str, Any] = {"model": settings.model or ""}
        request["messages"] = self._messages(system, messages)
        if self.is_ollama:
            return {**request, **self._ollama_options(settings, schema)}
        if self.length_parameter:
            request[self.length_parameter] = settings.max_tokens
        if self.has_temperature:
            request["temperature"] = settings.temperature
        if self.streams:
            request["stream"] = True
        if self.output_mode is OutputMode.SCHEMA:
            json_schema = {"name": name, "schema": schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        elif self.output_mode is OutputMode.OBJECT:
            request["response_format"] = {"type": "json_object"}
        return request

    def _messages(self, system: str, messages: Sequence[Message]) -> list[Message]:
        if self.has_system_role:
            return [{"role": "system", "content": system}, *messages]
        first, *others = messages
        return [{**first, "content": f"{system}\n\n{first['content']}"}, *others]

    def _ollama_options(self, settings: LlmSettings, schema: Mapping[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {"num_predict": settings.max_tokens}
        if self.has_temperature:
            options["temperature"] = settings.temperature
        if settings.num_ctx:
            options["num_ctx"] = settings.num_ctx
        # Recent versions refuse a prompt that is too long, rather than cut it, if they are told.
        request: dict[str, Any] = {
            "options": options,
            "stream": self.streams,
            "truncate": False,
            "shift": False,
        }
        if settings.think is not None and self.has_think:
            request["think"] = settings.think
        if self.output_mode is OutputMode.SCHEMA:
            request["format"] = schema
        elif self.output_mode is OutputMode.OBJECT:
            request["format"] = "json"
        return request

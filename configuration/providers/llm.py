"""Complete with any model that is reached over OpenAI's API, its answers checked by a schema."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings as django_settings

from configuration.errors import AnswerUnusable, ModelRefused

from . import Message, json_output
from .catalog import KNOWN, Form
from .client import REFUSALS, Line, refusal

if TYPE_CHECKING:
    from configuration.effective import LlmSettings

log = structlog.get_logger(__name__)

_IN_WORDS = "\n\nAnswer with one JSON object and nothing else. It fits this JSON schema:\n"
_AGAIN = "That cannot be used. {fault} Answer again, with the whole JSON object and nothing else."


@dataclass(frozen=True)
class Dialect:
    """What a server takes of OpenAI's API, as far as its refusals have shown."""

    form: Form
    length: str = "max_tokens"
    has_temperature: bool = True

    def without(self, refused: str) -> Dialect | None:
        """What to try next, None when the refusal is about something else."""
        if "max_tokens" in refused and self.length == "max_tokens":
            return replace(self, length="max_completion_tokens")
        if "temperature" in refused and self.has_temperature:
            return replace(self, has_temperature=False)
        about_form = any(word in refused for word in ("response_format", "schema", "json"))
        if about_form and self.form < Form.TEXT:
            return replace(self, form=Form(self.form + 1))
        return None


# What this process has learnt, by address and model. There are few of them.
_learnt: dict[tuple[str, str], Dialect] = {}


@dataclass(frozen=True)
class RemoteCompleter:
    settings: LlmSettings
    line: Line

    def complete(
        self,
        system: str,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        name: str,
        within: float | None = None,
    ) -> dict[str, Any]:
        deadline = time.monotonic() + (within or django_settings.LLM_TIMEOUT)
        text = self._say(system, messages, schema, name, deadline)
        try:
            return json_output.read(text, schema)
        except json_output.Unreadable as error:
            log.info("a model is asked again", model=str(self.line), fault=str(error))
            again = [
                *messages,
                {"role": "assistant", "content": text[: json_output.MAX_LENGTH]},
                {"role": "user", "content": _AGAIN.format(fault=error)},
            ]
        text = self._say(system, again, schema, name, deadline)
        try:
            return json_output.read(text, schema)
        except json_output.Unreadable as error:
            fault = f"{self.line} answered twice with something that cannot be used. {error}"
            raise AnswerUnusable(fault) from None

    def _say(
        self,
        system: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        name: str,
        deadline: float,
    ) -> str:
        """Ask in the way that the server takes, found out where need be; return what it said."""
        at = (self.line.base_url, self.line.model)
        dialect = _learnt.get(at) or Dialect(KNOWN[self.line.provider].form)
        while True:
            request = self._request(dialect, system, messages, schema, name)
            try:
                answer = self.line.ask(
                    "/chat/completions", request, within=deadline - time.monotonic()
                )
            except REFUSALS as error:
                other = dialect.without(error.message)
                if other is None:
                    raise refusal(self.line, error) from error
                _learnt[at] = dialect = other
            else:
                return _said(answer, self.line)

    def _request(
        self,
        dialect: Dialect,
        system: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        name: str,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self.line.model,
            dialect.length: self.settings.max_tokens,
        }
        if dialect.has_temperature:
            request["temperature"] = self.settings.temperature
        if dialect.form is Form.SCHEMA:
            wanted = {"name": name, "schema": schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": wanted}
        else:
            system += _IN_WORDS + json.dumps(schema)
        if dialect.form is Form.OBJECT:
            request["response_format"] = {"type": "json_object"}
        return {**request, "messages": [{"role": "system", "content": system}, *messages]}


def _said(answer: Any, line: Line) -> str:
    """The text of an answer that is complete. Raises ModelRefused, AnswerUnusable."""
    match answer:
        case {"choices": [{"message": {"refusal": str(refused)}}, *_]} if refused:
            raise ModelRefused(f"{line} declined to answer.")
        case {"choices": [{"finish_reason": "content_filter"}, *_]}:
            raise ModelRefused(f"{line} declined to answer.")
        case {"choices": [{"finish_reason": "length"}, *_]}:
            raise AnswerUnusable(f"{line} ran out of room for its answer: raise max_tokens.")
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
    raise AnswerUnusable(f"{line} answered without a text.")

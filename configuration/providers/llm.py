"""Call a remote language model, and fit its output to a schema."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.conf import settings as django_settings

from configuration.errors import (
    InputTooLong,
    ProviderError,
    ProviderUnreachable,
    RequestRejected,
    UnusableAnswer,
)
from configuration.model_settings import LlmSettings

from .client import ATTEMPTS, Endpoint
from .completions import Completion, read_completion
from .dialect import Dialect
from .json_output import MAX_LENGTH, InvalidOutput, parse_output
from .ollama import check_prompt, lacks_own_api
from .protocols import Answer, Message

log = structlog.get_logger(__name__)

_RETRY_PROMPT = (
    "That cannot be used. {error} Answer again, with the whole JSON object and nothing else."
)

# Statuses by which servers refuse a request, or fail at it, without a reason.
_UNEXPLAINED = (400, 404, 405, 415, 422, 500, 501)

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
    ) -> Answer:
        deadline = time.monotonic() + (timeout or django_settings.LLM_TIMEOUT)
        call = _Call(self.settings, self.endpoint, system, schema, name, deadline)
        completion = call.generate(messages)
        try:
            return call.read(completion)
        except InvalidOutput as error:
            log.info("retrying a model", model=str(self.endpoint), error=str(error))
            messages = [*messages, *_correction(completion, error)]
        try:
            return call.read(call.generate(messages, in_words=True))
        except InvalidOutput as error:
            detail = f"{self.endpoint} gave two unusable answers. {error}"
            raise UnusableAnswer(detail) from None


@dataclass(frozen=True)
class _Call:
    settings: LlmSettings
    endpoint: Endpoint
    system: str
    schema: Mapping[str, Any]
    name: str
    deadline: float

    @property
    def _server(self) -> tuple[str, str]:
        return self.endpoint.base_url, self.endpoint.model

    def generate(self, messages: Sequence[Message], *, in_words: bool = False) -> Completion:
        """Ask the model, in the dialect that the server turns out to take."""
        learnt = _dialects.get(self._server) or Dialect.of(self.endpoint.provider)
        dialect = learnt.in_words() if in_words else learnt
        guessed_from: ProviderError | None = None
        is_lasting = True
        while True:
            try:
                completion = self._post(dialect, messages, attempts=1 if guessed_from else ATTEMPTS)
            except ProviderError as error:
                if generated := self._failed_generation(error):
                    return generated
                following = self._follow(dialect, error)
                if following is None:
                    following = _guess(dialect, error, has_guessed=guessed_from is not None)
                    if following is None:
                        raise guessed_from or error from error
                    guessed_from = guessed_from or error
                # A server that failed may have recovered, and how long an answer may be depends
                # on the length of this prompt.
                passes = isinstance(guessed_from, ProviderUnreachable)
                is_lasting = is_lasting and not passes and not isinstance(error, InputTooLong)
                dialect = following
            else:
                if is_lasting:
                    mode = learnt.output_mode if in_words else dialect.output_mode
                    _dialects[self._server] = replace(dialect, output_mode=mode)
                return completion

    def _post(self, dialect: Dialect, messages: Sequence[Message], *, attempts: int) -> Completion:
        request = dialect.build_request(
            self.settings, self.system, messages, self.schema, self.name
        )
        prefix = "/v1" if self.endpoint.is_ollama and not dialect.is_ollama else ""
        response = self.endpoint.post(
            prefix + dialect.path,
            request,
            timeout=self.deadline - time.monotonic(),
            attempts=attempts,
            learns=lambda said: dialect.learn(said) is not None,
        )
        if dialect.is_ollama:
            check_prompt(request, response, asked=str(self.endpoint))
        return read_completion(response, asked=str(self.endpoint))

    def _follow(self, dialect: Dialect, error: ProviderError) -> Dialect | None:
        """The dialect that an error leads to, None if it names no reason that we know of."""
        if dialect.is_ollama and lacks_own_api(error):
            if self.settings.num_ctx or self.settings.think is not None:
                raise RequestRejected(
                    f"{self.endpoint} does not serve Ollama's own API (/api/chat), which `num_ctx` "
                    "and `think` need: set both to null, or correct `ollama_base_url`."
                ) from error
            return replace(dialect, is_ollama=False)
        following = dialect.learn(error.said) if error.status not in (401, 402, 429) else None
        if following and not following.has_think and dialect.has_think and self.settings.think:
            raise RequestRejected(
                f"{self.endpoint} does not support `think`: set it to null."
            ) from error
        return following

    def _failed_generation(self, error: ProviderError) -> Completion | None:
        """The answer in an error of Groq, which is sent where the model's JSON is not perfect."""
        if not error.generated:
            return None
        completion = Completion((error.generated,), is_cut=False)
        try:
            self.read(completion)
        except InvalidOutput:
            return None
        return completion

    def read(self, completion: Completion) -> Answer:
        """Find the answer. Raises InvalidOutput, and UnusableAnswer if it was cut off."""
        problem = InvalidOutput("The answer had no text.")
        for text in completion.texts:
            try:
                return replace(parse_output(text, self.schema), is_cut=completion.is_cut)
            except InvalidOutput as error:
                problem = error if text == completion.texts[0] else problem
        if completion.is_cut:
            raise UnusableAnswer(
                f"The answer of {self.endpoint} was cut off: increase `max_tokens`."
            )
        raise problem


def _correction(completion: Completion, error: InvalidOutput) -> list[Message]:
    """Show the model its answer and what is wrong with it. There may be none: ask it again."""
    if not completion.texts:
        return []
    return [
        {"role": "assistant", "content": completion.texts[0][:MAX_LENGTH]},
        {"role": "user", "content": _RETRY_PROMPT.format(error=error)},
    ]


def _guess(dialect: Dialect, error: ProviderError, *, has_guessed: bool) -> Dialect | None:
    """What to try after a refusal or a failure that says nothing, None if there is no more."""
    if type(error) is RequestRejected and error.status in _UNEXPLAINED:
        return dialect.next_form()
    is_failure = type(error) is ProviderUnreachable and error.status in _UNEXPLAINED
    words = dialect.in_words()
    return words if is_failure and not has_guessed and words != dialect else None

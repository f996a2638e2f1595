"""The faults that the fake model can inject."""

from __future__ import annotations

import re
from enum import StrEnum


class Fault(StrEnum):
    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    QUOTA = "quota"  # 429, the quota is exhausted
    KEY = "key"  # 401
    FORBIDDEN = "forbidden"  # 403
    NO_MODEL = "no_model"  # 404
    TOO_LONG = "too_long"  # 400
    ERROR = "error"  # 500
    OVERLOADED = "overloaded"  # 503
    HANG = "hang"  # no response
    DRIP = "drip"  # the response slowly, byte by byte
    CUT = "cut"  # half of the response
    LARGE = "large"  # a response over the limit
    REDIRECT = "redirect"  # 307 to another server
    NO_JSON = "no_json"  # 200 with a web page
    NONSENSE = "nonsense"  # text instead of JSON
    MISFIT = "misfit"  # JSON that does not match the schema
    FENCE = "fence"  # the right answer in a code block
    PROSE = "prose"  # the right answer within prose
    REFUSAL = "refusal"  # the model declines
    ROOM = "room"  # the model runs out of tokens
    FLOOD = "flood"  # ten thousand facts
    WRONG_SIZE = "wrong_size"  # vectors with other dimensions
    OBEDIENT = "obedient"  # it follows instructions in the text: a prompt injection

    # Ways to write an answer: see `styles`.
    THOUGHT = "thought"
    REASONING_TAG = "reasoning_tag"
    THINK_MARKS = "think_marks"
    OPEN_THINK = "open_think"
    NOTE_AFTER = "note_after"
    NO_NULLS = "no_nulls"
    EXTRA_KEY = "extra_key"
    OTHER_CASE = "other_case"
    ONE_MISFIT = "one_misfit"
    STRINGS = "strings"
    BARE_LIST = "bare_list"
    IN_STRING = "in_string"
    IN_LIST = "in_list"
    NESTED = "nested"
    LINES = "lines"
    SINGLE_QUOTES = "single_quotes"
    TRAILING_COMMA = "trailing_comma"
    COMMENTS = "comments"
    SURROGATE = "surrogate"
    NUMBERS_AS_TEXT = "numbers_as_text"
    CUT_LIST = "cut_list"  # the model runs out of tokens in the middle of an item

    # Ways to send it.
    REASONING_CONTENT = "reasoning_content"
    REASONING_FIELD = "reasoning_field"
    PARTS = "parts"
    TOOL_CALL = "tool_call"
    PARSED = "parsed"
    OBJECT_CONTENT = "object_content"
    EVENTS = "events"
    KEEP_ALIVE = "keep_alive"
    BLANK_LINES = "blank_lines"
    GZIP = "gzip"
    BOMB = "bomb"  # compressed, and large once it is not
    NO_USAGE = "no_usage"
    NO_CHOICES = "no_choices"
    NULL_CHOICES = "null_choices"
    EMPTY = "empty"
    ERROR_IN_OK = "error_in_ok"
    RATE_IN_OK = "rate_in_ok"
    TEXT_IN_OK = "text_in_ok"
    CHOICE_ERROR = "choice_error"
    EVENT_ERROR = "event_error"

    # Ways to write vectors.
    NO_INDEX = "no_index"
    NO_FIRST_INDEX = "no_first_index"
    SAME_INDEX = "same_index"
    SHUFFLED = "shuffled"
    BASE64 = "base64"
    VALUES = "values"
    TEXT_NUMBERS = "text_numbers"
    LONG_VECTORS = "long_vectors"
    ONE_VECTOR = "one_vector"
    NAN = "nan"
    ZERO = "zero"

    # What a server does not take: see `refusals`.
    FASTAPI = "fastapi"
    GRAMMAR = "grammar"
    NO_ENDPOINT = "no_endpoint"
    NO_FORMAT = "no_format"
    MUTE = "mute"
    MUTE_ERROR = "mute_error"
    JSON_OBJECT_ONLY = "json_object_only"
    NO_SYSTEM = "no_system"
    ALTERNATE = "alternate"
    NO_TEMPERATURE = "no_temperature"
    COMPLETION_TOKENS = "completion_tokens"
    NO_LENGTH = "no_length"
    STREAM_ONLY = "stream_only"
    NO_THINKING = "no_thinking"
    FAILED_GENERATION = "failed_generation"
    TEN_TEXTS = "ten_texts"
    BATCH_413 = "batch_413"
    BATCH_TOKENS = "batch_tokens"
    MUTE_BATCH = "mute_batch"

    # What may pass, or what an operator has to mend.
    LOADING = "loading"
    OVERLOADED_529 = "overloaded_529"
    GATEWAY_PAGE = "gateway_page"
    QUOTA_OF_A_MINUTE = "quota_of_a_minute"
    KEY_400 = "key_400"
    NOT_PULLED = "not_pulled"
    FILTERED = "filtered"
    CONTEXT_500 = "context_500"


# Status, code and message, similar to OpenAI's.
STATUSES = {
    Fault.RATE_LIMITED: (429, "rate_limit_exceeded", "Rate limit reached."),
    Fault.QUOTA: (429, "insufficient_quota", "You exceeded your current quota."),
    Fault.KEY: (401, "invalid_api_key", "Incorrect API key provided."),
    Fault.FORBIDDEN: (403, "model_not_allowed", "This key may not use the model."),
    Fault.NO_MODEL: (404, "model_not_found", "The model does not exist."),
    Fault.TOO_LONG: (400, "context_length_exceeded", "This is more than the model's context."),
    Fault.ERROR: (500, "server_error", "The server had an error."),
    Fault.OVERLOADED: (503, "overloaded", "The engine is overloaded."),
}

# `[[fake:error]]` in a text makes every request with it fail, `[[fake:error:2]]` the first two.
_MARKER = re.compile(r"\[\[fake:(" + "|".join(Fault) + r")(?::(\d{1,4}))?\]\]")


def find_marker(text: str) -> tuple[Fault, int | None] | None:
    """The fault that a marker in the text requests, and how often; None means always."""
    marker = _MARKER.search(text)
    return (Fault(marker[1]), int(marker[2]) if marker[2] else None) if marker else None


def strip_markers(text: str) -> str:
    return _MARKER.sub("", text)

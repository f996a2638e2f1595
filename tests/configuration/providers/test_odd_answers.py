"""Answers in shapes that servers and models have been seen to send, read without a server."""

import base64
import json
import struct

import pytest

from configuration.catalog import OutputMode
from configuration.errors import ModelRefused, ProviderUnreachable, QuotaExhausted, RateLimited
from configuration.providers.completions import read_completion
from configuration.providers.dialect import Dialect
from configuration.providers.embedding_answers import read_vectors
from configuration.providers.event_stream import StreamBrokeOff, read_body
from configuration.providers.json_output import InvalidOutput, parse_output
from configuration.providers.status_errors import find_failure, translate
from memories.inference import json_schemas

ANSWER = '{"facts": []}'
TEXT = "Ada lives in Porto"


@pytest.mark.parametrize(
    "answer",
    [
        {"facts": [{"fact": TEXT, "categories": ["pets"]}]},
        {"facts": [{"content": TEXT, "category": "Pet"}]},
        {"facts": {"1": {"text": TEXT, "categories": "pets"}}},
        {"memories": [{"text": TEXT, "categories": [{"name": "pets", "confidence": 0.9}]}]},
        {"fact": [{"text": TEXT, "categories": {"pets": True, "work": False}}]},
        {"facts": [{"text": {"value": TEXT}, "categories": {"pets": 0.8}}]},
        {"facts": [{"text": TEXT, "categories": "pets; unknown"}]},
    ],
)
def test_a_fact_is_read_under_another_name_or_in_another_shape(answer):
    schema = json_schemas.facts(["work", "pets"])

    [fact] = parse_output(json.dumps(answer), schema).value["facts"]

    assert (fact["text"], fact["categories"]) == (TEXT, ["pets"])


@pytest.mark.parametrize(
    "answer",
    [
        {"categories": ["work", "pets"]},  # the answer to another question
        {"facts": [{"one": "Ada", "two": "Porto"}]},  # which of them?
        {"ids": [1, 2]},
        {"queries": [{"q": "Where does Ada live?"}]},
    ],
)
def test_what_could_mean_something_else_is_no_fact(answer):
    with pytest.raises(InvalidOutput):
        parse_output(json.dumps(answer), json_schemas.facts(["work", "pets"]))


@pytest.mark.parametrize(
    "verdict",
    [
        {"fact": "Fact 1", "verdict": "contradict", "memories": ["Memory 2", "[3]"]},
        {"fact": "#1", "verdict": "Contradicted", "memories": "2, 3"},
        {"fact": 1, "verdict": "contradicts", "memory": [2, 3]},
    ],
)
def test_numbers_and_verdicts_are_read_with_what_models_write_around_them(verdict):
    answer = parse_output(json.dumps({"verdicts": [verdict]}), json_schemas.verdicts())

    assert answer.value["verdicts"] == [{"fact": 1, "verdict": "contradicts", "memories": [2, 3]}]


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning_details": [{"type": "reasoning.text", "text": ANSWER}]},
        {"content": "", "reasoning": {"content": ANSWER}},
        {"content": "", "reasoning_text": ANSWER},
        {"content": [{"type": "text", "text": {"value": ANSWER}}]},
        {"content": [{"type": "json", "json": json.loads(ANSWER)}]},
    ],
)
def test_the_answer_is_found_in_the_field_that_has_it(message):
    completion = read_completion({"choices": [{"message": message}]}, asked="a model")

    assert completion.texts == (ANSWER,)


def test_an_answer_in_a_delta_is_one():
    completion = read_completion({"choices": [{"delta": {"content": ANSWER}}]}, asked="a model")

    assert completion.texts == (ANSWER,)


def test_other_words_for_a_refusal_and_for_a_cut():
    message = {"content": ANSWER}

    with pytest.raises(ModelRefused):
        read_completion({"choices": [{"finish_reason": "SPII", "message": {}}]}, asked="a model")
    for reason in ("max_output_tokens", "model_context_window_exceeded"):
        choice = {"finish_reason": reason, "message": message}
        assert read_completion({"choices": [choice]}, asked="a model").is_cut


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}, RateLimited),
        ({"error_code": 429, "error_msg": "slow down"}, RateLimited),
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, RateLimited),
        (
            {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
            QuotaExhausted,
        ),
        ({"status": "error", "message": "overloaded"}, ProviderUnreachable),
        ({"message": "Internal Server Error"}, ProviderUnreachable),
        ({"msg": "rate limit", "status": 429}, RateLimited),
    ],
)
def test_an_error_in_an_answer_of_status_200_is_one(body, error):
    failure = find_failure(body, {})

    assert failure is not None
    assert type(translate(failure, provider="openai", model="m", has_key=True)) is error


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "message": "ok", "choices": [{"message": {"content": ANSWER}}]},
        {"base_resp": {"status_code": 0}, "choices": [{"message": {"content": ANSWER}}]},
        {"status": "success", "message": "ok", "data": [{"embedding": [1, 2]}]},
        {"response": ANSWER, "done": True},
    ],
)
def test_a_result_with_words_beside_it_is_no_error(body):
    assert find_failure(body, {}) is None


def test_a_stream_ends_with_its_mark_and_is_cut_at_line_ends_alone():
    events = (
        'data: {"choices": [{"delta": {"content": "a\u2028"}}]}\n\n'
        'data: {"choices":\ndata: [{"delta": {"content": [{"type": "text", "text": "b"}]}}]}\n\n'
        "data: [DONE]\n"
    )

    completion = read_completion(read_body(events.encode()), asked="a model")

    assert completion.texts == ("a\u2028b",)
    with pytest.raises(StreamBrokeOff):
        read_body(events.replace("data: [DONE]\n", "").encode())
    lines = '{"message": {"content": "a\u2028"}}\n{"message": {"content": "b"}, "done": true}\n'
    assert read_body(lines.encode())["message"]["content"] == "a\u2028b"


@pytest.mark.parametrize(
    "body",
    [
        {"embedding": {"values": [1, 2]}},
        {"results": [{"embedding": [1, 2]}]},
        {"predictions": [{"embeddings": {"values": [1, 2]}}]},
        {"output": {"embeddings": [{"text_index": 0, "embedding": [1, 2]}]}},
        {"embeddingsByType": {"float": [1, 2]}},
        {"data": [{"embedding": base64.b64encode(struct.pack("<2f", 1, 2)).decode()}]},
    ],
)
def test_a_vector_is_found_wherever_a_server_puts_it(body):
    assert read_vectors(body, 1).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "words",
    [
        "Role must be user or assistant",
        "Please use a valid role: user, model.",
        "The first message must be a user message",
        "Input should be 'user' or 'assistant'",
        "'system' is not one of ['user', 'assistant']",
        "This model does not support SystemMessage",
    ],
)
def test_a_server_without_a_system_role_says_so_in_many_words(words):
    dialect = Dialect(OutputMode.SCHEMA).learn(words.lower())

    assert dialect == Dialect(OutputMode.SCHEMA, has_system_role=False)

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from configuration import effective
from configuration.errors import (
    KeyRejected,
    ModelRefused,
    ProviderError,
    ProviderUnavailable,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
    UnusableAnswer,
)
from configuration.fake import FakeServer, Fault
from configuration.providers import get_language_model, status_errors
from configuration.providers.status_errors import Failure

from .conftest import fake_llm_settings

SECRET = "sk-do-not-tell-anybody-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {
        "facts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "speaker": {"type": ["string", "null"]},
                    "date": {"type": ["string", "null"]},
                    "categories": {
                        "type": "array",
                        "items": {"type": "string", "enum": ["food", "pets"]},
                    },
                },
                "required": ["text", "speaker", "date", "categories"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["facts"],
    "additionalProperties": False,
}
HOUR = timedelta(hours=1)
TEXT = "I drink tea. My dog is old."
FACTS = [
    {"text": "I drink tea.", "speaker": None, "date": None, "categories": ["food"]},
    {"text": "My dog is old.", "speaker": None, "date": None, "categories": ["pets"]},
]


def wait_after(body=None, **headers):
    """How long to wait after a failure with this body and these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status_errors.retry_after(Failure(429, body, named))


def ask(language_model, text=TEXT, **options):
    return language_model.complete(
        "Name the facts.",
        [{"role": "user", "content": text}],
        schema=SCHEMA,
        name="facts",
        **options,
    ).value


def test_the_model_answers_with_an_object_that_fits_the_schema(fake, language_model):
    assert ask(language_model) == {"facts": FACTS}

    assert fake.bodies[-1] == {
        "model": "m",
        "max_tokens": 2000,
        "temperature": 0.1,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "facts", "schema": SCHEMA, "strict": True},
        },
        "messages": [
            {"role": "system", "content": "Name the facts."},
            {"role": "user", "content": TEXT},
        ],
    }


def test_the_built_in_provider_is_no_language_model():
    assert get_language_model(effective.llm_settings({"provider": "local"})) is None


def test_ollama_is_asked_where_it_speaks_the_api_of_openai(fake):
    base_url = fake.base_url.removesuffix("/v1")

    for url in (base_url, base_url + "/", base_url + "/v1"):
        settings = effective.llm_settings({"provider": "ollama", "ollama_base_url": url})
        assert ask(get_language_model(settings)) == {"facts": FACTS}

    assert fake.bodies[-1]["model"] == "llama3.1:latest"


def test_the_key_is_sent_and_none_where_there_is_none(fake, monkeypatch, settings):
    settings.ENV_KEYS = ["VLLM_KEY"]
    monkeypatch.setenv("VLLM_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-them")
    monkeypatch.setenv("OPENAI_ORG_ID", "not-for-them")

    ask(get_language_model(fake_llm_settings(fake, api_key="env:VLLM_KEY")))
    ask(get_language_model(fake_llm_settings(fake)))

    keyed, unkeyed = fake.headers
    assert keyed["authorization"] == f"Bearer {SECRET}"
    assert unkeyed["authorization"] == "Bearer none"
    assert "not-for-them" not in str([keyed, unkeyed])


def test_a_key_that_is_not_set_is_told_before_anything_is_sent(fake, settings):
    settings.ENV_KEYS = ["UNSET_KEY"]
    with pytest.raises(ProviderUnavailable, match="UNSET_KEY is not set"):
        get_language_model(fake_llm_settings(fake, api_key="env:UNSET_KEY"))


@pytest.mark.parametrize("fault", [Fault.FENCE, Fault.PROSE])
def test_json_is_found_in_what_is_around_it(fake, language_model, fault):
    fake.fault = fault

    assert ask(language_model) == {"facts": FACTS}


@pytest.mark.parametrize("fault", [Fault.NONSENSE, Fault.MISFIT])
def test_an_answer_that_cannot_be_used_is_shown_to_the_model_once(fake, language_model, fault):
    fake.control({"fault": fault, "times": 1})

    assert ask(language_model) == {"facts": FACTS}

    roles = [message["role"] for message in fake.bodies[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert "cannot be used" in fake.bodies[-1]["messages"][-1]["content"]


@pytest.mark.parametrize("fault", [Fault.NONSENSE, Fault.MISFIT])
def test_two_answers_that_cannot_be_used_are_enough(fake, language_model, fault):
    fake.fault = fault

    with pytest.raises(UnusableAnswer, match=r"vllm \(m\) gave two unusable answers") as raised:
        ask(language_model)

    assert raised.value.retryable
    assert fake.calls["/chat/completions"] == 2


@pytest.mark.parametrize(
    ("fault", "error", "says", "calls"),
    [
        (Fault.KEY, KeyRejected, "configure another key", 1),
        (Fault.FORBIDDEN, KeyRejected, "rejects the key", 1),
        (Fault.NO_MODEL, RequestRejected, "has no model 'm'", 1),
        (Fault.TOO_LONG, RequestRejected, "context_length_exceeded", 1),
        (Fault.QUOTA, QuotaExhausted, "out of quota", 1),
        (Fault.REFUSAL, ModelRefused, "declined", 1),
        (Fault.REDIRECT, RequestRejected, "status 307.*set its base URL", 1),
        (Fault.ROOM, UnusableAnswer, "increase `max_tokens`", 1),
        (Fault.RATE_LIMITED, RateLimited, "rate limit", 3),
        (Fault.ERROR, ProviderUnreachable, "status 500", 4),  # the last in another form
        (Fault.OVERLOADED, ProviderUnreachable, "status 503", 3),
        (Fault.CUT, ProviderUnreachable, "closed the connection", 3),
        (Fault.LARGE, ProviderUnreachable, "was too large", 3),
        (Fault.BOMB, ProviderUnreachable, "was too large", 3),
        (Fault.NO_JSON, ProviderUnreachable, "was not JSON", 3),
    ],
)
def test_a_failure_says_what_happened_and_is_tried_again_where_that_may_help(
    fake, monkeypatch, settings, fault, error, says, calls
):
    settings.ENV_KEYS = ["VLLM_KEY"]
    fake.control({"fault": fault, "retry_after": 0})
    monkeypatch.setenv("VLLM_KEY", SECRET)

    with pytest.raises(error, match=says) as raised:
        ask(get_language_model(fake_llm_settings(fake, api_key="env:VLLM_KEY")))

    assert fake.calls["/chat/completions"] == calls
    assert raised.value.retryable is (calls >= 3 or fault is Fault.ROOM)
    assert "vllm" in raised.value.detail
    assert SECRET not in raised.value.detail
    assert "tea" not in raised.value.detail


def test_a_key_that_is_wanted_and_not_configured_is_told(fake, language_model):
    fake.fault = Fault.KEY

    with pytest.raises(KeyRejected, match="none is configured"):
        ask(language_model)


def test_a_mark_in_the_text_fails_as_often_as_it_says(fake, language_model):
    assert ask(language_model, TEXT + " [[fake:error:2]]") == {"facts": FACTS}
    assert fake.calls["/chat/completions"] == 3

    with pytest.raises(QuotaExhausted):
        ask(language_model, TEXT + " [[fake:quota]]")


def test_a_failure_that_passes_is_not_noticed(fake, language_model):
    fake.control({"fault": Fault.ERROR, "times": 2})

    assert ask(language_model) == {"facts": FACTS}


def test_what_the_provider_asks_to_wait_for_is_waited_for(fake, language_model):
    fake.control({"fault": Fault.RATE_LIMITED, "times": 1, "retry_after": 0.3})

    assert ask(language_model) == {"facts": FACTS}


def test_a_long_wait_is_left_to_the_caller(fake, language_model):
    fake.control({"fault": Fault.RATE_LIMITED, "retry_after": 60})

    with pytest.raises(RateLimited) as raised:
        ask(language_model)

    assert raised.value.retry_after == 60
    assert fake.calls["/chat/completions"] == 1


@pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7), ("0", 0)])
def test_the_wait_is_read_in_seconds(retry_after, seconds):
    assert wait_after(retry_after=retry_after) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"message": "Please try again in 7.66s."}}, 7.66),
        ({"error": {"message": "Please try again in 20ms."}}, 0.02),
        ({"error": {"message": "Please try again in 1m30s."}}, 90),
        ({"error": {"details": [{"retryDelay": "37s"}]}}, 37),
        ({"error": "Model is loading", "estimated_time": 20.5}, 20.5),
        ({"error": {"metadata": {"raw": '{"retry_after": 3}'}}}, 3),
        ({"error": {"message": "Try again later."}}, None),
    ],
)
def test_the_wait_is_read_in_words(body, seconds):
    assert wait_after(body) == seconds


def test_the_wait_is_read_as_a_date():
    retry_after = format_datetime(datetime.now(UTC) + HOUR)

    assert 3000 <= wait_after(retry_after=retry_after) <= 3600


@pytest.mark.parametrize(
    "retry_after",
    ["", "soon", "-1", "nan", "inf", "86401", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 1994"],
)
def test_what_is_no_wait_is_not_waited_for(retry_after):
    assert wait_after(retry_after=retry_after) is None


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP])
def test_an_answer_that_does_not_end_is_given_up(fake, language_model, fault):
    fake.fault = fault

    with pytest.raises(ProviderUnreachable, match="did not respond in time"):
        ask(language_model, timeout=0.5)


def test_nobody_at_the_address_is_told(fake):
    settings = fake_llm_settings(fake)
    with FakeServer() as gone:
        settings = fake_llm_settings(gone)

    with pytest.raises(ProviderUnreachable, match="cannot be reached"):
        ask(get_language_model(settings))


@pytest.mark.parametrize(
    ("forms", "asked"),
    [
        (("json_object",), ["json_schema", "json_object", "json_object"]),
        ((), ["json_schema", "json_object", None, None]),
    ],
)
def test_a_server_without_structured_output_is_asked_in_words(fake, forms, asked):
    fake.output_modes = forms
    language_model = get_language_model(fake_llm_settings(fake))

    answers = [ask(language_model), ask(language_model)]

    assert answers == [{"facts": FACTS}] * 2
    sent = [body.get("response_format", {}).get("type") for body in fake.bodies]
    assert sent == asked
    assert "JSON schema" in fake.bodies[-1]["messages"][0]["content"]


def test_ten_thousand_facts_are_read(fake, language_model):
    fake.fault = Fault.FLOOD

    assert len(ask(language_model)["facts"]) == 10_000


def test_every_failure_is_of_one_kind():
    for error_class in (UnusableAnswer, RequestRejected, KeyRejected, ModelRefused, QuotaExhausted):
        assert issubclass(error_class, ProviderError)


def test_the_fake_model_says_nothing_of_callers_who_hang_up_and_all_of_its_own_faults(capsys):
    with FakeServer() as fake:
        for error in (ConnectionResetError("hung up"), KeyError("a fault of its own")):
            try:
                raise error
            except (ConnectionError, KeyError):
                fake.handle_error(None, ("127.0.0.1", 1))

    stderr = capsys.readouterr().err
    assert "hung up" not in stderr
    assert "a fault of its own" in stderr


class QuotesTheKey(BaseHTTPRequestHandler):
    """A server that repeats the key wherever an error has room for words."""

    def do_POST(self):
        key = self.headers["Authorization"].removeprefix("Bearer ")
        error = {"message": key, "code": key, "param": key, "failed_generation": key}
        body = json.dumps({"error": error}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def quoting():
    with ThreadingHTTPServer(("127.0.0.1", 0), QuotesTheKey) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_an_error_that_quotes_the_key_does_not_show_it(quoting, monkeypatch, settings, fake):
    settings.ENV_KEYS = ["VLLM_KEY"]
    monkeypatch.setenv("VLLM_KEY", SECRET)
    model = fake_llm_settings(fake, api_key="env:VLLM_KEY", openai_base_url=quoting)

    with pytest.raises(RequestRejected) as raised:
        ask(get_language_model(model))

    error = raised.value
    assert "rejects the request (status 400" in error.detail
    assert SECRET not in str([error.detail, error.said, error.generated])

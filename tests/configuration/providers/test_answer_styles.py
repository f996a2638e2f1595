"""Every way in which models and servers are known to write an answer ends with the facts."""

import pytest

from configuration.catalog import OutputMode
from configuration.errors import InputTooLong, ProviderUnreachable, RequestRejected, UnusableAnswer
from configuration.fake import Fault, styles
from configuration.fake.refusals import REFUSALS
from configuration.providers import get_language_model, llm

from .conftest import fake_llm_settings
from .test_llm import FACTS, SCHEMA, TEXT, ask

# Of these, the whole answer cannot be read, or is none.
NOT_WHOLE = {Fault.CUT_LIST, Fault.EMPTY, Fault.STRINGS, Fault.SURROGATE, Fault.OTHER_CASE}
NO_ANSWER = {
    Fault.NO_CHOICES,
    Fault.NULL_CHOICES,
    Fault.CHOICE_ERROR,
    Fault.ERROR_IN_OK,
    Fault.RATE_IN_OK,
    Fault.TEXT_IN_OK,
    Fault.EVENT_ERROR,
}
DELIVERIES = [Fault.EVENTS, Fault.KEEP_ALIVE, Fault.BLANK_LINES, Fault.GZIP]
# What a server does not take of a request: without it, it answers.
LEARNT = [
    Fault.FASTAPI,
    Fault.GRAMMAR,
    Fault.NO_ENDPOINT,
    Fault.NO_FORMAT,
    Fault.MUTE,
    Fault.JSON_OBJECT_ONLY,
    Fault.NO_SYSTEM,
    Fault.ALTERNATE,
    Fault.NO_TEMPERATURE,
    Fault.COMPLETION_TOKENS,
    Fault.NO_LENGTH,
    Fault.STREAM_ONLY,
]


@pytest.mark.parametrize(
    "fault",
    [
        *sorted(styles.TEXTS.keys() - NOT_WHOLE),
        *sorted(styles.COMPLETIONS.keys() - NOT_WHOLE - NO_ANSWER),
        *DELIVERIES,
    ],
)
def test_the_facts_are_found_in_the_first_answer(fake, language_model, fault):
    fake.fault = fault

    assert ask(language_model) == {"facts": FACTS}
    assert fake.calls["/chat/completions"] == 1


def test_texts_alone_are_facts(fake, language_model):
    fake.fault = Fault.STRINGS

    facts = ask(language_model)["facts"]

    assert [fact["text"] for fact in facts] == ["I drink tea.", "My dog is old."]
    assert facts[0] == {"text": "I drink tea.", "speaker": None, "date": None, "categories": []}


def test_names_are_read_in_any_case_and_those_that_are_not_allowed_dropped(fake, language_model):
    fake.fault = Fault.OTHER_CASE

    assert ask(language_model) == {"facts": FACTS}


def test_half_of_a_surrogate_pair_is_replaced(fake, language_model):
    fake.fault = Fault.SURROGATE

    assert [fact["text"] for fact in ask(language_model)["facts"]] == [
        "I drink tea.\ufffd",
        "My dog is old.\ufffd",
    ]


def test_of_an_answer_that_was_cut_off_the_whole_items_count(fake):
    fake.fault = Fault.CUT_LIST
    model = get_language_model(fake_llm_settings(fake))

    answer = model.complete(
        "Name the facts.",
        [{"role": "user", "content": TEXT}],
        schema=SCHEMA,
        name="facts",
    )

    assert answer.value == {"facts": FACTS[:1]}
    assert answer.is_cut


def test_what_does_not_fit_is_counted(fake):
    fake.fault = Fault.ONE_MISFIT
    model = get_language_model(fake_llm_settings(fake))

    answer = model.complete(
        "Name the facts.", [{"role": "user", "content": TEXT}], schema=SCHEMA, name="facts"
    )

    assert (answer.value, answer.left_out) == ({"facts": FACTS}, 2)


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.NO_CHOICES, Fault.NULL_CHOICES])
def test_an_empty_answer_is_asked_for_once_more_in_words(fake, language_model, fault):
    fake.control({"fault": fault, "times": 1})

    assert ask(language_model) == {"facts": FACTS}
    assert "response_format" not in fake.bodies[-1]
    assert [message["role"] for message in fake.bodies[-1]["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    "fault",
    [Fault.ERROR_IN_OK, Fault.RATE_IN_OK, Fault.TEXT_IN_OK, Fault.CHOICE_ERROR, Fault.EVENT_ERROR],
)
def test_an_error_with_status_200_is_tried_again_as_what_it_is(fake, language_model, fault):
    fake.control({"fault": fault, "times": 2})

    assert ask(language_model) == {"facts": FACTS}
    assert fake.calls["/chat/completions"] == 3


@pytest.mark.parametrize("fault", LEARNT)
def test_what_a_server_refuses_is_learnt_once(fake, language_model, fault):
    fake.fault = fault

    assert ask(language_model) == {"facts": FACTS}
    calls = fake.calls["/chat/completions"]
    assert ask(language_model) == {"facts": FACTS}

    assert 2 <= calls <= 5
    assert fake.calls["/chat/completions"] == calls + 1
    assert not REFUSALS[fault].applies(fake.bodies[-1])


def test_instructions_stand_before_the_first_message_where_there_is_no_system_role(
    fake, language_model
):
    fake.fault = Fault.NO_SYSTEM

    ask(language_model)

    [message] = fake.bodies[-1]["messages"]
    assert message == {"role": "user", "content": f"Name the facts.\n\n{TEXT}"}


def test_a_server_that_fails_at_a_schema_without_a_word_is_asked_in_another_form(
    fake, language_model
):
    """It is not remembered: another server may have failed for a moment."""
    fake.fault = Fault.MUTE_ERROR

    assert ask(language_model) == {"facts": FACTS}

    assert fake.calls["/chat/completions"] == 4
    assert not llm._dialects


def test_the_json_in_an_error_is_the_answer(fake, language_model):
    fake.fault = Fault.FAILED_GENERATION

    assert ask(language_model) == {"facts": FACTS}
    assert fake.calls["/chat/completions"] == 1


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Fault.KEY_400, "provider_key_refused", "requires a key"),
        (Fault.NOT_PULLED, "provider_call_refused", "has no model"),
        (Fault.FILTERED, "model_refused", "declined"),
        (Fault.CONTEXT_500, "provider_call_refused", "too long"),
        (Fault.LOADING, "provider_unreachable", "status 503"),
        (Fault.OVERLOADED_529, "provider_unreachable", "status 529"),
        (Fault.GATEWAY_PAGE, "provider_unreachable", "status 502"),
        (Fault.QUOTA_OF_A_MINUTE, "provider_rate_limited", "rate limit"),
    ],
)
def test_errors_are_told_apart_by_what_they_say(fake, language_model, fault, error, says):
    fake.fault = fault

    with pytest.raises(Exception, match=says) as raised:
        ask(language_model)

    assert raised.value.code == error


def test_a_wait_that_the_body_names_is_passed_on(fake, language_model):
    fake.fault = Fault.LOADING

    with pytest.raises(ProviderUnreachable) as raised:
        ask(language_model)

    assert raised.value.retry_after == 600
    assert fake.calls["/chat/completions"] == 1


@pytest.fixture
def ollama(fake):
    """A language model in a server of Ollama's own API."""
    fake.is_ollama = True

    def build(**config):
        address = fake.base_url.removesuffix("/v1") + config.pop("suffix", "")
        settings = fake_llm_settings(
            fake, provider="ollama", ollama_base_url=address, openai_base_url=None, **config
        )
        return get_language_model(settings)

    return build


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/", "/v1", "/api/chat", "/v1/"])
def test_ollama_is_asked_in_its_own_api(fake, ollama, suffix):
    assert ask(ollama(suffix=suffix, num_ctx=8192, think=False)) == {"facts": FACTS}

    assert fake.headers[-1]["path"] == "/api/chat"
    body = fake.bodies[-1]
    assert body["options"] == {"num_predict": 2000, "temperature": 0.1, "num_ctx": 8192}
    assert (body["think"], body["stream"], body["format"]) == (False, False, SCHEMA)
    assert (body["truncate"], body["shift"]) == (False, False)


@pytest.mark.parametrize(
    "fault",
    [Fault.THOUGHT, Fault.REASONING_FIELD, Fault.NO_NULLS, Fault.GRAMMAR, Fault.MUTE, Fault.GZIP],
)
def test_answers_of_ollama_are_read_like_others(fake, ollama, fault):
    fake.fault = fault

    assert ask(ollama()) == {"facts": FACTS}


def test_a_model_that_cannot_think_is_not_told_not_to(fake, ollama):
    fake.fault = Fault.NO_THINKING

    assert ask(ollama(think=False)) == {"facts": FACTS}
    llm._dialects.clear()
    with pytest.raises(RequestRejected, match="does not support `think`: set it to null"):
        ask(ollama(think="high"))


@pytest.mark.parametrize("num_ctx", [None, 4096])
def test_a_prompt_that_ollama_has_cut_is_an_error(fake, ollama, num_ctx):
    fake.context = 4096

    with pytest.raises(InputTooLong, match=r"only a part of the prompt.*increase `num_ctx`"):
        ask(ollama(num_ctx=num_ctx), "I drink tea. " * 5000)


def test_a_model_that_ollama_does_not_have_is_to_be_pulled(fake, ollama):
    fake.fault = Fault.NOT_PULLED

    with pytest.raises(RequestRejected, match="Run `ollama pull m`"):
        ask(ollama())


def test_settings_that_only_ollamas_own_api_has_are_not_ignored_elsewhere(fake, ollama):
    model = ollama(num_ctx=8192)
    fake.is_ollama = False

    with pytest.raises(RequestRejected, match="does not serve Ollama's own API"):
        ask(model)


def test_two_answers_without_text_are_unusable(fake, language_model):
    fake.fault = Fault.EMPTY

    with pytest.raises(UnusableAnswer, match="had no text"):
        ask(language_model)


def test_azure_is_asked_with_its_version_and_its_header(fake, monkeypatch, settings):
    settings.ENV_KEYS = ["AZURE_KEY"]
    monkeypatch.setenv("AZURE_KEY", "key-of-azure")
    base = fake.base_url.removesuffix("/v1")
    url = f"{base}/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    azure = fake_llm_settings(fake, provider="openai", openai_base_url=url, api_key="env:AZURE_KEY")

    assert ask(get_language_model(azure)) == {"facts": FACTS}

    headers = fake.headers[-1]
    assert headers["path"] == ("/openai/deployments/gpt/chat/completions?api-version=2024-10-21")
    assert headers["api-key"] == "key-of-azure"


def test_the_schema_mode_is_kept_for_the_next_call_after_an_answer_in_words(fake, language_model):
    fake.control({"fault": Fault.NONSENSE, "times": 1})

    ask(language_model)

    [dialect] = llm._dialects.values()
    assert dialect.output_mode is OutputMode.SCHEMA

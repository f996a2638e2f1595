import json

import pytest
from django.contrib.admin.models import LogEntry

from configuration.effective import current_settings
from configuration.fake import FakeServer
from configuration.models import Configuration, ConfigurationChange
from configuration.providers import client
from tests.configuration.providers.forget import forget_servers

PAGE = "/admin/configuration/"
SECRET = "sk-nobody-may-read-this-0123456789"


@pytest.fixture
def fake(db, monkeypatch):
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    forget_servers()
    with FakeServer() as server:
        yield server


def llm_form(**fields):
    return {
        "act": "save llm",
        "provider": "vllm",
        "model": "fake",
        "openai_base_url": "http://127.0.0.1:1/v1",
        **fields,
    }


def page_of(browser):
    answer = browser.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_what_is_in_force(browser):
    page = page_of(browser)

    assert "Language model" in page
    assert 'value="bge-small-en-v1.5"' in page
    assert "No changes yet." in page


def test_a_section_is_saved_and_counts_at_once(browser, root):
    answer = browser.post(PAGE, llm_form(temperature="0.5", max_tokens="100"))

    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    chosen = current_settings().llm
    assert (chosen.provider, chosen.model, chosen.temperature) == ("vllm", "fake", 0.5)
    assert ConfigurationChange.objects.get().changed_by == root
    assert LogEntry.objects.get().change_message.startswith("Language model saved.")
    assert "Language model saved." in page_of(browser)


def test_what_is_left_empty_goes_back_to_its_default(browser):
    browser.post(PAGE, llm_form(temperature="0.5"))

    browser.post(PAGE, llm_form(temperature=""))

    assert current_settings().llm.temperature == 0.1


def test_a_key_is_kept_sealed_and_never_shown(browser):
    browser.post(PAGE, llm_form(api_key=SECRET))

    page = page_of(browser)
    assert SECRET not in page
    assert "********6789" in page
    assert SECRET not in str(Configuration.objects.values().get())
    assert current_settings().llm.resolve_key() == SECRET


def test_the_mask_that_the_form_sends_back_keeps_the_key(browser):
    browser.post(PAGE, llm_form(api_key=SECRET))

    browser.post(PAGE, llm_form(api_key="********6789", max_tokens="77"))

    assert current_settings().llm.resolve_key() == SECRET
    assert current_settings().llm.max_tokens == 77


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"temperature": "7"}, "less than or equal to 2"),
        ({"openai_base_url": "ftp://x"}, "http"),
        ({"model": ""}, "Enter the name of a model of `vllm`."),
        ({"api_key": "********0000"}, "This is not the mask of the stored key."),
        ({"provider": "nobody"}, "nobody is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_changes_nothing(browser, wrong, told):
    answer = browser.post(PAGE, llm_form(**wrong))

    assert answer.status_code == 400
    page = answer.content.decode()
    assert told in page
    assert "Language model not saved." in page
    assert not ConfigurationChange.objects.exists()
    assert not LogEntry.objects.exists()


def test_instructions_are_saved(browser):
    browser.post(PAGE, {"act": "save openmemory", "custom_instructions": "Keep what is eaten."})

    assert current_settings().custom_instructions == "Keep what is eaten."


def test_another_embedding_model_begins_to_embed_anew(browser, fake):
    browser.post(
        PAGE,
        {
            "act": "save embedder",
            "provider": "vllm",
            "model": "fake-embedder",
            "openai_base_url": fake.base_url,
            "dimensions": "64",
        },
    )

    from jobs.models import Job

    assert Job.objects.filter(kind="reembed").count() == 1


def test_a_model_that_answers_is_said_to(browser, fake):
    browser.post(PAGE, llm_form(openai_base_url=fake.base_url))

    browser.post(PAGE, {"act": "try llm"})

    assert "vllm (fake) responded in" in page_of(browser)


@pytest.mark.slow
def test_a_model_that_does_not_answer_is_said_not_to(browser):
    browser.post(PAGE, llm_form())

    browser.post(PAGE, {"act": "try llm"})

    assert "vllm (fake) cannot be reached" in page_of(browser)


def test_the_built_in_embedder_can_be_tried(browser):
    browser.post(PAGE, {"act": "try embedder"})

    assert "with 384 dimensions" in page_of(browser)


def test_all_choices_are_taken_back(browser):
    browser.post(PAGE, llm_form())

    browser.post(PAGE, {"act": "reset"})

    assert current_settings().llm.provider == "local"


@pytest.mark.parametrize("act", ["", "burn", "save nothing", "try openmemory"])
def test_a_button_that_there_is_not_is_refused(browser, act):
    assert browser.post(PAGE, {"act": act}).status_code == 400


@pytest.mark.parametrize("act", ["save llm", "try llm", "reset"])
def test_who_only_sees_can_press_nothing(reading_browser_page, reading, act):
    assert reading.post(PAGE, llm_form(act=act)).status_code == 403
    assert not ConfigurationChange.objects.exists()


@pytest.fixture
def reading_browser_page(reading):
    page = page_of(reading)
    assert 'name="act"' not in page
    return page


def test_nobody_else_gets_there(client, db, django_user_model):
    assert client.get(PAGE).status_code == 302

    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, llm_form()).status_code == 403


def test_a_form_without_its_token_is_refused(root):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root)

    assert strict.post(PAGE, llm_form()).status_code == 403
    assert not ConfigurationChange.objects.exists()


def test_the_whole_configuration_is_edited_as_json(browser, root):
    page = page_of(browser)
    assert "As JSON" in page
    document = json.dumps({"mem0": {"llm": {"provider": "ollama", "config": {"model": "qwen"}}}})

    answer = browser.post(PAGE, {"act": "save json", "document": document})

    assert answer.status_code == 302
    assert (current_settings().llm.provider, current_settings().llm.model) == ("ollama", "qwen")
    assert current_settings().embedder.provider == "local"
    assert ConfigurationChange.objects.get().changed_by == root


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "This is not JSON"),
        ("[" * 90_000, "This is nested too deeply."),
        ('{"a": NaN}', "a: "),
        ("[]", "This is no JSON object"),
        ("null", "This is no JSON object"),
        ('{"mem0": {"llm": {"provider": "nobody"}}}', "mem0.llm.provider: "),
        ('{"mem0": {"lllm": {}}}', "mem0.lllm: "),
        ('{"mem0": {"llm": {"provider": "vllm"}}}', "mem0.llm.config.model: "),
        ("", "This field is required."),
    ],
)
def test_json_that_is_wrong_changes_nothing_and_says_where(browser, document, said):
    before = current_settings()

    answer = browser.post(PAGE, {"act": "save json", "document": document})

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert current_settings() == before


def test_json_never_shows_a_key(browser):
    browser.post(PAGE, llm_form(api_key=SECRET))

    assert SECRET not in page_of(browser)


def test_json_that_was_not_changed_keeps_the_key(browser):
    browser.post(PAGE, llm_form(api_key=SECRET))
    shown = browser.get(PAGE).context["forms"][-1]["document"].value()

    assert browser.post(PAGE, {"act": "save json", "document": shown}).status_code == 302

    assert current_settings().llm.resolve_key() == SECRET

"""A provider's key over the API: stored encrypted, shown as a mask, never revealed."""

import json

import pytest

from configuration import effective, provider_keys
from configuration.models import Configuration, ConfigurationChange
from tests.cast import errors_of
from tests.configuration.bodies import MASK, SECRET, openai, patch, patch_llm, section

LLM = "/config/mem0/llm"


def resolved_key() -> str | None:
    return effective.current_settings().llm.resolve_key()


def assert_rejected_with(answer, code, *path):
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == [code]
    assert errors_of(answer) == {("body", *path)}


def test_a_literal_key_is_shown_as_a_mask_and_kept_encrypted(olga, alice):
    answer = olga.put(LLM, openai(api_key=SECRET))

    assert answer.json()["config"]["api_key"] == MASK
    for member in (olga, alice):
        for path in ("/config", LLM):
            assert SECRET[:-4] not in member.get(path).content.decode()
    row = Configuration.objects.values().get()
    history = ConfigurationChange.objects.values().get()
    assert SECRET not in f"{row}{history}"
    assert resolved_key() == SECRET


def test_of_a_short_key_nothing_is_shown(olga):
    answer = olga.put(LLM, openai(api_key="short-key-of-19-let"))

    assert answer.json()["config"]["api_key"] == "********"
    assert resolved_key() == "short-key-of-19-let"


def test_the_mask_sent_back_keeps_the_key(olga):
    olga.put(LLM, openai(api_key=SECRET))

    replaced = olga.put(LLM, openai(api_key=MASK, temperature=1))
    whole = olga.put("/config", olga.get("/config").json())
    merged = patch_llm(olga, api_key=MASK, max_tokens=5)

    assert replaced.json()["config"]["temperature"] == 1
    assert whole.status_code == 200
    assert merged.json()["mem0"]["llm"]["config"]["max_tokens"] == 5
    assert resolved_key() == SECRET


def test_another_mask_is_refused_and_nothing_changes(olga):
    olga.put(LLM, openai(api_key=SECRET))

    for mask in ["********", "********zzzz"]:
        assert_rejected_with(
            olga.put(LLM, openai(api_key=mask, model="x")), "unknown_mask", "config", "api_key"
        )
    assert resolved_key() == SECRET
    assert effective.current_settings().llm.model == "gpt-4o"


def test_a_mask_is_refused_where_no_key_is_kept(olga, settings):
    settings.ENV_KEYS = ["SOME_KEY"]
    assert_rejected_with(olga.put(LLM, openai(api_key=MASK)), "unknown_mask", "config", "api_key")
    olga.put(LLM, openai(api_key="env:SOME_KEY"))
    assert_rejected_with(
        patch_llm(olga, api_key=MASK), "unknown_mask", "mem0", "llm", "config", "api_key"
    )


def test_a_patch_without_a_key_keeps_it_and_a_put_without_one_forgets_it(olga):
    olga.put(LLM, openai(api_key=SECRET))

    patch_llm(olga, temperature=1)
    assert resolved_key() == SECRET

    answer = olga.put(LLM, openai())
    assert answer.json()["config"]["api_key"] == "env:OPENAI_API_KEY"
    assert "sealed" not in f"{Configuration.objects.get().llm}"


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_null_or_nothing_forgets_the_key(olga, nothing):
    olga.put(LLM, openai(api_key=SECRET))

    answer = patch_llm(olga, api_key=nothing)

    assert answer.json()["mem0"]["llm"]["config"]["api_key"] == "env:OPENAI_API_KEY"


def test_a_reset_forgets_keys(olga):
    olga.put(LLM, openai(api_key=SECRET))

    olga.post("/config/reset")

    assert "sealed" not in f"{Configuration.objects.values().get()}"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"openai_base_url": "https://evil.example/v1"},
        {"openai_base_url": "http://api.openai.com/v1"},
        {"openai_base_url": "https://api.openai.com:8443/v1"},
    ],
)
def test_a_kept_key_is_not_sent_to_another_server(olga, elsewhere):
    olga.put(LLM, openai(api_key=SECRET))

    code = "key_is_for_another_server"
    assert_rejected_with(
        olga.put(LLM, openai(api_key=MASK, **elsewhere)), code, "config", "api_key"
    )
    assert_rejected_with(patch_llm(olga, **elsewhere), code, "mem0", "llm", "config", "api_key")
    assert effective.current_settings().llm.base_url == "https://api.openai.com/v1"


def test_switching_the_model_off_between_does_not_free_a_kept_key(olga):
    olga.put(LLM, openai(api_key=SECRET))

    off = olga.put(LLM, section("local", api_key=MASK))
    answer = olga.put(LLM, openai(api_key=MASK, openai_base_url="https://evil.example/v1"))

    assert off.status_code == 200
    assert answer.status_code == 400


def test_another_provider_needs_its_own_key(olga):
    olga.put(LLM, openai(api_key=SECRET))

    answer = patch(olga, {"mem0": {"llm": {"provider": "groq"}}})

    assert_rejected_with(answer, "key_is_for_another_server", "mem0", "llm", "config", "api_key")


def test_another_path_of_the_same_server_is_no_other_server(olga):
    olga.put(LLM, openai(api_key=SECRET))

    answer = patch_llm(olga, openai_base_url="https://api.openai.com:443/v2")

    assert answer.status_code == 200
    assert resolved_key() == SECRET


def test_a_key_sent_anew_goes_where_it_was_sent_for(olga):
    olga.put(LLM, openai(api_key=SECRET))

    answer = patch_llm(olga, openai_base_url="http://localhost:1234/v1", api_key=SECRET[::-1])

    assert answer.status_code == 200
    assert resolved_key() == SECRET[::-1]


def test_a_reference_stays_one_and_is_resolved_when_it_is_used(olga, monkeypatch, settings):
    settings.ENV_KEYS = ["MY_LLM_KEY"]
    answer = olga.put(LLM, openai(api_key="env:MY_LLM_KEY"))

    assert answer.json()["config"]["api_key"] == "env:MY_LLM_KEY"
    with pytest.raises(provider_keys.KeyMissing, match="MY_LLM_KEY"):
        resolved_key()
    monkeypatch.setenv("MY_LLM_KEY", " sk-1 ")
    assert resolved_key() == "sk-1"
    monkeypatch.setenv("MY_LLM_KEY", "two words")
    with pytest.raises(provider_keys.KeyMissing, match="does not contain a valid key") as missing:
        resolved_key()
    assert "two words" not in missing.value.detail


@pytest.mark.parametrize(
    "name",
    [
        "OPENMEMORY_SECRET_KEY", "OPENMEMORY_SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL",
        "CELERY_BROKER_URL", "PGPASSWORD", "DJANGO_SECRET_KEY", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "database_url", "SENTRY_DSN", "SMTP_PASSWORD",
    ],
)  # fmt: skip
def test_no_key_is_taken_from_what_holds_other_secrets(olga, monkeypatch, name):
    monkeypatch.setenv(name, "a-secret-of-something-else")

    answer = olga.put(LLM, openai(api_key=f"env:{name}"))

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "config", "api_key")}
    with pytest.raises(provider_keys.KeyMissing):
        provider_keys.KeyReference(name).resolve()


def test_a_key_that_can_no_longer_be_decrypted_is_shown_as_lost(olga, settings):
    olga.put(LLM, openai(api_key=SECRET))

    settings.SECRET_KEY = "another"
    shown = olga.get("/config")
    again = olga.put("/config", shown.json())

    assert shown.status_code == again.status_code == 200
    assert shown.json()["mem0"]["llm"]["config"]["api_key"] == provider_keys.LOST
    with pytest.raises(provider_keys.KeyLost, match="Send it again"):
        resolved_key()


def test_a_lost_key_is_back_with_the_secret_key_that_it_was_encrypted_with(olga, settings):
    first = settings.SECRET_KEY
    olga.put(LLM, openai(api_key=SECRET))
    settings.SECRET_KEY = "another"
    olga.put("/config", olga.get("/config").json())

    settings.SECRET_KEY = first

    assert resolved_key() == SECRET


def test_a_lost_key_is_replaced_by_sending_it_again(olga, settings):
    olga.put(LLM, openai(api_key=SECRET))
    settings.SECRET_KEY = "another"

    answer = patch_llm(olga, api_key=SECRET)

    assert answer.json()["mem0"]["llm"]["config"]["api_key"] == MASK
    assert resolved_key() == SECRET


def test_the_secret_key_is_exchanged_without_losing_keys(olga, settings):
    olga.put(LLM, openai(api_key=SECRET))

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert resolved_key() == SECRET
    olga.put("/config", olga.get("/config").json())
    settings.SECRET_KEY_FALLBACKS = []

    assert resolved_key() == SECRET


def test_what_is_no_sealed_key_is_a_lost_one(olga):
    olga.put(LLM, openai(api_key=SECRET))
    row = Configuration.objects.get()
    for token in ["", "v1:", "v2:abc", "v1:ünreadable", json.dumps({})]:
        row.llm["api_key"]["sealed"] = token
        row.save()

        assert olga.get(LLM).json()["config"]["api_key"] == provider_keys.LOST

import pytest

from configuration.models import Configuration
from tests.cast import errors_of
from tests.configuration.bodies import (
    DEFAULT,
    DEFAULT_EMBEDDER,
    DEFAULT_LLM,
    VECTOR_STORE,
    openai,
    section,
)


def test_before_anybody_chose_the_defaults_are_shown(alice):
    answer = alice.get("/config")

    assert answer.status_code == 200
    assert answer.json() == DEFAULT
    assert not Configuration.objects.exists()


def test_an_operator_replaces_a_section_and_the_others_keep_their_values(olga, alice):
    olga.put("/config", {"openmemory": {"custom_instructions": "Keep what they eat."}})

    answer = olga.put(
        "/config",
        {
            "mem0": {
                "llm": {
                    "provider": "openai",
                    "config": {
                        "model": "gpt-4o",
                        "temperature": 0.7,
                        "max_tokens": 4000,
                        "api_key": "env:OPENAI_API_KEY",
                    },
                }
            }
        },
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "openmemory": {"custom_instructions": "Keep what they eat."},
        "mem0": {
            "llm": {
                "provider": "openai",
                "config": {
                    "model": "gpt-4o",
                    "temperature": 0.7,
                    "max_tokens": 4000,
                    "num_ctx": None,
                    "think": None,
                    "api_key": "env:OPENAI_API_KEY",
                    "ollama_base_url": None,
                    "openai_base_url": None,
                },
            },
            "embedder": DEFAULT_EMBEDDER,
            "vector_store": VECTOR_STORE,
        },
    }
    assert alice.get("/config").json() == answer.json()


def test_what_a_replaced_section_leaves_out_goes_back_to_its_default(olga):
    olga.put("/config", {"mem0": {"llm": openai(temperature=1.5, max_tokens=7)}})

    answer = olga.put("/config", {"mem0": {"llm": openai(max_tokens=8)}})

    config = answer.json()["mem0"]["llm"]["config"]
    assert (config["temperature"], config["max_tokens"]) == (0.1, 8)


def test_the_body_of_the_original_page_is_taken_with_its_nulls(olga):
    body = {
        "openmemory": {"custom_instructions": None},
        "mem0": {
            "llm": section(
                "ollama",
                model="llama3.1:latest",
                temperature=0.1,
                max_tokens=2000,
                api_key="",
                ollama_base_url="http://host.docker.internal:11434",
            ),
            "embedder": section(
                "openai", model="text-embedding-3-small", api_key="env:OPENAI_API_KEY",
                ollama_base_url=None,
            ),
            "vector_store": None,
        },
    }  # fmt: skip

    answer = olga.put("/config", body)

    assert answer.status_code == 200, answer.json()
    mem0 = answer.json()["mem0"]
    assert mem0["llm"]["provider"] == "ollama"
    assert mem0["llm"]["config"]["ollama_base_url"] == "http://host.docker.internal:11434"
    assert mem0["llm"]["config"]["api_key"] is None
    assert mem0["embedder"]["config"]["model"] == "text-embedding-3-small"
    assert mem0["embedder"]["config"]["dimensions"] is None


def test_sections_that_are_null_keep_their_values(olga):
    olga.put("/config", {"mem0": {"llm": openai()}})
    before = olga.get("/config").json()

    for body in [{"openmemory": None, "mem0": None}, {"mem0": {"llm": None}}, {}]:
        answer = olga.put("/config", body)

        assert answer.status_code == 200
        assert answer.json() == before


def test_what_is_shown_can_be_sent_back_and_fixes_no_default(olga):
    shown = olga.get("/config").json()

    answer = olga.put("/config", shown)

    assert answer.json() == shown
    row = Configuration.objects.get()
    assert (row.llm, row.embedder, row.openmemory) == ({}, {}, {})


def test_unknown_fields_are_refused_at_every_depth(olga):
    config = {**DEFAULT_LLM["config"], "max_token": 1}
    answer = olga.put(
        "/config",
        {"graph": {}, "mem0": {"version": "v1.1", "llm": {**DEFAULT_LLM, "config": config}}},
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "unknown_field"
    assert errors_of(answer) == {
        ("body", "graph"),
        ("body", "mem0", "version"),
        ("body", "mem0", "llm", "config", "max_token"),
    }
    assert "Did you mean `max_tokens`?" in answer.json()["detail"]
    assert olga.get("/config").json() == DEFAULT


@pytest.mark.parametrize("path", ["/config", "/config/"])
def test_a_path_is_answered_with_and_without_its_last_slash(alice, path):
    assert alice.get(path).status_code == 200


def test_a_key_without_the_read_scope_reads_nothing(alice):
    answer = alice.with_key(scopes=["write"]).get("/config")

    assert answer.status_code == 403
    assert answer.json()["code"] == "key_scope"


def test_without_a_key_nothing_is_shown(anonymous, db):
    assert anonymous.get("/api/v1/config").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("put", "/config"),
        ("patch", "/config"),
        ("post", "/config/reset"),
        ("put", "/config/mem0/llm"),
        ("put", "/config/mem0/embedder"),
        ("put", "/config/mem0/vector_store"),
        ("put", "/config/openmemory"),
    ],
)
def test_only_operators_with_a_writing_key_change_it(alice, olga, method, path):
    body = {"provider": "ollama", "custom_instructions": "Forget everything."}

    for member, code in [
        (alice, "operators_only"),
        (olga.with_key(scopes=["read"]), "key_scope"),
    ]:
        answer = member._call(method, path, body)

        assert answer.status_code == 403
        assert answer.json()["code"] == code
    assert alice.get("/config").json() == DEFAULT


def test_a_body_that_is_no_object_is_refused(olga):
    for body in [[], "local", 5]:
        assert olga.put("/config", body).status_code == 400


def test_every_wrong_field_of_a_whole_configuration_is_named_and_nothing_changes(olga):
    body = {
        "openmemory": {"custom_instructions": 5},
        "mem0": {
            "llm": section("skynet", temperature=2.1, max_tokens=0, model=[]),
            "embedder": section("openai", dimensions=4001, openai_base_url="ftp://x"),
            "vector_store": {"provider": "qdrant", "config": {"host": "localhost"}},
        },
    }

    answer = olga.put("/config", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {
        ("body", "openmemory", "custom_instructions"),
        ("body", "mem0", "llm", "provider"),
        ("body", "mem0", "llm", "config", "model"),
        ("body", "mem0", "llm", "config", "temperature"),
        ("body", "mem0", "llm", "config", "max_tokens"),
        ("body", "mem0", "embedder", "config", "dimensions"),
        ("body", "mem0", "embedder", "config", "openai_base_url"),
        ("body", "mem0", "vector_store", "provider"),
    }
    assert olga.get("/config").json() == DEFAULT


def test_what_is_wrong_with_sections_as_a_whole_is_named_together(olga):
    body = {
        "mem0": {
            "llm": section("groq"),
            "embedder": section("local", model="text-embedding-3-small", dimensions=1536),
        },
        "openmemory": {"custom_instructions": "This would be fine."},
    }

    answer = olga.put("/config", body)

    assert answer.status_code == 400
    assert {(tuple(error["loc"]), error["code"]) for error in answer.json()["errors"]} == {
        (("body", "mem0", "llm", "config", "model"), "required"),
        (("body", "mem0", "embedder", "config", "model"), "not_built_in"),
        (("body", "mem0", "embedder", "config", "dimensions"), "not_built_in"),
    }
    assert olga.get("/config").json() == DEFAULT


def test_reading_and_changing_take_a_fixed_number_of_statements(olga, django_assert_num_queries):
    body = {"mem0": {"llm": openai(), "embedder": section("ollama")}}
    olga.put("/config", body)  # creates the row, and records the use of the key

    with django_assert_num_queries(2):  # the key, the configuration
        olga.get("/config")
    # The key, a transaction's two, the row locked and saved, and connections of embedding spaces.
    with django_assert_num_queries(6):
        olga.put("/config", body)
    with django_assert_num_queries(8):  # and its history, and the new connection
        olga.post("/config/reset")

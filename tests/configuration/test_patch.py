from configuration.models import Configuration
from tests.cast import errors_of
from tests.configuration.bodies import DEFAULT, openai, patch, patch_llm, section


def test_a_single_value_changes_and_everything_else_stays(olga):
    olga.put("/config", {"mem0": {"llm": openai(temperature=1.5)}})
    before = olga.get("/config").json()

    answer = patch_llm(olga, max_tokens=99)

    assert answer.status_code == 200
    before["mem0"]["llm"]["config"]["max_tokens"] = 99
    assert answer.json() == before
    assert olga.get("/config").json() == before


def test_null_takes_a_value_back_to_its_default(olga):
    olga.put("/config", {"mem0": {"llm": openai(temperature=1.5, max_tokens=99)}})

    answer = patch_llm(olga, temperature=None)

    config = answer.json()["mem0"]["llm"]["config"]
    assert (config["temperature"], config["max_tokens"]) == (0.1, 99)


def test_null_takes_a_whole_section_back_to_its_defaults(olga):
    overrides = {
        "openmemory": {"custom_instructions": "Keep what they eat."},
        "mem0": {"llm": openai(), "embedder": section("ollama")},
    }

    for body in [
        {"openmemory": None, "mem0": None},
        {"openmemory": {"custom_instructions": None}, "mem0": {"llm": None, "embedder": None}},
        {
            "openmemory": None,
            "mem0": {
                "llm": {"provider": None, "config": None},
                "embedder": {"provider": None, "config": None},
            },
        },
    ]:
        olga.put("/config", overrides)

        answer = patch(olga, body)

        assert answer.status_code == 200
        assert answer.json() == DEFAULT


def test_null_for_the_config_keeps_the_provider(olga):
    olga.put("/config", {"mem0": {"llm": openai(model="gpt-4o")}})

    answer = patch(olga, {"mem0": {"llm": {"config": None}}})

    llm = answer.json()["mem0"]["llm"]
    assert (llm["provider"], llm["config"]["model"]) == ("openai", "gpt-4o-mini")


def test_the_language_model_is_switched_off_and_on_again(olga):
    olga.put("/config", {"mem0": {"llm": openai(api_key="sk-proj-0123456789-abcdefghij")}})
    before = olga.get("/config").json()

    off = patch(olga, {"mem0": {"llm": {"provider": "local"}}})
    on = patch(olga, {"mem0": {"llm": {"provider": "openai"}}})

    assert off.json()["mem0"]["llm"]["provider"] == "local"
    assert on.json() == before


def test_what_a_change_would_leave_behind_is_checked_as_a_whole(olga):
    olga.put("/config", {"mem0": {"embedder": openai(model="text-embedding-3-large")}})
    before = olga.get("/config").json()

    answer = patch(olga, {"mem0": {"embedder": {"provider": "local"}}})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "mem0", "embedder", "config", "model")}
    assert olga.get("/config").json() == before


def test_wrong_values_are_named_and_nothing_changes(olga):
    answer = patch(
        olga,
        {"mem0": {"llm": {"config": {"temperature": "hot"}}}, "openmemory": "short"},
    )

    assert answer.status_code == 400
    assert errors_of(answer) == {
        ("body", "mem0", "llm", "config", "temperature"),
        ("body", "openmemory"),
    }
    assert not Configuration.objects.exists()


def test_a_patch_with_nothing_in_it_changes_nothing(olga):
    assert patch(olga, {}).json() == DEFAULT


def test_the_vector_store_stays_pgvector(olga):
    for value in [None, {}, {"provider": None}, {"provider": "pgvector", "config": {}}]:
        assert patch(olga, {"mem0": {"vector_store": value}}).json() == DEFAULT

    answer = patch(olga, {"mem0": {"vector_store": {"provider": "qdrant"}}})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "mem0", "vector_store", "provider")}

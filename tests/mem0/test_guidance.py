"""A project's instructions and categories steer the language model, for what comes by this API."""

import pytest

from jobs.runner import run_due

CATEGORIES = [{"Tea": "Hot drinks"}, {"cat": "Animals that purr"}]


@pytest.fixture
def project(shop):
    ping = shop.get("/v1/ping/").json()
    return f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"


def add(client, text="I like tea very much.", **fields):
    body = {"messages": text, "user_id": "ann", **fields}
    answer = client.post("/v3/memories/add/", body)
    assert answer.status_code == 200, answer.content
    run_due()
    return answer.json()


def prompt(llm):
    """The instructions of the calls so far."""
    prompts = [body["messages"][0]["content"] for body in llm.bodies]
    llm.bodies.clear()
    return "\n".join(prompts)


def test_the_settings_of_the_project_are_in_the_prompt(shop, llm, project):
    settings = {
        "custom_instructions": "Only drinks",
        "agent_custom_instructions": "Only my tasks",
        "custom_categories": CATEGORIES,
    }
    assert shop.patch(project, settings).status_code == 200

    add(shop)

    said = prompt(llm)
    assert "Only drinks" in said
    assert "Only my tasks" not in said
    assert "Animals that purr" in said
    [memory] = shop.post("/v3/memories/", {"filters": {"user_id": "ann"}}).json()["results"]
    assert memory["categories"] == ["tea"]

    add(shop, "I am a cook by day.", agent_id="cook")
    assert "Only my tasks" in prompt(llm)


def test_those_of_a_call_come_first(shop, llm, project):
    shop.patch(project, {"custom_instructions": "Only drinks", "custom_categories": CATEGORIES})

    add(
        shop,
        custom_instructions="Only food",
        custom_categories=[{"much": "A lot"}],
        includes="meals",
        excludes="names",
    )

    said = prompt(llm)
    assert "Only food" in said
    assert "Only drinks" not in said
    assert "Write down only: meals" in said
    assert "Leave out: names" in said
    [memory] = shop.post("/v3/memories/", {"filters": {"user_id": "ann"}}).json()["results"]
    assert memory["categories"] == ["much"]


def test_an_edit_gets_the_categories_of_the_project(shop, llm, project):
    [pk] = shop.add("I like rice", user_id="ann")
    shop.patch(project, {"custom_categories": CATEGORIES})

    shop.put(f"/v1/memories/{pk}/", {"text": "I like cats"})
    run_due()

    assert shop.get(f"/v1/memories/{pk}/").json()["categories"] == ["cat"]


def test_other_ways_and_other_accounts_are_not_steered(shop, rival, llm, project):
    shop.patch(project, {"custom_instructions": "Only drinks", "custom_categories": CATEGORIES})

    shop.member.remember("I like tea.")
    run_due()
    assert "Only drinks" not in prompt(llm)
    add(rival)
    assert "Only drinks" not in prompt(llm)


def test_a_lot_is_not_asked_about_each_of_many_texts(shop, project):
    messages = [{"role": "user", "content": f"Text {number}"} for number in range(500)]
    body = {"messages": messages, "user_id": "ann", "custom_instructions": "x" * 20_000}

    answer = shop.post("/v3/memories/add/", body)

    assert (answer.status_code, "at most" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "categories",
    [[7], [[]], [{}], [{"a,b": "x"}], [{"": "x"}], [{"tea": 7}], [{"tea": "x" * 2_000}], "tea",
     [{f"c{n}": "" for n in range(101)}]],
)  # fmt: skip
def test_categories_that_are_none_are_refused(shop, project, categories):
    assert shop.patch(project, {"custom_categories": categories}).status_code == 400
    body = {"messages": "I like tea", "user_id": "ann", "custom_categories": categories}
    assert shop.post("/v3/memories/add/", body).status_code == 400


def test_memories_are_written_in_english_where_the_project_is_not_multilingual(shop, llm, project):
    assert shop.get(project).json()["multilingual"] is True
    add(shop)
    assert "English" not in prompt(llm)

    assert shop.patch(project, {"multilingual": False}).json()["multilingual"] is False
    add(shop, "Ich trinke gern Tee.")
    assert "in English" in prompt(llm)


def test_without_a_model_nothing_can_be_translated(shop, project):
    answer = shop.patch(project, {"multilingual": False})

    assert (answer.status_code, answer.json()["code"]) == (400, "no_language_model")
    assert shop.patch(project, {"multilingual": True}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"enable_graph": True}, {"retrieval_criteria": [{"name": "joy", "weight": 1}]},
        {"memory_depth": "deep"}, {"expiration_date": "2030-01-01"},
        {"decay": True, "enable_graph": True}, {"decay": "yes"}, {"multilingual": 1},
    ],
)  # fmt: skip
def test_settings_that_would_have_no_effect_are_refused(shop, project, body):
    before = shop.get(project).json()

    answer = shop.patch(project, body)

    assert answer.status_code == 400, answer.content
    assert next(reversed(body)) in answer.json()["detail"]
    assert shop.get(project).json() == before
    assert shop.patch(project, {"enable_graph": False}).status_code == 200

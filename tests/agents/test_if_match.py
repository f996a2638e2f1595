"""Changes of one version of a memory only."""

import pytest
from django.db import connection

from memories.models import Memory, State


@pytest.fixture
def seen(agent):
    agent.call("add_memory", text="Ada lives in Porto", infer=False)
    pk = Memory.objects.get().pk
    return agent.call("get_memory", memory_id=str(pk)).data


def test_a_change_of_the_version_that_was_read_is_made(agent, seen):
    edited = agent.call(
        "update_memory", memory_id=seen["id"], text="Ada lives in Oslo", if_match=seen["etag"]
    )

    assert not edited.is_error
    assert edited.data["etag"] == agent.call("get_memory", memory_id=seen["id"]).data["etag"]
    assert edited.data["etag"] != seen["etag"]


@pytest.mark.parametrize("form", ["{}", '"{}"', ' "x", "{}"'])
def test_a_change_of_a_version_that_is_no_more_is_refused(form, agent, seen):
    stale = form.format(seen["etag"])
    agent.call("update_memory", memory_id=seen["id"], text="Ada lives in Oslo", if_match=stale)

    edited = agent.call("update_memory", memory_id=seen["id"], text="In Rome", if_match=stale)
    deleted = agent.call("delete_memory", memory_id=seen["id"], if_match=stale)

    for result in (edited, deleted):
        assert result.is_error
        assert "changed since you read it" in result.text
        assert "(precondition_failed)" in result.text
    memory = Memory.objects.get()
    assert (memory.content, memory.state) == ("Ada lives in Oslo", State.ACTIVE)


def test_the_version_is_the_one_of_the_api(agent, seen, alice):
    path = f"/memories/{seen['id']}"

    assert alice.get(path).headers["ETag"] == f'"{seen["etag"]}"'
    stale = alice.patch(path, {"metadata": {"a": 1}}, headers={"If-Match": f'"{seen["etag"]}"'})
    deleted = agent.call("delete_memory", memory_id=seen["id"], if_match=stale.headers["ETag"])
    assert deleted.data == {"deleted": 1}


@pytest.mark.parametrize(
    ("if_match", "why"), [('"unclosed', "entity tags in quotes"), ('W/"{}"', "changed since")]
)
def test_what_names_no_version_changes_nothing(if_match, why, agent, seen):
    sent = if_match.format(seen["etag"])

    result = agent.call("update_memory", memory_id=seen["id"], text="In Rome", if_match=sent)

    assert result.is_error
    assert why in result.text
    assert Memory.objects.get().content == "Ada lives in Porto"


def test_any_version_is_fine(agent, seen):
    assert not agent.call("delete_memory", memory_id=seen["id"], if_match="*").is_error


def test_a_version_of_the_past_cannot_be_changed(agent, seen, alice):
    connection.check_constraints()  # the log is written at the end of a transaction
    [stored] = alice.get("/log").json()["items"]

    past = agent.call("get_memory", memory_id=seen["id"], as_of=stored["at"])

    assert past.data["etag"] is None

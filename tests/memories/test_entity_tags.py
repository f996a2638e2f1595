"""Versions of a memory: what changed since it was read is not overwritten."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from memories.models import Category, Memory, Revision, State, StateChange
from tests.deadline import SECONDS

STALE = '"00000000000000000000000000000000"'


def path_of(memory):
    return f"/memories/{memory['id']}"


def tag_of(member, memory):
    answer = member.get(path_of(memory))
    assert answer.status_code == 200
    return answer.headers["ETag"]


def get(member, path, **headers):
    return member._call("get", path, **headers)


def test_every_answer_with_one_memory_has_the_same_strong_tag(alice):
    stored = alice.post("/memories", {"text": "One.", "metadata": {"a": 1.0e2}})
    memory = stored.json()
    assert stored.headers["ETag"] == tag_of(alice, memory)
    assert stored.headers["ETag"].startswith('"')

    replaced = alice.put(path_of(memory), {"memory_content": "Two."})
    assert replaced.headers["ETag"] == tag_of(alice, memory) != stored.headers["ETag"]

    patched = alice.patch(path_of(memory), {"metadata": {"b": 1}})
    assert patched.headers["ETag"] == tag_of(alice, memory) != replaced.headers["ETag"]

    unchanged = alice.patch(path_of(memory), {"metadata": {"b": 1}})
    assert unchanged.headers["ETag"] == patched.headers["ETag"]


def test_each_change_makes_another_tag(alice):
    memory = alice.remember("The dog is called Rex.", metadata={"a": 1}, infer=False)
    other = alice.remember("The dog is called Tom.")
    path = path_of(memory)
    alice.patch(path, {"categories": ["dogs"]})
    changes = [
        lambda: alice.patch(path, {"text": "The cat is called Rex."}),
        lambda: alice.patch(path, {"text": "The dog is called Rex."}),
        lambda: alice.patch(path, {"metadata": {"a": 2}}),
        lambda: alice.patch(path, {"metadata": {"a": 1}}),
        lambda: alice.patch(path, {"actor": "Ana"}),
        lambda: alice.patch(path, {"actor": None}),
        lambda: alice.patch(path, {"conversation": "c"}),
        lambda: alice.patch(path, {"timestamp": 1_700_000_000}),
        lambda: alice.patch(path, {"categories": []}),
        lambda: alice.patch(path, {"categories": ["dogs"]}),
        lambda: Category.objects.filter(name="dogs").update(name="hounds"),
        lambda: alice.post("/memories/actions/pause", {"memory_ids": [memory["id"]]}),
        lambda: alice.post("/memories/actions/archive", {"memory_ids": [memory["id"]]}),
        lambda: Memory.objects.filter(pk=memory["id"]).update(actor="Bo"),
        lambda: Memory.objects.filter(pk=memory["id"]).supersede_by(
            Memory.objects.get(pk=other["id"]), by=alice.user, reason="superseded"
        ),
        lambda: alice.delete(path),
    ]

    tags = [tag_of(alice, memory)]
    for change in changes:
        change()
        tags.append(tag_of(alice, memory))

    assert len(set(tags)) == len(tags)


def test_reading_makes_no_other_tag(alice):
    memory = alice.remember("One.", app="desk")
    tag = tag_of(alice, memory)

    alice.post("/memories/search", {"query": "One", "app": "desk"})

    assert tag_of(alice, memory) == tag


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("put", {"memory_content": "Two."}),
        ("patch", {"text": "Two."}),
        ("patch", {"metadata": {"a": 2}}),
        ("patch", {}),
        ("delete", None),
    ],
)
@pytest.mark.parametrize("header", [STALE, 'W/"0"', f'{STALE}, "x"', "weak"])
def test_a_stale_tag_changes_nothing(alice, method, body, header):
    memory = alice.remember("One.", metadata={"a": 1})
    tag = tag_of(alice, memory)
    before = Memory.objects.values().get()

    answer = getattr(alice, method)(
        path_of(memory), body, **{"If-Match": f"W/{tag}" if header == "weak" else header}
    )

    assert answer.status_code == 412
    assert answer.json()["code"] == "precondition_failed"
    assert Memory.objects.values().get() == before
    assert (Revision.objects.count(), StateChange.objects.count()) == (0, 1)


@pytest.mark.parametrize("header", ["{tag}", '"x", {tag}', "*", ' W/"y" ,, {tag} ,', '"a,b",{tag}'])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_the_current_tag_is_one_to_change(alice, method, header):
    memory = alice.remember("One.")
    body = {"put": {"memory_content": "Two."}, "patch": {"text": "Two."}, "delete": None}[method]
    sent = header.format(tag=tag_of(alice, memory))

    answer = getattr(alice, method)(path_of(memory), body, **{"If-Match": sent})

    assert answer.status_code == 200
    stored = Memory.objects.get()
    assert stored.state == "deleted" if method == "delete" else stored.content == "Two."


@pytest.mark.parametrize("header", ["", "x", "x,y", '"x', '"x" "y"', 'w/"x"', '*, "x"', "W/x", ","])
def test_a_header_that_is_no_list_of_tags_is_malformed(alice, header):
    memory = alice.remember("One.")
    path = path_of(memory)

    answers = [
        alice.put(path, {"memory_content": "Two."}, **{"If-Match": header}),
        alice.patch(path, {"text": "Two."}, **{"If-Match": header}),
        alice.delete(path, **{"If-Match": header}),
        alice.patch(path, {"text": "Two."}, **{"If-None-Match": header}),
        get(alice, path, **{"If-None-Match": header}),
        get(alice, "/memories", **{"If-None-Match": header}),
    ]

    assert [answer.status_code for answer in answers] == [400] * 6
    assert {answer.json()["code"] for answer in answers} == {"malformed"}
    assert Memory.objects.get().content == "One."


def test_what_is_not_there_or_cannot_be_edited_is_said_before_a_tag(alice, bob):
    memory = alice.remember("One.")
    stale = {"If-Match": STALE}

    assert bob.patch(path_of(memory), {"text": "Two."}, **stale).status_code == 404
    assert alice.patch("/memories/none", {"text": "Two."}, **{"If-Match": "*"}).status_code == 404
    assert alice.patch(path_of(memory), {"txt": 1}, **stale).status_code == 400
    alice.delete(path_of(memory))
    assert alice.patch(path_of(memory), {"text": "Two."}, **stale).status_code == 409
    assert alice.delete(path_of(memory), **stale).status_code == 412
    tag = tag_of(alice, memory)
    assert alice.delete(path_of(memory), **{"If-Match": tag}).status_code == 200


def test_a_change_can_exclude_a_version(alice):
    memory = alice.remember("One.")
    tag = tag_of(alice, memory)

    excluded = alice.patch(path_of(memory), {"text": "Two."}, **{"If-None-Match": tag})
    any_version = alice.patch(path_of(memory), {"text": "Two."}, **{"If-None-Match": "*"})
    other = alice.patch(path_of(memory), {"text": "Two."}, **{"If-None-Match": STALE})

    assert [it.status_code for it in (excluded, any_version, other)] == [412, 412, 200]


def test_a_client_that_knows_the_version_is_answered_304(alice):
    memory = alice.remember("One.")
    tag = tag_of(alice, memory)

    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = get(alice, path_of(memory), **{"If-None-Match": header})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
    assert get(alice, path_of(memory), **{"If-None-Match": STALE}).status_code == 200
    assert get(alice, path_of(memory), **{"If-Match": STALE}).status_code == 412
    alice.patch(path_of(memory), {"text": "Two."})
    assert get(alice, path_of(memory), **{"If-None-Match": tag}).json()["text"] == "Two."


@pytest.mark.parametrize("path", ["/memories", "/memories/", "/memories/categories", "/apps"])
def test_a_list_has_a_weak_tag(alice, path):
    memory = alice.remember("The dog is called Rex.", app="one")
    tag = get(alice, path).headers["ETag"]

    assert tag.startswith('W/"')
    known = get(alice, path, **{"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    strong = get(alice, path, **{"If-None-Match": tag.removeprefix("W/")})
    assert strong.status_code == 304
    assert get(alice, path, **{"If-Match": tag}).status_code == 412
    alice.delete(path_of(memory))
    alice.remember("We fly to Japan and stay in a hotel.", app="two")
    changed = get(alice, path, **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_the_history_has_a_weak_tag(alice):
    memory = alice.remember("One.")
    path = f"{path_of(memory)}/history"
    tag = get(alice, path).headers["ETag"]

    assert get(alice, path, **{"If-None-Match": tag}).status_code == 304
    alice.patch(path_of(memory), {"text": "Two."})
    assert get(alice, path, **{"If-None-Match": tag}).status_code == 200


def test_errors_and_changes_of_state_have_no_tag(alice):
    memory = alice.remember("One.")

    assert "ETag" not in get(alice, "/memories/none").headers
    assert "ETag" not in alice.delete(path_of(memory)).headers


def test_a_key_that_may_not_read_gets_no_tag_but_can_send_one(alice):
    memory = alice.remember("One.")
    writer = alice.with_key(scopes=["write"])
    tag = tag_of(alice, memory)

    stale = writer.patch(path_of(memory), {"text": "Two."}, **{"If-Match": STALE})
    patched = writer.patch(path_of(memory), {"text": "Two."}, **{"If-Match": tag})

    assert (stale.status_code, patched.status_code) == (412, 200)
    assert "ETag" not in patched.headers
    assert "ETag" not in writer.post("/memories", {"text": "Three."}).headers


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_where_there_are_no_versions_a_precondition_is_refused(alice, header):
    memory = alice.remember("One.", app="desk")
    [app] = alice.get("/apps").json()["apps"]
    match = {header: STALE}

    answers = [
        alice.put(f"/apps/{app['id']}", {"is_active": False}, **match),
        alice.delete("/memories", {"memory_ids": [memory["id"]]}, **match),
        alice.post("/memories", {"text": "Two."}, **match),
    ]

    assert [answer.status_code for answer in answers] == [400] * 3
    assert [it.json()["errors"][0]["loc"] for it in answers] == [["header", header]] * 3
    assert Memory.objects.get().state == State.ACTIVE


def test_pages_of_other_origins_may_read_the_tag(alice):
    memory = alice.remember("One.")

    answer = get(alice, path_of(memory), Origin="https://page.example")

    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.slow
def test_eight_writers_that_read_modify_and_write_lose_no_update(shared_server):
    url = f"{shared_server.url}/api/v1"
    headers = {"Authorization": f"Bearer {shared_server.make_key('eight')}"}
    body = {"text": "Counted.", "metadata": {"count": 0}, "infer": False}
    stored = requests.post(f"{url}/memories", json=body, headers=headers, timeout=SECONDS)
    address = f"{url}/memories/{stored.json()['id']}"

    def count(writer):
        done = refused = 0
        while done < 5:
            read = requests.get(address, headers=headers, timeout=SECONDS)
            metadata = {"count": read.json()["metadata_"]["count"] + 1, str(writer): done}
            changed = requests.patch(
                address,
                json={"metadata": metadata},
                headers={**headers, "If-Match": read.headers["ETag"]},
                timeout=SECONDS,
            )
            assert changed.status_code in (200, 412), changed.text
            done += changed.status_code == 200
            refused += changed.status_code == 412
        return refused

    with ThreadPoolExecutor(8) as pool:
        refused = sum(pool.map(count, range(8)))

    after = requests.get(address, headers=headers, timeout=SECONDS).json()["metadata_"]
    assert after == {"count": 40, **{str(writer): 4 for writer in range(8)}}
    assert refused > 0
    history = requests.get(f"{address}/history?page_size=100", headers=headers, timeout=SECONDS)
    edits = [it for it in history.json()["items"] if it["change"] == "revised"]
    counts = [it["before"]["metadata_"]["count"] for it in edits]
    assert counts == list(reversed(range(40))), json.dumps(counts)

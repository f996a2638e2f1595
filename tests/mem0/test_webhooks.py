"""Webhooks: what is sent of which change, how it is signed, and where it may go."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from core.sql import execute
from jobs.models import Job
from jobs.runner import run_due
from mem0.models import Delivery, Webhook
from memories.change_log.run_name import send_no_webhooks
from memories.models import Memory, State
from operators.erase import erase_user

ALL = ["memory_add", "memory_update", "memory_delete", "memory_categorize"]


class Receiver(ThreadingHTTPServer):
    def __init__(self):
        self.received, self.status = [], 200
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(settings):
    settings.MEM0_PRIVATE_WEBHOOK_HOSTS = ["127.0.0.1", "localhost"]
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def projects(client):
    return f"/api/v1/webhooks/projects/{client.get('/v1/ping/').json()['project_id']}/"


def send():
    """The end of the transaction, which writes the messages, and the job that sends them."""
    connection.check_constraints()
    run_due()


def subscribe(client, url, event_types=ALL):
    answer = client.post(projects(client), {"url": url, "name": "n8n", "event_types": event_types})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_webhook_is_created_shown_changed_and_deleted(shop, rival):
    made = subscribe(shop, "https://example.org/hook", ["memory_add"])

    assert made["secret"].startswith("whsec_")
    [shown] = shop.get(projects(shop)).json()
    assert {**shown, "secret": made["secret"]} == made
    assert (shown["owner"], shown["is_active"]) == ("alice", True)
    path = f"/api/v1/webhooks/{made['webhook_id']}/"
    assert rival.get(projects(shop)).status_code == 404
    assert rival.post(projects(shop), {"url": "https://example.org"}).status_code == 404
    assert rival.put(path, {"name": "x"}).status_code == 404
    assert rival.delete(path).status_code == 404
    assert shop.put(path, {"event_types": ["memory_delete"]}).json()["message"]
    assert shop.get(projects(shop)).json()[0]["event_types"] == ["memory_delete"]
    assert shop.delete(path).json()["message"]
    assert shop.delete(path).status_code == 404
    assert shop.get(projects(shop)).json() == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"url": "https://example.org"}, {"event_types": ["memory_add"]},
        {"url": "https://example.org", "event_types": []},
        {"url": "https://example.org", "event_types": ["memory_eaten"]},
        {"url": "https://example.org", "event_types": "memory_add"},
        {"url": "https://example.org", "event_types": [["memory_add"]]},
        {"url": "https://example.org", "event_types": ALL, "name": "\0"},
        {"url": 7, "event_types": ALL}, {"url": "example.org", "event_types": ALL},
        {"url": "ftp://example.org", "event_types": ALL},
        {"url": "https://user:pass@example.org", "event_types": ALL},
        {"url": "https://example.org:port", "event_types": ALL},
        {"url": "https://exa mple.org", "event_types": ALL},
        {"url": "https://" + "a" * 3000, "event_types": ALL},
        *[{"url": f"http://{host}/", "event_types": ALL} for host in (
            "127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "10.0.0.1", "192.168.1.1", "0.0.0.0",
            "172.16.0.1", "169.254.169.254", "2130706433", "0x7f.1", "017700000001", "127.1",
            "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "100.64.0.1",
            "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255", "[::]", "[::127.0.0.1]",
        )],
    ],
)  # fmt: skip
def test_what_is_no_webhook_is_refused(shop, body):
    assert shop.post(projects(shop), body).status_code == 400
    assert not Webhook.objects.exists()


def test_a_name_that_leads_to_a_private_address_is_refused_when_it_is_sent(shop, monkeypatch):
    from core import public_http

    subscribe(shop, "https://example.org/hook")
    monkeypatch.setattr(
        public_http.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 0))]
    )

    shop.add("I like tea", user_id="ann")
    send()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert "private address" in delivery.error


def test_changes_are_sent_and_signed(shop, receiver):
    made = subscribe(shop, receiver.url)
    [pk] = shop.add("I like tea", user_id="ann")
    send()
    shop.put(f"/v1/memories/{pk}/", {"text": "I like rice"})
    send()
    shop.delete("/v1/memories/", user_id="ann")
    send()

    details = [json.loads(body)["event_details"] for _, body in receiver.received]
    assert details == [
        {"id": pk, "data": {"memory": "I like tea"}, "event": "ADD"},
        {"id": pk, "data": {"memory": "I like rice"}, "event": "UPDATE"},
        {"id": pk, "data": {"memory": "I like rice"}, "event": "CATEGORIZE"},
        {"id": pk, "data": {"memory": ""}, "event": "DELETE"},
    ]
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    for headers, body in receiver.received:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_message_is_tried_again_with_the_same_id(shop, receiver):
    subscribe(shop, receiver.url)
    receiver.status = 503
    shop.add("I like tea", user_id="ann")
    send()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("pending", 503, 1)

    receiver.status = 200
    Job.objects.filter(kind="deliver_webhook").update(run_after=timezone.now())
    send()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 200, 2)
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


def test_a_change_that_fails_sends_nothing(shop, receiver):
    subscribe(shop, receiver.url)

    assert (
        shop.post("/v3/memories/add/", {"messages": "x" * 40_000, "user_id": "a"}).status_code
        == 400
    )

    assert not Delivery.objects.exists()


def test_another_account_is_told_nothing(shop, rival, receiver):
    subscribe(rival, receiver.url)
    shop.add("I like tea", user_id="ann")
    send()

    assert receiver.received == []


def told(receiver):
    """What a webhook was told since it was last asked: event and text of each."""
    details = [json.loads(body)["event_details"] for _, body in receiver.received]
    receiver.received.clear()
    return [(each["event"], each["data"]["memory"]) for each in details]


def test_changes_that_come_by_other_ways_are_sent_too(shop, receiver):
    subscribe(shop, receiver.url)
    pk = shop.member.remember("I like tea", infer=False)["id"]
    send()
    assert told(receiver) == [("ADD", "I like tea")]

    shop.member.put(f"/memories/{pk}", {"memory_content": "I like rice"})
    send()
    assert [event for event, _ in told(receiver)] == ["UPDATE", "CATEGORIZE"]

    Memory.objects.filter(pk=pk).update(metadata={"colour": "red"})  # whoever does it
    send()
    assert told(receiver) == [("UPDATE", "I like rice")]

    shop.member.delete("/memories", {"memory_ids": [pk]})
    send()
    assert told(receiver) == [("DELETE", "")]


def test_what_lists_no_longer_show_is_deleted_and_what_comes_back_is_added(shop, receiver):
    subscribe(shop, receiver.url, ["memory_add", "memory_update", "memory_delete"])
    [pk] = shop.add("I like tea", user_id="ann")
    memories = Memory.objects.filter(pk=pk)

    for state, event in [
        (State.PAUSED, [("DELETE", "I like tea")]),
        (State.ARCHIVED, []),
        (State.ACTIVE, [("ADD", "I like tea")]),
    ]:
        send()
        receiver.received.clear()
        memories.change_state(state, by=shop.member.user)
        send()
        assert told(receiver) == event


def test_facts_that_are_inferred_are_sent(shop, receiver, llm):
    subscribe(shop, receiver.url)
    body = {"messages": "I live in Bonn. I work as a cook.", "user_id": "ann"}
    assert shop.post("/v3/memories/add/", body).json()["status"] == "PENDING"
    send()
    send()

    events = told(receiver)
    assert ("UPDATE", "I live in Bonn.") in events
    assert ("ADD", "I work as a cook.") in events


def test_one_job_sends_what_one_transaction_changes(shop, receiver):
    subscribe(shop, receiver.url, ["memory_add"])
    shop.add("I like tea", "I like rice", "I like milk", user_id="ann")
    connection.check_constraints()

    assert Job.objects.filter(kind="deliver_webhook").count() == 1
    assert Delivery.objects.values("job").distinct().count() == 1


def test_many_messages_are_sent_by_several_jobs(shop, receiver, monkeypatch):
    monkeypatch.setattr("mem0.webhook_outbox.SENT_AT_ONCE", 2)
    subscribe(shop, receiver.url, ["memory_add"])
    shop.add(*[f"I like tea number {number}" for number in range(5)], user_id="ann")
    send()

    assert len(receiver.received) == 5
    assert Job.objects.filter(kind="deliver_webhook", state="succeeded").count() == 3


def test_a_webhook_that_is_gone_for_good_is_not_tried_for_each_message(shop, receiver):
    subscribe(shop, "http://127.0.0.1:9/hook", ["memory_add"])
    shop.add("I like tea", "I like rice", user_id="ann")
    connection.check_constraints()
    for _ in range(10):
        Job.objects.filter(kind="deliver_webhook").update(run_after=timezone.now())
        run_due()

    assert set(Delivery.objects.values_list("state", flat=True)) == {"failed"}
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 10]


def test_an_import_sends_nothing(shop, receiver):
    subscribe(shop, receiver.url)
    send_no_webhooks()
    shop.add("I like tea", user_id="ann")
    connection.check_constraints()

    assert not Delivery.objects.exists()


def test_an_account_that_is_switched_off_is_told_nothing(shop, receiver):
    subscribe(shop, receiver.url)
    shop.add("I like tea", user_id="ann")
    connection.check_constraints()
    User.objects.filter(pk=shop.member.user.pk).update(is_active=False)
    Memory.objects.update(content="I like rice")
    send()

    assert receiver.received == []
    assert Delivery.objects.count() == 1


def test_a_webhook_that_is_deleted_meanwhile_does_not_fail_a_change(shop):
    subscribe(shop, "https://example.org/hook")
    shop.add("I like tea", user_id="ann")
    execute("DELETE FROM mem0_webhook")
    send()

    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_erasing_an_end_user_tells_of_it_and_leaves_no_trace_of_whom(shop, receiver):
    subscribe(shop, receiver.url, ["memory_add", "memory_delete"])
    shop.add("I like tea", user_id="ann")
    run_due()
    receiver.received.clear()

    erase_user(User.objects.get(external_id="ann"), by=None)
    assert set(Delivery.objects.values_list("user", "event_type")) == {(None, "memory_delete")}
    run_due()
    assert told(receiver) == [("DELETE", "")]

    erase_user(shop.member.user, by=None)
    assert not Delivery.objects.exists()

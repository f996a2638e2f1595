"""Webhooks: what is sent of which change, how it is signed, and where it may go."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.runner import run_due
from mem0.models import Delivery, Webhook

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
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def projects(client):
    return f"/api/v1/webhooks/projects/{client.get('/v1/ping/').json()['project_id']}/"


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
    from mem0 import public_http

    subscribe(shop, "https://example.org/hook")
    monkeypatch.setattr(
        public_http.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 0))]
    )

    shop.add("I like tea", user_id="ann")
    run_due()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert "private address" in delivery.error


def test_changes_are_sent_and_signed(shop, receiver):
    made = subscribe(shop, receiver.url)
    [pk] = shop.add("I like tea", user_id="ann")
    run_due()
    shop.put(f"/v1/memories/{pk}/", {"text": "I like rice"})
    run_due()
    shop.delete("/v1/memories/", user_id="ann")
    run_due()

    details = [json.loads(body)["event_details"] for _, body in receiver.received]
    assert details == [
        {"id": pk, "data": {"memory": "I like tea"}, "event": "ADD"},
        {"id": pk, "data": {"memory": "I like rice"}, "event": "UPDATE"},
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
    run_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("pending", 503, 1)

    receiver.status = 200
    Job.objects.filter(kind="deliver_webhook").update(run_after=timezone.now())
    run_due()

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
    run_due()

    assert receiver.received == []

"""No base URL leads to a link-local address, or to a cloud's metadata service."""

import socket

import pytest

from configuration import effective
from configuration.base_urls import check_base_url
from configuration.errors import RequestRejected
from configuration.fake import FakeServer
from configuration.models import Configuration
from configuration.providers import get_language_model
from core import forbidden_addresses
from tests.cast import errors_of
from tests.configuration.bodies import openai, section

FORBIDDEN = [
    "169.254.169.254", "169.254.0.1", "169.254.170.2", "2852039166", "0xa9fea9fe", "025177524776",
    "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "169.0xfe.169.254",
    "169.254.169.254.", "2852039166.", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::169.254.169.254]", "[64:ff9b::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[fe80::1]",
    "[FE80::a9fe:a9fe]", "[febf::1]", "[fd00:ec2::254]", "[fd00:0ec2:0:0:0:0:0:254]",
    "[fd20:ce::254]", "100.100.100.200", "168.63.129.16", "192.0.0.192",
]  # fmt: skip
ODD = [
    "http://\uff11\uff16\uff19.254.169.254/", "http://169\u3002254\u3002169\u3002254/",
    "http://\u2460\u2465\u2468.254.169.254", "http://openai.com@169.254.169.254/",
    "http://169.254.169.254@openai.com/", "http://169.254.169.254\\@openai.com/",
    "http://169.254.169.254#@openai.com", "http://169.254.169.254?.openai.com",
    "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://%31%36%39.254.169.254/",
    "http://169.254.169.254%2f.openai.com", "http:169.254.169.254", "http:///169.254.169.254",
    "//169.254.169.254", "ftp://169.254.169.254", "http://169.254.169.254:0", "gopher://localhost",
    "file:///etc/passwd", "http://169.254.169.254:99999", "http://[::ffff:169.254.169.254",
]  # fmt: skip
ALLOWED = [
    "http://localhost:11434", "http://127.0.0.1:11434", "http://[::1]:11434", "http://10.1.2.3/v1",
    "http://192.168.1.5:8000/v1", "http://172.17.0.1", "http://[fd12:3456::1]/v1",
    "http://host.docker.internal:11434", "http://ollama:11434", "https://api.openai.com/v1",
    "http://169.253.169.254", "http://gpu.local:1234", "http://0.0.0.0:8000",
]  # fmt: skip


@pytest.mark.parametrize("field", ["openai_base_url", "ollama_base_url"])
@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_spelling_of_a_forbidden_address_is_stored(olga, field, host):
    answer = olga.put("/config/mem0/llm", openai(**{field: f"http://{host}:80/latest/meta-data"}))

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "config", field)}
    assert "Link-local" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("url", ODD)
def test_what_one_program_reads_so_and_another_otherwise_is_no_base_url(olga, url):
    answer = olga.put("/config/mem0/embedder", openai(openai_base_url=url))

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "config", "openai_base_url")}


@pytest.mark.parametrize("url", ALLOWED)
def test_loopback_and_private_networks_are_allowed(url):
    assert check_base_url(url) is None


@pytest.mark.parametrize("host", FORBIDDEN)
def test_a_stored_forbidden_address_is_refused_when_it_is_called(db, host):
    Configuration.objects.update_or_create(
        defaults={"llm": {"provider": "vllm", "model": "m", "openai_base_url": f"http://{host}:9"}}
    )

    with pytest.raises(RequestRejected, match=r"link-local address|base URL .* is invalid"):
        ask(effective.current_settings().llm)


def ask(settings):
    return get_language_model(settings).complete(
        "", [{"role": "user", "content": "tea"}], schema={}, name="x", timeout=5
    )


def name_resolves_to(monkeypatch, *answers):
    """Let a resolver answer with each of the addresses in turn, and with the last one from then."""
    real, remaining = socket.getaddrinfo, list(answers)

    def getaddrinfo(host, port, *args, **kwargs):
        if host == "models.example":
            host = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_a_name_that_leads_there_is_refused_when_it_is_called(olga, monkeypatch, address):
    name_resolves_to(monkeypatch, address)
    answer = olga.put(
        "/config/mem0/llm", section("vllm", model="m", openai_base_url="http://models.example:9/v1")
    )

    assert answer.status_code == 200
    with pytest.raises(RequestRejected, match="link-local address"):
        ask(effective.current_settings().llm)


def test_a_name_that_changes_its_answer_gets_nothing_sent(monkeypatch, db):
    """The address is checked again where the connection is, as a second look-up may differ."""
    with FakeServer() as fake:
        port = fake.base_url.rpartition(":")[2].removesuffix("/v1")
        name_resolves_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        monkeypatch.setattr(
            forbidden_addresses,
            "_NETWORKS",
            [forbidden_addresses.ip_network("127.0.0.1/32")],
        )
        url = f"http://models.example:{port}/v1"
        settings = effective.llm_settings(
            {"provider": "vllm", "model": "m", "openai_base_url": url}
        )

        with pytest.raises(RequestRejected, match="link-local address"):
            ask(settings)

        assert not fake.headers


def test_a_redirect_to_a_forbidden_address_is_not_followed(db):
    with FakeServer() as fake:
        fake.control({"fault": "redirect"})
        settings = effective.llm_settings(
            {"provider": "vllm", "model": "m", "openai_base_url": fake.base_url}
        )

        with pytest.raises(RequestRejected, match="redirects requests"):
            ask(settings)

        assert len(fake.headers) == 1

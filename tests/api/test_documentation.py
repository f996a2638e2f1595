import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
import yaml

from core.api import documentation

pytestmark = pytest.mark.slow

PAGES = ["/docs", "/docs/", "/redoc", "/redoc/"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("application/yaml", "application/yaml"),
        ("application/vnd.oai.openapi", "application/vnd.oai.openapi"),
    ],
)
def test_the_schema_is_open_to_everybody(client, accept, media_type):
    answer = client.get("/api/schema", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == media_type
    assert yaml.safe_load(answer.content)["openapi"] == "3.1.1"


def test_a_schema_that_cannot_be_had_is_a_problem(client):
    answer = client.get("/api/schema", headers={"Accept": "text/html"})

    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_and_needs_no_other_host(client, path):
    answer = client.get(path)

    assert answer.status_code == 200
    html = answer.content.decode()
    assert "//" not in html.removeprefix("<!DOCTYPE html>")
    assert "<script>" not in html
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "http" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_everything_that_a_page_names_is_there(db, client, path):
    addresses = re.findall(
        r'(?:src|href|spec-url|data-schema)="([^"]+)"', client.get(path).content.decode()
    )

    assert len(addresses) >= 4
    for address in addresses:
        answer = client.get(address)
        answer.close()
        assert answer.status_code == 200, address


def test_the_front_page_leads_to_the_documentation(client, db):
    answer = client.get("/")

    assert answer.status_code == 200
    assert 'href="/docs"' in answer.content.decode()


def test_a_page_is_only_read(client):
    assert client.post("/docs").status_code == 405


def test_two_who_ask_first_at_once_have_the_schema_made_once(monkeypatch):
    made = []
    both = Barrier(2)

    class Generator:
        def get_schema(self, public):
            made.append(public)
            with suppress(BrokenBarrierError):
                both.wait(0.5)
            return {"openapi": "3.1.1"}

    monkeypatch.setattr(documentation, "SchemaGenerator", Generator)
    documentation._generate_document.cache_clear()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: documentation.openapi_document(), range(2)))

    documentation._generate_document.cache_clear()
    assert answers == [{"openapi": "3.1.1"}] * 2
    assert made == [True]

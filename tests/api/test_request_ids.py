import uuid

import pytest

from core import logs

pytestmark = pytest.mark.urls("tests.api.urls")


@pytest.mark.parametrize("given", ["a", "3f2b.c_D-9", "x" * 128, "5e0f8a52-7a3b-4c55"])
def test_a_sane_request_id_is_kept(client, given):
    answer = client.get("/api/v1/echo", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "é", "x" * 129, "a\n", "<script>", "a;b"])
def test_any_other_is_replaced(client, given):
    answer = client.get("/api/v1/echo", headers={"X-Request-ID": given})

    assert uuid.UUID(answer.headers["X-Request-ID"]).version == 4


@pytest.mark.parametrize("path", ["/api/v1/raises/anything", "/nothing", "/api/nothing", "/page/x"])
def test_every_answer_has_one(client, path):
    assert client.get(path).headers["X-Request-ID"]


def test_a_request_leaves_no_id_behind(client):
    client.get("/api/v1/echo", headers={"X-Request-ID": "mine"})

    assert logs.request_id() is None

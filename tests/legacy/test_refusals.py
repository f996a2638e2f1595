"""Who is let in without a key, and who is not, though this mode is on."""

import pytest

from accounts.models import ApiKey

pytestmark = pytest.mark.usefixtures("legacy_mode", "default_user")


def test_a_program_without_a_key_acts_as_the_default_user(keyless, default_user):
    answer = keyless.get("/api/v1/users/me")

    assert answer.status_code == 200
    assert answer.json()["user_id"] == default_user.user_id


@pytest.mark.parametrize("header", ["Bearer om_wrong", "Bearer ", "Basic eA==", ""])
def test_a_wrong_key_is_refused_all_the_same(keyless, header):
    answer = keyless.get("/api/v1/users/me", headers={"Authorization": header})

    assert answer.status_code == 401


def test_a_key_acts_as_its_own_user(alice):
    assert alice.get("/users/me").json()["user_id"] == "alice"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "null",
        "",
    ],
)
def test_a_page_of_another_origin_is_refused_without_a_preflight_too(keyless, origin):
    answer = keyless.post(
        "/api/v1/config/reset", content_type="text/plain", headers={"Origin": origin}
    )

    assert answer.status_code == 403
    assert answer.json()["code"] == "origin_not_allowed"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_image_or_a_link_on_another_page_is_refused(keyless, site):
    answer = keyless.get("/api/v1/memories", headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_the_page_and_the_documentation_are_let_in(keyless, headers):
    assert keyless.get("/api/v1/memories", headers=headers).status_code == 200


def test_a_name_that_was_bound_to_this_machine_is_refused(keyless):
    rebound = {"Host": "evil.example:8000", "Origin": "http://evil.example:8000"}

    answer = keyless.get("/api/v1/memories", headers=rebound)

    assert answer.status_code == 400
    assert answer.json()["code"] == "host_not_allowed"


def test_a_page_of_another_origin_may_call_with_a_key_but_not_read_the_answer(alice):
    answer = alice.post("/memories/search", {"query": "x"}, Origin="https://evil.example")

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_limit_of_who_has_no_key_is_by_address(keyless, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": (1, 86_400)}

    statuses = [keyless.get("/api/v1/memories", REMOTE_ADDR=f"192.0.2.{n}") for n in (31, 31, 32)]

    assert [answer.status_code for answer in statuses] == [200, 429, 200]


def test_nobody_is_let_in_as_a_user_who_was_switched_off(keyless, default_user):
    default_user.is_active = False
    default_user.save()

    assert keyless.get("/api/v1/memories").status_code == 401


def test_a_request_without_a_key_costs_as_many_statements_as_one_with(
    keyless, django_assert_num_queries
):
    with django_assert_num_queries(1):
        keyless.get("/api/v1/users/me")
    assert not ApiKey.objects.exists()


def test_without_the_mode_times_have_their_offset(alice, settings):
    settings.LEGACY_CLIENTS = False
    made = alice.remember("I like tea.")

    memories = alice.get(f"/apps/{made['app_id']}/memories").json()["memories"]

    assert memories[0]["created_at"].endswith("Z")

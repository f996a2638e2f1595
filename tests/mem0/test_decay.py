"""Mem0's decay, a setting of the project: what lies idle is ranked lower, and never left out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from memories.models import Access, Memory

from .test_search import found


@pytest.fixture
def project(shop):
    ping = shop.get("/v1/ping/").json()
    return f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"


@pytest.fixture
def pair(shop):
    """Two memories that answer alike: the first was changed a year ago."""
    old, new = shop.add("The dog is called Rex", "The dog is called Max", user_id="ann")
    Memory.objects.filter(pk=old).update(updated_at=timezone.now() - timedelta(days=365))
    Memory.objects.filter(pk=new).update(updated_at=timezone.now() - timedelta(days=300))
    return old, new


def search(client, query="What is the dog called? Rex?", **more):
    hits = found(client, query, {"user_id": "ann"}, threshold=0, **more)
    return {hit["id"]: hit["score"] for hit in hits}


def test_what_was_found_lately_comes_first(shop, pair, project):
    old, new = pair
    before = search(shop)
    assert next(iter(before)) == old
    Access.objects.all().delete()
    Access.objects.create(memory_id=new, access_type="search")

    assert shop.patch(project, {"decay": True}).json()["decay"] is True
    with_decay = search(shop)
    assert list(with_decay) == [new, old]
    assert with_decay[old] == pytest.approx(0.3 * before[old], rel=0.05)
    assert max(with_decay.values()) <= 1

    Access.objects.all().delete()
    assert shop.patch(project, {"decay": False}).status_code == 200
    assert search(shop) == before


def test_nothing_is_left_out(shop, pair, project):
    before = search(shop)
    shop.patch(project, {"decay": True})

    hits = found(shop, "dog", {"user_id": "ann"}, threshold=0.1)

    assert {hit["id"] for hit in hits} == set(before)


def test_one_from_beyond_the_first_ones_can_come_first(shop, pair, project):
    old, new = pair
    assert set(search(shop, top_k=1)) == {old}
    Access.objects.all().delete()
    Access.objects.create(memory_id=new, access_type="search")
    shop.patch(project, {"decay": True})

    assert set(search(shop, top_k=1)) == {new}
    assert set(Access.objects.values_list("memory", flat=True)) == {Memory.objects.get(pk=new).pk}


def test_another_account_and_older_calls_are_ranked_as_before(shop, rival, pair, project):
    ping = rival.get("/v1/ping/").json()
    path = f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"
    before = search(shop)

    rival.patch(path, {"decay": True})
    assert search(shop) == before
    shop.patch(project, {"decay": True})
    body = {"query": "What is the dog called? Rex?", "filters": {"user_id": "ann"}}
    hits = shop.post("/v2/memories/search/", body).json()
    assert {hit["id"]: hit["score"] for hit in hits} == before

"""Archives with more rows than a pack, a COPY or a batch."""

import pytest

from apps_registry.models import App
from backups.importing import merge, packed_rows, staging
from memories.models import Memory, Revision
from tests.backups.archive_factory import Ours
from tests.backups.imports import imported, rejection, send
from tests.backups.test_import import everything

pytestmark = pytest.mark.slow


@pytest.fixture(params=[1, 2, 3])
def make_parts_small(request, monkeypatch):
    def make():
        monkeypatch.setattr(packed_rows, "ROWS_PER_PACK", request.param)
        monkeypatch.setattr(staging, "ROWS_PER_COPY", 2 * request.param)
        monkeypatch.setattr(merge, "BATCH_ROWS", request.param)

    return make


@pytest.fixture
def archive():
    archive = Ours("alice")
    archive.rule("deny", archive.memories[0]["id"])
    for number in range(5):
        memory = archive.memory(f"Rex is {number}", state_changed_at=None, superseded_by=None)
        archive.memories.append(memory)
        archive.begin(memory)
        archive.vectors[memory["id"]] = archive.vector()
    archive.put_in(archive.memories[6], archive.category)
    return archive


def test_what_is_stored_does_not_depend_on_where_parts_end(alice, archive, make_parts_small):
    first = imported(send(alice, archive.zipped()))
    whole = everything()
    App.objects.filter(owner=alice.user).delete()
    Memory.objects.all().delete()
    make_parts_small()

    second = imported(send(alice, archive.zipped()))

    assert everything() == whole
    unlike = {"job": second["job"], "categories_created": 0, "categories_unchanged": 1}
    assert second == {**first, **unlike}


def test_each_part_is_overwritten_with_what_the_archive_says(alice, archive, make_parts_small):
    make_parts_small()
    imported(send(alice, archive.zipped()))
    changed = [archive.memories[place] for place in (0, 5, 8)]
    for memory in changed:
        alice.put(f"/memories/{memory['id']}", {"memory_content": f"Not {memory['content']}"})

    answer = imported(send(alice, archive.zipped()))

    assert (answer["memories_updated"], answer["memories_unchanged"]) == (3, 6)
    for memory in changed:
        assert Memory.objects.get(pk=memory["id"]).content == memory["content"]
        assert Revision.objects.filter(content=f"Not {memory['content']}").exists()
    assert imported(send(alice, archive.zipped()))["memories_updated"] == 0


def test_a_row_of_a_later_part_is_named_by_its_number(alice, archive, make_parts_small):
    make_parts_small()
    archive.memories.append({**archive.memories[7], "content": "Rex again"})

    assert "memories[9]: this id appears twice" in rejection(alice, archive.zipped())

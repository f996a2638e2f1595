from django.db import connection

from tests.backups.made import Original
from tests.backups.importing import export, kept, send


def test_an_archive_of_the_original_comes_back(alice):
    original = Original("alice")

    answer = send(alice, original.zipped())

    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "message": 'Import completed into user "alice"',
        "memories_created": 4,
        "memories_updated": 0,
        "memories_unchanged": 0,
        "apps_created": 1,
        "apps_updated": 0,
        "categories_created": 1,
        "access_rules_created": 0,
        "status_changes_created": 7,
        "revisions_created": 0,
        "vectors_taken_over": 0,
        "job": answer.json()["job"],
    }
    assert answer.json()["job"].startswith("/api/v1/jobs/")


def test_what_was_exported_comes_back_as_it_was(alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    alice.remember("I moved to Porto in June", app="phone")
    before = kept()
    archive = export(alice)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE apps_registry_app, memories_category CASCADE")

    answer = send(alice, archive)

    assert answer.status_code == 200, answer.content
    print(answer.json())
    after = kept()
    assert after == before

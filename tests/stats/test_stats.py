def test_memories_are_counted_and_apps_listed(alice, bob, django_assert_num_queries):
    made = alice.remember("I like tea.", app="notes")
    gone = alice.remember("I like coffee.", app="chat")
    alice.delete(f"/memories/{gone['id']}")
    bob.remember("Bob's.")

    with django_assert_num_queries(3):
        stats = alice.get("/stats", {"user_id": "alice"}).json()

    chat, notes = stats.pop("apps")
    assert stats == {"total_memories": 1, "total_apps": 2}
    assert chat["name"] == "chat"
    assert notes.pop("created_at").endswith("Z")
    assert notes.pop("updated_at").endswith("Z")
    assert notes == {
        "id": made["app_id"],
        "owner_id": str(alice.user.pk),
        "name": "notes",
        "description": "",
        "metadata": {},
        "is_active": True,
    }


def test_another_users_figures_are_refused(alice, bob, olga):
    alice.remember("I like tea.")

    assert bob.get("/stats", {"user_id": "alice"}).status_code == 403
    assert bob.get("/stats").json() == {"total_memories": 0, "total_apps": 0, "apps": []}
    assert olga.get("/stats", {"user_id": "alice"}).json()["total_memories"] == 1
    assert olga.get("/stats", {"user_id": "nobody"}).status_code == 404

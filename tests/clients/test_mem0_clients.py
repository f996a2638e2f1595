"""Mem0's own clients, unmodified, against a running server: told its host and a key, no more.

Each public method is called: what it returns, which error it raises, and that another account's
data is untouched.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from .mem0_packages import install_node_packages, install_python_client
from .registries import run

EVERY_METHOD = Path(__file__).with_name("every_mem0_method.py")

ONLY_ONE_PROJECT = "AuthenticationError"
NEEDS_A_MODEL = "ValidationError"
UNKNOWN = "MemoryNotFoundError"
TRANSLATED = (UNKNOWN, "ValidationError", "AuthenticationError")

SAID: dict[str, Any] = {
    "add": ["I live in Bonn"],
    "get": ["I live in Bonn", "ann", None],
    "get_all": ["I live in Bonn"],
    "search": ["I live in Bonn"],
    "update": ["I live in Oslo", {"some_key": 1}],
    "history": ["ADD", "UPDATE"],
    "users": ["ann"],
    "batch_update": "Successfully updated 1 memories",
    "feedback": "POSITIVE",
    "chat": "NotImplementedError",
    "create_memory_export": NEEDS_A_MODEL,
    "get_memory_export": UNKNOWN,
    "get_summary": NEEDS_A_MODEL,
    "get_project": None,
    "update_project": "Updated project successfully",
    "project.get": "Be brief.",
    "project.update": "Updated project successfully",
    "project.get_members": ["OWNER"],
    "project.create": ONLY_ONE_PROJECT,
    "project.add_member": ONLY_ONE_PROJECT,
    "project.update_member": ONLY_ONE_PROJECT,
    "project.remove_member": ONLY_ONE_PROJECT,
    "project.delete": ONLY_ONE_PROJECT,
    "create_webhook": ["memory_add"],
    "get_webhooks": ["hook"],
    "update_webhook": "Webhook updated successfully",
    "still there": "I live in Rome",
    "still listening": 1,
    "delete_webhook": "Webhook deleted successfully",
    "delete": "Memory deleted successfully!",
    "get what is gone": UNKNOWN,
    "get what is no id": "ValidationError",
    "delete_all of nobody": "ValidationError",
    "I like tea": 1,
    "I like rice": 1,
    "batch_delete": "Successfully deleted 1 memories",
    "delete_all": "Memories deleted successfully!",
    "get what is deleted with all": UNKNOWN,
    "delete_users": "Entity deleted successfully.",
    "add, inferred": 1,
    "reset": "Client reset successful. All users and memories deleted.",
    "users after a reset": 0,
}
SAID_OF_PROFILES = {
    "get_profile_settings": False,
    "update_profile_settings": NEEDS_A_MODEL,
    "get_profile": "not_enabled",
    "generate_profile": NEEDS_A_MODEL,
    "sample_profiles": NEEDS_A_MODEL,
    "get_profile_job": UNKNOWN,
}
SAID_TO_RIVAL: dict[str, Any] = {
    **dict.fromkeys(["get", "update", "history", "delete", "batch_update"], UNKNOWN),
    **dict.fromkeys(["batch_delete", "feedback", "delete_users", "get_webhooks"], UNKNOWN),
    **dict.fromkeys(["update_webhook", "delete_webhook"], UNKNOWN),
    "get_all": [],
    "search": [],
    "delete_all": "Memories deleted successfully!",
    "users": 0,
    "reset": "ValueError",
}


@pytest.mark.parametrize("version", ["2.2.1", "1.0.11", "0.1.118"])
def test_the_python_client(shared_server, keys, tmp_path, version):
    packages = install_python_client(version)

    outcomes = run(
        sys.executable, "-S", str(EVERY_METHOD), shared_server.url, *keys,
        PYTHONPATH=packages, MEM0_DIR=str(tmp_path), HOME=str(tmp_path),
    )  # fmt: skip

    said, is_newest = SAID, version == "2.2.1"
    if is_newest:
        said = SAID | SAID_OF_PROFILES | {"delete_all by filters": "ValidationError"}
    else:
        said = SAID | {"feedback": "TypeError"}  # it is sent, and then the client fails
    assert outcomes["wrong key"] == "ValueError"
    for kind in ("sync", "async"):
        for outcome, expected in zip(outcomes[kind], (said, SAID_TO_RIVAL), strict=False):
            expected = dict(expected)
            if kind == "async" and not is_newest:
                expected = {name: untranslated(value) for name, value in expected.items()}
            if kind == "async" and "get_project" in expected:
                expected["get_project"] = "Be brief."  # as the client before it has set
            assert outcome == expected, kind
        assert outcomes[kind][2] == [], "methods that were not called"


def untranslated(said: Any) -> Any:
    """Older asynchronous clients raise the errors of httpx."""
    return "HTTPStatusError" if said in TRANSLATED else said


def test_the_javascript_client(shared_server, keys, tmp_path):
    folder = install_node_packages()
    program = folder / EVERY_METHOD.with_suffix(".mjs").name
    shutil.copy(EVERY_METHOD.with_suffix(".mjs"), program)

    said, said_to_rival, uncalled, wrong_key = run(
        "node", str(program), shared_server.url, *keys, HOME=str(tmp_path)
    )

    assert said == {
        "ping": None,
        "add": ["I live in Bonn"],
        "get": ["I live in Bonn", "ann", None, {"some_key": 1}],
        "getAll": ["I live in Bonn"],
        "getAll, camel": 1,
        "search": ["I live in Bonn"],
        "update": "I live in Oslo",
        "history": ["ADD", "UPDATE"],
        "users": ["ann"],
        "batchUpdate": "Successfully updated 1 memories",
        "feedback": "POSITIVE",
        "createMemoryExport": NEEDS_A_MODEL,
        "getMemoryExport": UNKNOWN,
        "getProfileSettings": False,
        "updateProfileSettings": NEEDS_A_MODEL,
        "getProfile": "not_enabled",
        "generateProfile": NEEDS_A_MODEL,
        "sampleProfiles": NEEDS_A_MODEL,
        "getProfileJob": UNKNOWN,
        "updateProject": "Updated project successfully",
        "getProject": "Be brief.",
        "createWebhook": ["memory_add"],
        "getWebhooks": ["hook"],
        "updateWebhook": "Webhook updated successfully",
        "still there": "I live in Rome",
        "still listening": 1,
        "deleteWebhook": "Webhook deleted successfully",
        "deleteAll by filters": "ValidationError",
        "deleteAll of nobody": "ValidationError",
        "delete": "Memory deleted successfully!",
        "get what is gone": UNKNOWN,
        "get what is no id": "ValidationError",
        "add, odd": ["I like tea"],
        "batchDelete": "Successfully deleted 1 memories",
        "deleteAll": "Memories deleted successfully!",
        "users, odd": 2,
        "deleteUser": "Entity deleted successfully: user ann",
        "deleteUsers": "Entity deleted successfully.",
        "users, after all": 0,
    }
    assert said_to_rival == {
        **dict.fromkeys(["get", "update", "history", "delete", "batchUpdate"], UNKNOWN),
        **dict.fromkeys(["batchDelete", "feedback"], UNKNOWN),
        "deleteUsers": "APIError",
        **dict.fromkeys(["updateWebhook", "deleteWebhook"], UNKNOWN),
        "getAll": [],
        "search": [],
        "deleteAll": "Memories deleted successfully!",
        "users": 0,
    }
    assert (uncalled, wrong_key) == ([], "AuthenticationError")

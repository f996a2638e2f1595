"""The clients name what the server has: operations, fields of requests and of answers."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from core.api.documentation import openapi_document

CLIENTS = Path(settings.BASE_DIR) / "clients"
PYTHON = CLIENTS / "python" / "src"
TYPESCRIPT = CLIENTS / "typescript" / "src"

sys.path.insert(0, str(PYTHON))

# Operations without a method, and why.
LEFT_OUT = {
    "DELETE /apps/{app_id}/rules/{rule_id}": "rules are set by persons, on their page",
    "DELETE /keys/{key_id}": "keys are made by persons, on their page",
    "GET /apps/{app_id}": "`apps` has them all",
    "GET /apps/{app_id}/accessed": "for persons, on their page",
    "GET /apps/{app_id}/memories": "`list` takes an `app_id`",
    "GET /apps/{app_id}/rules": "rules are set by persons, on their page",
    "GET /config": "for operators",
    "GET /config/mem0/embedder": "for operators",
    "GET /config/mem0/llm": "for operators",
    "GET /config/mem0/vector_store": "for operators",
    "GET /config/openmemory": "for operators",
    "GET /jobs": "a write answers the id of its job",
    "GET /jobs/{job_id}/download": "archives are for persons and operators",
    "GET /keys": "keys are made by persons, on their page",
    "GET /memories/diff": "for persons who compare two moments",
    "GET /users": "for operators",
    "PATCH /config": "for operators",
    "PATCH /memories/bulk": "`update` changes one; many are changed by persons",
    "PATCH /users/me": "settings of persons",
    "POST /apps/{app_id}/rules": "rules are set by persons, on their page",
    "POST /backup/export": "archives are for persons and operators",
    "POST /backup/import": "archives are for persons and operators",
    "POST /config/reset": "for operators",
    "POST /jobs/{job_id}/cancel": "for operators",
    "POST /keys": "keys are made by persons, on their page",
    "POST /memories/filter": "the original's; `list` and `search` do the same",
    "POST /users": "for operators",
    "PUT /config": "for operators",
    "PUT /config/mem0/embedder": "for operators",
    "PUT /config/mem0/llm": "for operators",
    "PUT /config/mem0/vector_store": "for operators",
    "PUT /config/openmemory": "for operators",
    "PUT /memories/{memory_id}": "the original's; `update` does more",
}

# What a type of a request is beside the arguments of its method, and what it is compared with.
BODIES = {
    "NewMemory": ("NewMemoryRequest", {"text", "messages"}),
    "Patch": ("PatchedPatchRequest", set()),
    "KeyedMemory": ("KeyedMemoryRequest", {"text"}),
    "Filters": ("SearchFiltersRequest", set()),
    "Search": ("SearchRequest", {"query"}),
    "Prompt": ("PromptRequestRequest", {"query"}),
}
PAGING = {"page", "page_size", "size"}


def operations() -> set[str]:
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in openapi_document()["paths"].items()
        if path.startswith("/api/v1/")
        for method in methods
    }


def properties(schema: str) -> set[str]:
    return set(openapi_document()["components"]["schemas"][schema]["properties"])


def query_of_list() -> set[str]:
    document = openapi_document()["paths"]["/api/v1/memories"]["get"]
    return {each["name"] for each in document["parameters"] if each["in"] == "query"} - PAGING


def named_operations(text: str) -> set[str]:
    text = text.replace("{{", "{").replace("}}", "}").replace("{BY_KEY}", BY_KEY)
    found = set(re.findall(r'"((?:GET|POST|PUT|PATCH|DELETE) /[^"]*)"', text))
    if "GET /memories/{memory_id}/{name}" in found:
        found.remove("GET /memories/{memory_id}/{name}")
        found |= {f"GET /memories/{{memory_id}}/{name}" for name in PARTS}
    return found


BY_KEY = "/memories/by-key/{namespace}/{key}"
PARTS = ("history", "related", "access-log")

SOURCES = {
    "python": PYTHON / "openmemory_client" / "calls.py",
    "typescript": TYPESCRIPT / "client.ts",
}


@pytest.mark.parametrize("language", SOURCES)
def test_each_operation_has_a_method_or_a_reason(language: str) -> None:
    text = SOURCES[language].read_text()
    text = text.replace('f"GET {BY_KEY}"', f'"GET {BY_KEY}"').replace(
        'f"PUT {BY_KEY}"', f'"PUT {BY_KEY}"'
    )
    named = named_operations(text.replace('f"DELETE {BY_KEY}"', f'"DELETE {BY_KEY}"'))

    assert named & LEFT_OUT.keys() == set()
    assert named | LEFT_OUT.keys() == operations()


@pytest.mark.parametrize("name", BODIES)
def test_python_knows_each_field_of_a_request(name: str) -> None:
    fields = importlib.import_module("openmemory_client.fields")
    schema, arguments = BODIES[name]
    hints: dict[str, Any] = {}
    for each in reversed(getattr(fields, name).__mro__):
        hints |= getattr(each, "__annotations__", {})

    assert set(hints) | arguments == properties(schema)


def test_python_knows_each_filter_of_a_list() -> None:
    fields = importlib.import_module("openmemory_client.fields")

    assert set(fields.List.__annotations__) == query_of_list()


def test_python_knows_each_field_of_a_memory() -> None:
    models = importlib.import_module("openmemory_client.models")
    known = {*models.PLAIN, *models.TIMES, "text", "metadata_"}

    assert known == properties("Memory")


def interface(name: str) -> set[str]:
    """The fields of an interface of TypeScript, with those that it inherits."""
    text = (TYPESCRIPT / "fields.ts").read_text()
    match = re.search(rf"export interface {name}(?: extends (\w+))? {{\n(.*?)\n}}", text, re.S)
    assert match is not None, name
    own = set(re.findall(r"^  (\w+)\??:", match[2], re.M))
    return own | (interface(match[1]) if match[1] else set())


@pytest.mark.parametrize("name", BODIES)
def test_typescript_knows_each_field_of_a_request(name: str) -> None:
    schema, arguments = BODIES[name]

    assert interface(name) | arguments == properties(schema)


def test_typescript_knows_the_filters_of_a_list_and_the_fields_of_a_memory() -> None:
    assert interface("List") == query_of_list()
    assert interface("Memory") - {"etag"} | {"metadata_"} == properties("Memory") | {"metadata"}

from __future__ import annotations

from typing import Any

import django_filters
import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.validation import validate_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from core.api import converters  # noqa: F401 - makes `<id:…>` known


class PersonSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="What people call them.")


class PersonFilter(django_filters.FilterSet):
    class Meta:
        model = User
        fields: list[str] = []

    name = django_filters.CharFilter(help_text="Whose name has this.")


class PersonViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet):
    """The people that are known.

    More about them.

    list: List the people
    of a user.

    Those with a name only.

    destroy: Forget a person.
    """

    queryset = User.objects.none()
    serializer_class = PersonSerializer
    filterset_class = PersonFilter
    default_page_size = 7
    safe_actions = {"search"}
    subject: Any = None

    def create(self, request: Request) -> Response:
        """Get to know a person.

        Twice is a conflict.
        """

    @extend_schema(responses={201: PersonSerializer})
    def update(self, request: Request, person_id: Any) -> Response:
        """Rename a person."""

    @extend_schema(request=PersonSerializer)
    def destroy_many(self, request: Request) -> Response:
        """Forget many."""

    @extend_schema(request=PersonSerializer, responses=PersonSerializer(many=True))
    def search(self, request: Request) -> Response:
        """Look for a person."""


class OpenViewSet(viewsets.ViewSet):
    authentication_classes = []
    permission_classes = []

    @extend_schema(responses=PersonSerializer)
    def retrieve(self, request: Request) -> Response:
        """Show it to everybody."""

    @extend_schema(responses=PersonSerializer)
    def undocumented(self, request: Request) -> Response: ...


PATTERNS = [
    path(
        "api/v1/people",
        PersonViewSet.as_view({"get": "list", "post": "create", "delete": "destroy_many"}),
    ),
    path("api/v1/people/search", PersonViewSet.as_view({"post": "search"})),
    path("api/v1/people/<id:person_id>/old-friends", PersonViewSet.as_view({"get": "list"})),
    path("api/v1/people/filter", PersonViewSet.as_view({"post": "list"})),
    path(
        "api/v1/people/<id:person_id>",
        PersonViewSet.as_view({"put": "update", "delete": "destroy"}),
    ),
    path("api/v1/open-door", OpenViewSet.as_view({"get": "retrieve"})),
]


def document(patterns=PATTERNS):
    return SchemaGenerator(patterns=patterns).get_schema(public=True)


@pytest.fixture(scope="module")
def schema():
    return document()


@pytest.fixture
def operation(schema):
    return lambda method, path: schema["paths"][f"/api/v1{path}"][method]


def test_it_is_valid(schema):
    validate_schema(schema)


def test_the_docstring_of_an_action_is_its_summary_and_description(operation):
    create = operation("post", "/people")

    assert create["summary"] == "Get to know a person"
    assert create["description"] == "Twice is a conflict."


def test_an_inherited_action_has_a_section_in_the_docstring_of_its_view(operation):
    listed, destroyed = operation("get", "/people"), operation("delete", "/people/{person_id}")

    assert listed["summary"] == "List the people of a user"
    assert listed["description"] == "Those with a name only."
    assert destroyed["summary"] == "Forget a person"
    assert "description" not in destroyed


def test_an_action_that_nobody_documented_is_a_warning(capsys):
    document([path("api/v1/x", OpenViewSet.as_view({"get": "undocumented"}))])

    assert "GET /api/v1/x has no docstring" in capsys.readouterr().err


def test_operations_are_named_by_their_paths_and_actions(schema):
    names = {
        operation["operationId"]
        for methods in schema["paths"].values()
        for operation in methods.values()
    }

    assert names == {
        "people_list",
        "people_create",
        "people_destroy_many",
        "people_search",
        "people_update",
        "people_destroy",
        "people_old_friends_list",
        "people_filter_list",
        "open_door_retrieve",
    }


def test_a_tag_has_the_introduction_of_its_view(schema):
    assert schema["tags"] == [{"name": "people", "description": "The people that are known."}]


def test_parameters_are_described_by_filters_and_pages(operation):
    parameters = {each["name"]: each for each in operation("get", "/people")["parameters"]}

    assert set(parameters) == {"name", "page", "page_size", "size", "If-None-Match"}
    assert parameters["name"]["description"] == "Whose name has this."
    assert parameters["page_size"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 7,
    }


def test_versions_are_described_where_there_are_any():
    operations = memory_operations()

    read, patched, stored = (operations[name] for name in ("get", "patch", "post"))
    assert headers_of(read) == {"If-None-Match"}
    changing = {"If-Match", "Idempotency-Key"}
    assert headers_of(patched) == headers_of(operations["delete"]) == changing
    assert headers_of(stored) == {"Prefer", "Idempotency-Key"}
    assert {"200", "304"} <= set(read["responses"])
    assert "412" in patched["responses"]
    assert "412" not in stored["responses"]
    assert headers_of(operations["put by key"]) == {*changing, "If-None-Match"}
    for operation in (read, patched, operations["put"], stored):
        assert "ETag" in operation["responses"]["200"]["headers"]
    assert "ETag" not in operations["delete"]["responses"]["200"]["headers"]


def memory_operations():
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    one, many = paths["/api/v1/memories/{memory_id}"], paths["/api/v1/memories"]
    by_key = paths["/api/v1/memories/by-key/{namespace}/{key}"]
    return {**one, "post": many["post"], "put by key": by_key["put"]}


def headers_of(operation):
    parameters = operation.get("parameters", [])
    return {each["name"] for each in parameters if each["in"] == "header"}


def test_a_list_that_is_asked_for_in_a_body_has_no_parameters(operation):
    assert "parameters" not in operation("post", "/people/filter")


def test_filters_are_described_without_asking_for_anybodys_objects(schema, monkeypatch):
    def nobodys(self):
        raise AttributeError("There is no user.")

    monkeypatch.setattr(PersonViewSet, "queryset", None)
    monkeypatch.setattr(PersonViewSet, "get_queryset", nobodys)

    parameters = document()["paths"]["/api/v1/people"]["get"]["parameters"]

    assert "name" in {parameter["name"] for parameter in parameters}


def test_an_id_in_a_path_is_a_uuid(operation):
    [parameter] = operation("put", "/people/{person_id}")["parameters"]

    assert parameter["schema"] == {"type": "string", "format": "uuid"}


def test_a_page_object_is_described(schema):
    page = schema["components"]["schemas"]["PaginatedPersonList"]

    assert page["required"] == ["items", "total", "page", "size", "pages"]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Person"}


def test_what_worked_is_answered_200_unless_the_view_says_otherwise(operation):
    def good(method, path):
        return {status for status in operation(method, path)["responses"] if status < "300"}

    assert good("post", "/people") == {"200"}
    assert good("delete", "/people") == {"200"}
    assert good("put", "/people/{person_id}") == {"201"}


def test_a_delete_has_a_body_where_the_view_names_one(operation):
    assert operation("delete", "/people")["requestBody"]["required"]
    assert "requestBody" not in operation("delete", "/people/{person_id}")


ALWAYS = {"400", "406", "500", "503", "507"}
WITH_KEY = {"401", "403", "429"}
WITH_BODY = {"413", "415"}


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("get", "/open-door", ALWAYS),
        ("get", "/people", ALWAYS | WITH_KEY | {"404"}),
        ("post", "/people", ALWAYS | WITH_KEY | WITH_BODY | {"404", "409"}),
        ("post", "/people/search", ALWAYS | WITH_KEY | WITH_BODY | {"404"}),
        ("put", "/people/{person_id}", ALWAYS | WITH_KEY | WITH_BODY | {"404", "409"}),
    ],
)
def test_the_refusals_that_can_occur_are_told(operation, method, path, statuses):
    responses = operation(method, path)["responses"]

    assert {status for status in responses if status >= "400"} == statuses


def test_a_refusal_is_a_problem(schema):
    for response in schema["components"]["responses"].values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }


def test_only_what_needs_a_key_says_so(schema, operation):
    assert operation("get", "/people")["security"] == [{"Bearer": []}]
    assert not operation("get", "/open-door").get("security")
    assert schema["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"


def test_every_answer_has_a_description_and_a_request_id(schema):
    for methods in schema["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                assert "$ref" in response or (
                    response["description"] and "X-Request-ID" in response["headers"]
                )

"""An API of the tests' own: views that raise, repeat what was sent, and list users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from django.core import exceptions as django
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import path
from rest_framework import exceptions as drf
from rest_framework import serializers, viewsets
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core import errors
from core.api import converters, pagination  # noqa: F401 - `paths` makes `<id:…>` known
from openmemory.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500"]

RAISED: dict[str, Callable[[], Exception]] = {
    "malformed": errors.Malformed,
    "malformed-field": lambda: errors.Malformed("That is no colour.", field="paint.colour"),
    "not-allowed": errors.NotAllowed,
    "not-found": errors.NotFound,
    "conflict": errors.Conflict,
    "unavailable": lambda: errors.Unavailable("The embedder is away."),
    "http-404": lambda: Http404("No Secret matches the given query."),
    "permission-denied": lambda: django.PermissionDenied("internal reason"),
    "bad-request": lambda: django.BadRequest("internal reason"),
    "suspicious": lambda: django.SuspiciousOperation("internal reason"),
    "host": lambda: django.DisallowedHost("internal reason"),
    "too-many-fields": lambda: django.TooManyFieldsSent("internal reason"),
    "too-big": lambda: django.RequestDataTooBig("internal reason"),
    "unreadable": lambda: UnreadablePostError("internal reason"),
    "operational": lambda: OperationalError("host=secret-host refused"),
    "interface": lambda: InterfaceError("secret-host closed"),
    "broker": lambda: redis.ConnectionError("secret-host refused"),
    "throttled": lambda: drf.Throttled(wait=2.4),
    "anything": lambda: RuntimeError("secret internals"),
    "django-validation": lambda: django.ValidationError({"colour": ["That is no colour."]}),
}


class Open(APIView):
    authentication_classes = []
    permission_classes = []


class Raises(Open):
    def get(self, request: Request, name: str) -> Response:
        raise RAISED[name]()

    post = get


def raises_outside_of_drf(request: HttpRequest, name: str) -> HttpResponse:
    raise RAISED[name]()


class Part(serializers.Serializer):
    size = serializers.IntegerField()


class Form(serializers.Serializer):
    name = serializers.CharField(max_length=3)
    numbers = serializers.ListField(child=serializers.IntegerField())
    parts = Part(many=True)
    main = Part()

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        raise serializers.ValidationError("These do not go together.", "contradiction")


class Validates(Open):
    def post(self, request: Request) -> Response:
        Form(data=request.data).is_valid(raise_exception=True)
        return Response()

    def get(self, request: Request) -> Response:
        Part(data=request.query_params).is_valid(raise_exception=True)
        return Response()


class Echo(viewsets.GenericViewSet):
    authentication_classes = []
    permission_classes = []
    array_actions = {"many"}

    def one(self, request: Request) -> Response:
        return Response({"data": request.data})

    many = one

    def ask(self, request: Request) -> Response:
        return Response({"query": request.query_params.dict()})


class RoomyEcho(Open):
    max_body_bytes = 2000

    def post(self, request: Request) -> Response:
        return Response({"data": request.data})


class Secret(ListAPIView):
    """Needs a key, and finds nothing by any id."""

    queryset = User.objects.none()

    def get(self, request: Request, id: Any) -> Response:
        raise errors.NotFound


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["user_id"]


class Users(Open, ListAPIView):
    queryset = User.objects.order_by("user_id")
    serializer_class = UserSerializer
    default_page_size = 3


class NamedPages(pagination.EnvelopePagination):
    envelope = {"total": "total", "page": "page", "page_size": "size", "people": "items"}


class People(Users):
    pagination_class = NamedPages

    def post(self, request: Request) -> Response:
        people = self.paginator.paginate(self.get_queryset(), request.data, default_size=2)
        return self.paginator.get_paginated_response(UserSerializer(people, many=True).data)


urlpatterns = [
    path("api/v1/raises/<str:name>", Raises.as_view()),
    path("api/v1/raises-outside/<str:name>", raises_outside_of_drf),
    path("page/<str:name>", raises_outside_of_drf),
    path("api/v1/validates", Validates.as_view()),
    path(
        "api/v1/echo",
        Echo.as_view({"get": "ask", "post": "one", "put": "one", "patch": "one", "delete": "one"}),
    ),
    path("api/v1/echo/many", Echo.as_view({"post": "many"})),
    path("api/v1/roomy", RoomyEcho.as_view()),
    path("api/v1/secrets/<id:id>", Secret.as_view()),
    path("api/v1/users", Users.as_view()),
    path("api/v1/people", People.as_view()),
]

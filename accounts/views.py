from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from .api_keys import create_key, revoke_key
from .authentication import AuthenticatedRequest
from .keyed_view import KeyedView
from .models import ApiKey, User
from .models.api_key import ApiKeyQuerySet
from .permissions import IsOperator, IsPersonalKeyOrReadOnly, SeesUsers
from .registration import register_user
from .serializers import (
    CreatedKeySerializer,
    CreatedUserSerializer,
    KeySerializer,
    NewKeySerializer,
    NewUserSerializer,
    UserSerializer,
    UserSettingsSerializer,
    show_user,
)
from .subjects import USER_ID_PARAMETER, SubjectView


class UserViewSet(KeyedView, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The users whose memories the server stores.

    list: List the users.

    Operators see all of them. A key that names end users sees those of its account. Ordered by
    `user_id`.
    """

    filterset_fields: ClassVar = ["user_id", "external_id"]
    query_fields: ClassVar = {"list": ("external_id",)}
    serializer_class = UserSerializer
    permission_classes = [*viewsets.GenericViewSet.permission_classes, IsOperator]

    def get_permissions(self) -> Any:
        if self.action == "list":
            return [each() for each in (*viewsets.GenericViewSet.permission_classes, SeesUsers)]
        return super().get_permissions()

    def get_queryset(self) -> QuerySet[User]:
        key, users = self.request.auth, User.objects.select_related("owner")
        if not key.has_operator_rights:
            users = users.filter(owner=key.user)
        return users.order_by("user_id", "id")

    @extend_schema(request=NewUserSerializer, responses={201: CreatedUserSerializer})
    def create(self, request: Request) -> Response:
        """Create a user with a first key.

        Operators only. The key is only shown in this response.
        """
        serializer = NewUserSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user, secret = register_user(**serializer.validated_data)
        body = {**UserSerializer(user).data, "api_key": secret}
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(filters=False)
    @action(
        detail=False,
        permission_classes=[*viewsets.GenericViewSet.permission_classes, IsPersonalKeyOrReadOnly],
    )
    def me(self, request: AuthenticatedRequest) -> Response:
        """Retrieve the user of the key."""
        return Response(show_user(request.user))

    @extend_schema(filters=False, request=UserSettingsSerializer, responses=UserSerializer)
    @me.mapping.patch
    def change_me(self, request: AuthenticatedRequest) -> Response:
        """Change the settings of the user of the key.

        Keys of one app may not.
        """
        serializer = UserSettingsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = User.objects.get(pk=request.user.pk)
        for name, value in serializer.validated_data.items():
            setattr(user, name, value)
        user.save(update_fields=[*serializer.validated_data, "updated_at"])
        return Response(UserSerializer(user).data)


class KeyViewSet(SubjectView, viewsets.GenericViewSet):
    """The keys of a user."""

    permission_classes = [*viewsets.GenericViewSet.permission_classes, IsPersonalKeyOrReadOnly]
    serializer_class = KeySerializer

    def get_queryset(self) -> ApiKeyQuerySet:
        return ApiKey.objects.filter(user=self.subject).order_by("-created_at", "id")

    @extend_schema(responses=KeySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest) -> Response:
        """List the keys, newest first.

        Includes revoked and expired keys. Secrets are only shown on creation.
        """
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(KeySerializer(page, many=True).data)

    @extend_schema(request=NewKeySerializer, responses={201: CreatedKeySerializer})
    def create(self, request: AuthenticatedRequest) -> Response:
        """Create a key. Its secret is only shown in this response.

        A key cannot create one with more rights or a later expiry than its own.
        """
        serializer = NewKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        key, secret = create_key(
            user=self.subject,
            creator=request.auth,
            name=values["name"],
            app_name=values.get("app") or "",
            scopes=values["scopes"],
            expires_at=values.get("expires_at"),
            names_end_users=values["end_users"],
            is_pinned=values.get("pinned"),
        )
        body = {**KeySerializer(key).data, "api_key": secret}
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[USER_ID_PARAMETER])
    def destroy(self, request: AuthenticatedRequest, key_id: uuid.UUID) -> Response:
        """Revoke a key.

        The key is rejected from the next request on. Revoking it again is not an error.
        """
        revoke_key(key_id, among=self.get_queryset())
        return Response(status=status.HTTP_204_NO_CONTENT)

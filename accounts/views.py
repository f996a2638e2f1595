from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from . import api_keys, registration
from .authentication import AuthenticatedRequest
from .models import ApiKey, User
from .models.api_key import ApiKeyQuerySet
from .permissions import IsOperator, IsPersonalKeyOrReadOnly
from .serializers import (
    CreatedKeySerializer,
    CreatedUserSerializer,
    KeySerializer,
    NewKeySerializer,
    NewUserSerializer,
    UserSerializer,
)
from .subjects import USER_ID_PARAMETER, SubjectView


class UserViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The people whose memories the server keeps.

    list: List the users.

    Operators only. Ordered by `user_id`.
    """

    queryset = User.objects.order_by("user_id", "id")
    serializer_class = UserSerializer
    permission_classes = [*viewsets.GenericViewSet.permission_classes, IsOperator]

    @extend_schema(request=NewUserSerializer, responses={201: CreatedUserSerializer})
    def create(self, request: Request) -> Response:
        """Make a user, with a first key.

        Operators only. The key is shown in this answer and never again.
        """
        given = NewUserSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user, secret = registration.register_user(**given.validated_data)
        answer = {**UserSerializer(user).data, "api_key": secret}
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(filters=False)
    @action(detail=False, permission_classes=viewsets.GenericViewSet.permission_classes)
    def me(self, request: Request) -> Response:
        """Show the user whose key this is."""
        return Response(UserSerializer(request.user).data)


class KeyViewSet(SubjectView, viewsets.GenericViewSet):
    """The keys of a user."""

    permission_classes = [*viewsets.GenericViewSet.permission_classes, IsPersonalKeyOrReadOnly]
    serializer_class = KeySerializer

    def get_queryset(self) -> ApiKeyQuerySet:
        return ApiKey.objects.filter(user=self.subject).order_by("-created_at", "id")

    @extend_schema(responses=KeySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest) -> Response:
        """List the keys, the newest first.

        A key itself is shown only when it is made. Revoked and expired ones are listed too.
        """
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(KeySerializer(page, many=True).data)

    @extend_schema(request=NewKeySerializer, responses={201: CreatedKeySerializer})
    def create(self, request: AuthenticatedRequest) -> Response:
        """Make a key, which is shown in this answer and never again.

        No key makes one that may do more, or lasts longer, than it does itself.
        """
        given = NewKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        key, secret = api_keys.create_key(
            user=self.subject,
            maker=request.auth,
            name=given.validated_data["name"],
            app_name=given.validated_data.get("app") or "",
            scopes=given.validated_data["scopes"],
            expires_at=given.validated_data.get("expires_at"),
        )
        answer = {**KeySerializer(key).data, "api_key": secret}
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[USER_ID_PARAMETER])
    def destroy(self, request: AuthenticatedRequest, key_id: uuid.UUID) -> Response:
        """Revoke a key.

        It is refused from the next request on. Revoking it again is not an error.
        """
        api_keys.revoke_key(key_id, among=self.get_queryset())
        return Response(status=status.HTTP_204_NO_CONTENT)

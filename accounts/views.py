from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from . import registering
from .models import User
from .permissions import IsOperator
from .serializers import CreatedUserSerializer, NewUserSerializer, UserSerializer


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
        user, secret = registering.register(**given.validated_data)
        answer = {**UserSerializer(user).data, "api_key": secret}
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(filters=False)
    @action(detail=False, permission_classes=viewsets.GenericViewSet.permission_classes)
    def me(self, request: Request) -> Response:
        """Show the user whose key this is."""
        return Response(UserSerializer(request.user).data)

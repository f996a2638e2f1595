from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from memories.lifecycle.undo_lines import undo_line, undo_run
from memories.serializers.undo_request import UndoneSerializer, UndoSerializer

from .scope import MemoriesOfOneUser


class UndoViewSet(MemoriesOfOneUser):
    """Changes that are taken back."""

    serializer_class = UndoneSerializer
    slow_actions = {"undo"}

    @extend_schema(request=UndoSerializer, responses=UndoneSerializer)
    def undo(self, request: AuthenticatedRequest, sequence: int) -> Response:
        """Take back the change of a line of the log.

        With `run`, all changes of the run of inference, or of the import, that the line is part of.
        A memory that was stored is deleted; any other one is again as it was before, with its state
        and categories. All of it or, with an error, nothing. 409 `changed_since` if later changes
        stand on it: `lines` are these. 409 `redacted` if the content is gone, and `not_undoable`
        for what is about no single memory. A key that is bound to an app cannot undo.
        """
        if self.reader.app:
            raise PermissionDenied("A key that is bound to an app cannot take back changes.")
        body = self.read_body(UndoSerializer)
        take_back = undo_run if body["run"] else undo_line
        count = take_back(sequence, user=self.subject, by=request.user, key=request.auth)
        return Response(
            {"message": f"Successfully took back changes of {count} memories", "count": count}
        )

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import PersonalKey
from accounts.subjects import AboutOneUser
from backups.importing import Mode, import_archive
from backups.jobs import queue_import
from backups.serializers import ImportedSerializer, ImportSerializer
from backups.turns import turn_of
from backups.uploading import MAX_FORM_BYTES, ArchiveParser
from jobs.serializers import JobSerializer
from jobs.views import accepted
from openmemory.api.preferences import prefers_async
from openmemory.errors import Malformed

from .exporting import PREFER

MODE = OpenApiParameter(
    "mode", str, enum=[str(mode) for mode in Mode], description="The same as in the form."
)


class ImportViewSet(AboutOneUser, viewsets.GenericViewSet):
    permission_classes = [*AboutOneUser.permission_classes, PersonalKey]
    parser_classes = [ArchiveParser]
    max_body_bytes = MAX_FORM_BYTES
    serializer_class = ImportSerializer

    @extend_schema(
        parameters=[MODE, PREFER], responses={200: ImportedSerializer, 202: JobSerializer}
    )
    def restore(self, request: AuthenticatedRequest) -> Response:
        """Put back what an archive holds, all or nothing.

        Archives of this server and of the original one. Of memories that are there already,
        `overwrite` takes content, state, metadata, categories and times from the archive, and
        `skip` leaves them as they are. The same file a second time changes nothing. What belongs
        to another user gets ids of its own. A file that is wrong anywhere is refused with the
        member and the line, and then nothing has changed. With very many memories rather send
        `Prefer: respond-async`.
        """
        subject = self.subject  # whose it is to be is settled before what it is
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        mode, file = self._mode(given.validated_data), given.validated_data["file"]
        if prefers_async(request):
            return accepted(queue_import(file, subject, mode, by=request.user), request)
        with turn_of(subject.pk):
            imported = import_archive(file, user=subject, mode=mode, by=request.user)
        return Response(ImportedSerializer(imported).data)

    def _mode(self, given: dict[str, str]) -> Mode:
        named = {value for value in (self.request.GET.get("mode"), given.get("mode")) if value}
        if not named <= set(Mode):
            raise Malformed("`mode` is `skip` or `overwrite`.", field="mode")
        if len(named) > 1:
            raise Malformed("The query and the form name two different modes.", field="mode")
        return Mode(named.pop()) if named else Mode.OVERWRITE

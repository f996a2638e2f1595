from __future__ import annotations

from collections.abc import Iterable

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsPersonalKey
from accounts.subjects import SubjectView
from backups.concurrency import archive_slot
from backups.importing import Mode, dry_run_import, import_archive
from backups.jobs import enqueue_import
from backups.serializers import ImportedSerializer, ImportSerializer
from backups.upload_handler import MAX_FORM_BYTES, ArchiveParser
from core.api.preferences import prefers_async
from core.errors import Malformed
from jobs.serializers import JobSerializer
from jobs.views import accepted

from .exports import PREFER

MODE = OpenApiParameter(
    "mode", str, enum=[str(mode) for mode in Mode], description="The same as in the form."
)
DRY_RUN = OpenApiParameter(
    "dry_run", str, enum=["true", "false"], description="The same as in the form."
)


class ImportViewSet(SubjectView, viewsets.GenericViewSet):
    permission_classes = [*SubjectView.permission_classes, IsPersonalKey]
    parser_classes = [ArchiveParser]
    max_body_bytes = MAX_FORM_BYTES
    serializer_class = ImportSerializer

    @extend_schema(
        parameters=[MODE, DRY_RUN, PREFER],
        responses={200: ImportedSerializer, 202: JobSerializer},
    )
    def restore(self, request: AuthenticatedRequest) -> Response:
        """Put back what an archive holds, all or nothing.

        Archives of this server and of the original one. Of memories that are there already,
        `overwrite` takes content, state, metadata, categories and times from the archive, and
        `skip` leaves them as they are. The same file a second time changes nothing. What belongs
        to another user gets ids of its own. A file that is wrong anywhere is refused with the
        member and the line, and then nothing has changed. With `dry_run` nothing changes either:
        the answer is what an import would do. With very many memories rather send
        `Prefer: respond-async`.
        """
        subject = self.subject  # whose it is to be is settled before what it is
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        file = given.validated_data["file"]
        mode = Mode(self._word("mode", given.validated_data, Mode) or Mode.OVERWRITE)
        dry_run = self._word("dry_run", given.validated_data, ("true", "false")) == "true"
        if prefers_async(request):
            job = enqueue_import(file, subject, mode, by=request.user, dry_run=dry_run)
            return accepted(job, request)
        act = dry_run_import if dry_run else import_archive
        with archive_slot(subject.pk):
            result = act(file, user=subject, mode=mode, by=request.user)
        return Response(ImportedSerializer(result).data)

    def _word(self, name: str, form: dict[str, str], known: Iterable[str]) -> str | None:
        """What the query or the form says, or both of them alike."""
        said = {word for word in (self.request.GET.get(name), form.get(name)) if word}
        if not said <= set(known):
            raise Malformed(f"`{name}` is `{'` or `'.join(known)}`.", field=name)
        if len(said) > 1:
            raise Malformed(f"The query and the form say two things of `{name}`.", field=name)
        return said.pop() if said else None

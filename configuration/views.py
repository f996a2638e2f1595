from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.authentication import AuthenticatedRequest
from accounts.keyed_view import KeyedView
from accounts.permissions import IsOperator

from .effective import current_settings
from .sections import SECTION_FIELDS, Section, SectionChange
from .serializers import (
    ConfigurationChangesSerializer,
    ConfigurationSerializer,
    EmbedderSerializer,
    LlmSerializer,
    OpenMemorySerializer,
    VectorStoreSerializer,
)
from .update import InvalidChange, update_configuration
from .validation import FieldError
from .wire_format import (
    SECTION_PATHS,
    VECTOR_STORE,
    build_document,
    extract,
    field_path,
    merge_section,
    replace_section,
    split_sections,
)


class ConfigurationView(KeyedView, viewsets.ViewSet):
    """Every key can read the configuration, only operators can change it."""

    request: AuthenticatedRequest

    def get_permissions(self) -> list[Any]:
        operators = [] if self.request.method in SAFE_METHODS else [IsOperator()]
        return [*super().get_permissions(), *operators]

    def _validate(self, serializer_class: type[Serializer]) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _update(self, changes: Iterable[SectionChange], *, path: tuple[str, ...] = ()) -> Response:
        """Make the changes, and answer with the part of the configuration at `path`."""
        try:
            settings = update_configuration(changes, by=self.request.user)
        except InvalidChange as invalid:
            raise ValidationError(_nest_errors(invalid.errors, len(path))) from invalid
        return Response(extract(build_document(settings), path))


class WholeView(ConfigurationView):
    """Which models the server uses, and how."""

    bodiless_actions: ClassVar = {"reset"}

    @extend_schema(responses=ConfigurationSerializer)
    def show(self, request: AuthenticatedRequest) -> Response:
        """Retrieve the configuration.

        There is one for the whole server. A key is shown as the reference `env:NAME`, or as a mask.
        """
        return Response(build_document(current_settings()))

    @extend_schema(request=ConfigurationSerializer, responses=ConfigurationSerializer)
    def replace(self, request: AuthenticatedRequest) -> Response:
        """Replace sections of the configuration.

        Operators only. A section that is left out, or null, does not change. In a section that is
        sent, fields that are left out or null are reset to their defaults; the mask of the key
        stands for the stored key. The change takes effect with the next request, in every process.
        """
        body = self._validate(ConfigurationSerializer)
        return self._update(
            replace_section(section, value)
            for section, value in split_sections(body)
            if value is not None
        )

    @extend_schema(request=ConfigurationChangesSerializer, responses=ConfigurationSerializer)
    def merge(self, request: AuthenticatedRequest) -> Response:
        """Change single fields of the configuration.

        Operators only. What is left out does not change, at every level; null resets a field, or
        all fields of a section, to the default.
        """
        body = self._validate(ConfigurationChangesSerializer)
        return self._update(
            merge_section(section, value) for section, value in split_sections(body)
        )

    @extend_schema(request=None, responses=ConfigurationSerializer)
    def reset(self, request: AuthenticatedRequest) -> Response:
        """Reset the configuration to its defaults.

        Operators only. The defaults are what the environment sets, else the server's own. Stored
        keys are deleted, except the key of an embedding model whose vectors are still stored.
        """
        return self._update(map(SectionChange.reset, SECTION_FIELDS))


class SectionView(ConfigurationView):
    """One section by itself, in the same format as within the whole configuration."""

    section: Section

    def _show(self) -> Response:
        return Response(extract(build_document(current_settings()), SECTION_PATHS[self.section]))

    def _replace(self, serializer_class: type[Serializer]) -> Response:
        change = replace_section(self.section, self._validate(serializer_class))
        return self._update([change], path=SECTION_PATHS[self.section])


class LlmView(SectionView):
    section = "llm"

    @extend_schema(responses=LlmSerializer)
    def show_llm(self, request: AuthenticatedRequest) -> Response:
        """Retrieve the language model's settings."""
        return self._show()

    @extend_schema(request=LlmSerializer, responses=LlmSerializer)
    def replace_llm(self, request: AuthenticatedRequest) -> Response:
        """Set the language model.

        Operators only. Fields that are left out or null are reset to their defaults. The mask of
        the key stands for the stored key, as long as the model's server does not change.
        """
        return self._replace(LlmSerializer)


class EmbedderView(SectionView):
    section = "embedder"

    @extend_schema(responses=EmbedderSerializer)
    def show_embedder(self, request: AuthenticatedRequest) -> Response:
        """Retrieve the embedding model's settings."""
        return self._show()

    @extend_schema(request=EmbedderSerializer, responses=EmbedderSerializer)
    def replace_embedder(self, request: AuthenticatedRequest) -> Response:
        """Set the embedding model.

        Operators only. Fields that are left out or null are reset to their defaults. The mask of
        the key stands for the stored key, as long as the model's server does not change. Another
        model starts a re-embedding job. Until it is done, search uses the former model, whose key
        is stored until its vectors are dropped.
        """
        return self._replace(EmbedderSerializer)


class OpenMemoryView(SectionView):
    section = "openmemory"

    @extend_schema(responses=OpenMemorySerializer)
    def show_openmemory(self, request: AuthenticatedRequest) -> Response:
        """Retrieve the server's own settings."""
        return self._show()

    @extend_schema(request=OpenMemorySerializer, responses=OpenMemorySerializer)
    def replace_openmemory(self, request: AuthenticatedRequest) -> Response:
        """Change the server's own settings.

        Operators only.
        """
        return self._replace(OpenMemorySerializer)


class VectorStoreView(ConfigurationView):
    @extend_schema(responses=VectorStoreSerializer)
    def show_vector_store(self, request: AuthenticatedRequest) -> Response:
        """Retrieve the vector store.

        It is always PostgreSQL with pgvector. This endpoint exists for clients that ask.
        """
        return Response(VECTOR_STORE)

    @extend_schema(request=VectorStoreSerializer, responses=VectorStoreSerializer)
    def replace_vector_store(self, request: AuthenticatedRequest) -> Response:
        """Confirm the vector store.

        Operators only. Nothing changes: a provider other than `pgvector` is rejected.
        """
        self._validate(VectorStoreSerializer)
        return Response(VECTOR_STORE)


def _nest_errors(errors: Iterable[FieldError], depth: int) -> dict[str, Any]:
    """Nest errors like the body of the request, whose root is at `depth` in the configuration."""
    nested: dict[str, Any] = {}
    for error in errors:
        *parents, field = field_path(error.section, error.field)[depth:]
        level = nested
        for name in parents:
            level = level.setdefault(name, {})
        level.setdefault(field, []).append(ErrorDetail(error.detail, error.code))
    return nested

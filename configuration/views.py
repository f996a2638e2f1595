from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsOperator

from . import effective, update, wire_format
from .serializers import (
    ConfigurationChangesSerializer,
    ConfigurationSerializer,
    EmbedderSerializer,
    LlmSerializer,
    OpenMemorySerializer,
    VectorStoreSerializer,
)


class ConfigurationView(viewsets.ViewSet):
    """Everybody with a key may read the configuration, only operators change it."""

    request: AuthenticatedRequest

    def get_permissions(self) -> list[Any]:
        operators = [] if self.request.method in SAFE_METHODS else [IsOperator()]
        return [*super().get_permissions(), *operators]

    def _read(self, serializer: type[Serializer]) -> dict[str, Any]:
        given = serializer(data=self.request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def _change(self, choices: update.Choices, *, inside: tuple[str, ...] = ()) -> Any:
        """Make the choices, and show what stands `inside` the configuration then."""
        try:
            settings = update.change(choices, by=self.request.user)
        except update.ChangeRefused as refusal:
            raise ValidationError(_placed(refusal.wrongs, len(inside))) from refusal
        return _inside(wire_format.document(settings), inside)


class WholeView(ConfigurationView):
    """Which models the server uses, and how."""

    @extend_schema(responses=ConfigurationSerializer)
    def show(self, request: AuthenticatedRequest) -> Response:
        """Show the configuration.

        It is one for the whole server. A key is shown as the reference `env:NAME`, or as a mask.
        """
        return Response(wire_format.document(effective.current()))

    @extend_schema(request=ConfigurationSerializer, responses=ConfigurationSerializer)
    def replace(self, request: AuthenticatedRequest) -> Response:
        """Replace sections of the configuration.

        Operators only. A section that is left out, or null, stays as it is. In one that is sent,
        what is left out or null goes back to its default; the mask of the key stands for the kept
        key. The change counts from the next request on, in every process.
        """
        body = self._read(ConfigurationSerializer)
        choices = {
            section: wire_format.replacing(section, value)
            for section, value in wire_format.sections_in(body)
            if value is not None
        }
        return Response(self._change(choices))

    @extend_schema(request=ConfigurationChangesSerializer, responses=ConfigurationSerializer)
    def merge(self, request: AuthenticatedRequest) -> Response:
        """Change single values of the configuration.

        Operators only. What is left out stays as it is, at every depth; null takes a value, or
        all of a section, back to the default.
        """
        body = self._read(ConfigurationChangesSerializer)
        choices = {
            section: wire_format.merging(section, value)
            for section, value in wire_format.sections_in(body)
        }
        return Response(self._change(choices))

    @extend_schema(request=None, responses=ConfigurationSerializer)
    def reset(self, request: AuthenticatedRequest) -> Response:
        """Go back to the defaults.

        Operators only. The defaults are what the environment says, else what the server comes
        with. Keys that were kept are forgotten, but that of an embedder whose vectors are
        still there.
        """
        return Response(self._change(update.EVERYTHING))


class SectionView(ConfigurationView):
    """One section by itself, in the same shape as inside of the whole."""

    section: str

    def _show(self) -> Response:
        return Response(
            _inside(wire_format.document(effective.current()), wire_format.PLACES[self.section])
        )

    def _replace(self, serializer: type[Serializer]) -> Response:
        choices = {self.section: wire_format.replacing(self.section, self._read(serializer))}
        return Response(self._change(choices, inside=wire_format.PLACES[self.section]))


class LlmView(SectionView):
    section = "llm"

    @extend_schema(responses=LlmSerializer)
    def show_llm(self, request: AuthenticatedRequest) -> Response:
        """Show which language model is used."""
        return self._show()

    @extend_schema(request=LlmSerializer, responses=LlmSerializer)
    def replace_llm(self, request: AuthenticatedRequest) -> Response:
        """Choose the language model.

        Operators only. What is left out or null goes back to its default; the mask of the key
        stands for the kept key, as long as the server that it is for stays the same.
        """
        return self._replace(LlmSerializer)


class EmbedderView(SectionView):
    section = "embedder"

    @extend_schema(responses=EmbedderSerializer)
    def show_embedder(self, request: AuthenticatedRequest) -> Response:
        """Show which embedding model is used."""
        return self._show()

    @extend_schema(request=EmbedderSerializer, responses=EmbedderSerializer)
    def replace_embedder(self, request: AuthenticatedRequest) -> Response:
        """Choose the embedding model.

        Operators only. What is left out or null goes back to its default; the mask of the key
        stands for the kept key, as long as the server that it is for stays the same. Where it is
        another model, a job embeds all memories anew. Until it is done searches go on with the
        former one, whose key is kept with its vectors until they are dropped.
        """
        return self._replace(EmbedderSerializer)


class OpenMemoryView(SectionView):
    section = "openmemory"

    @extend_schema(responses=OpenMemorySerializer)
    def show_openmemory(self, request: AuthenticatedRequest) -> Response:
        """Show the settings of this server itself."""
        return self._show()

    @extend_schema(request=OpenMemorySerializer, responses=OpenMemorySerializer)
    def replace_openmemory(self, request: AuthenticatedRequest) -> Response:
        """Choose the settings of this server itself.

        Operators only.
        """
        return self._replace(OpenMemorySerializer)


class VectorStoreView(ConfigurationView):
    @extend_schema(responses=VectorStoreSerializer)
    def show_vector_store(self, request: AuthenticatedRequest) -> Response:
        """Show where vectors are kept.

        In PostgreSQL, by pgvector, always: this exists for clients that ask.
        """
        return Response(wire_format.VECTOR_STORE)

    @extend_schema(request=VectorStoreSerializer, responses=VectorStoreSerializer)
    def replace_vector_store(self, request: AuthenticatedRequest) -> Response:
        """Confirm where vectors are kept.

        Operators only. It changes nothing: any other provider than `pgvector` is refused.
        """
        self._read(VectorStoreSerializer)
        return Response(wire_format.VECTOR_STORE)


def _inside(document: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = document
    for name in place:
        value = value[name]
    return value


def _placed(wrongs: list[update.Wrong], depth: int) -> dict[str, Any]:
    """Nest what is wrong as the body is, whose outermost level is `depth` inside of the whole."""
    nested: dict[str, Any] = {}
    for wrong in wrongs:
        *outer, last = wire_format.place(wrong.section, wrong.field)[depth:]
        level = nested
        for name in outer:
            level = level.setdefault(name, {})
        level.setdefault(last, []).append(ErrorDetail(wrong.detail, wrong.code))
    return nested

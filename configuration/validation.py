"""Validate the settings of a model as a whole: each field may be valid and the whole not."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import LOCAL_DIMENSIONS, LOCAL_MODELS, MULTILINGUAL_MODEL, OLLAMA
from .model_settings import EmbedderSettings, LlmSettings, ModelSettings
from .providers import multilingual
from .sections import ModelSection, Section


@dataclass(frozen=True)
class FieldError:
    section: Section
    field: str
    code: str
    detail: str


def validate_model(section: ModelSection, settings: ModelSettings) -> list[FieldError]:
    if isinstance(settings, EmbedderSettings) and settings.is_local:
        return _validate_local_embedder(settings)
    errors = []
    if settings.model is None and not settings.is_local:
        detail = f"Enter the name of a model of `{settings.provider}`."
        errors.append(FieldError(section, "model", "required", detail))
    if isinstance(settings, LlmSettings) and settings.provider != OLLAMA:
        detail = f"Only `{OLLAMA}` takes this: send null for `{settings.provider}`."
        errors += [
            FieldError(section, field, "not_supported", detail)
            for field in ("num_ctx", "think")
            if getattr(settings, field) is not None
        ]
    return errors


def _validate_local_embedder(settings: EmbedderSettings) -> list[FieldError]:
    errors = []
    if settings.model not in LOCAL_MODELS:
        detail = f"The built-in embedding models are {' and '.join(LOCAL_MODELS)}."
        errors.append(FieldError("embedder", "model", "not_built_in", detail))
    elif settings.model == MULTILINGUAL_MODEL and (detail := multilingual.check_platform() or ""):
        errors.append(FieldError("embedder", "model", "not_installed", detail))
    if settings.dimensions != LOCAL_DIMENSIONS:
        detail = f"The built-in embedding models have {LOCAL_DIMENSIONS} dimensions."
        errors.append(FieldError("embedder", "dimensions", "not_built_in", detail))
    return errors

"""Whether the models can be used that are configured."""

from __future__ import annotations

from configuration.providers import ProviderFailed, completer_for, embedder_for
from core.checks import Findings, check, error, ok
from core.errors import OpenMemoryError

from . import effective

# The least that a language model can be asked for.
ANSWER = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
SECONDS = 20.0


@check("configuration.keys")
def keys() -> Findings:
    configured = effective.current()
    for section, settings in (("llm", configured.llm), ("embedder", configured.embedder)):
        try:
            settings.resolve_key()
        except OpenMemoryError as problem:
            yield error(
                f"The key of the {section} cannot be used: {problem.detail}",
                f"Enter it anew, in the admin or with PUT /api/v1/config/mem0/{section}",
            )
        else:
            yield ok(f"The key of the {section} can be read, or none is needed.")


@check("configuration.embedder", calls_out=True)
def embedder() -> Findings:
    settings = effective.current().embedder
    try:
        embedder_for(settings).embed_query("Is this understood?", within=SECONDS)
    except (ProviderFailed, OpenMemoryError) as problem:
        yield error(
            f"The embedding model of {settings.provider} cannot be asked: {problem.detail}",
            "Memories are found by their words alone meanwhile. See /api/v1/config/mem0/embedder",
        )
    else:
        yield ok(f"The embedding model of {settings.provider} answers.")


@check("configuration.llm", calls_out=True)
def language_model() -> Findings:
    settings = effective.current().llm
    if settings.is_local:
        yield ok("No language model is configured.")
        return
    asked = [{"role": "user", "content": 'Answer with {"ok": true}.'}]
    try:
        completer = completer_for(settings)
        if completer is not None:
            completer.complete("", asked, schema=ANSWER, name="answer", within=SECONDS)
    except OpenMemoryError as problem:
        yield error(
            f"The language model of {settings.provider} cannot be asked: {problem.detail}",
            "Memories are kept as they are sent meanwhile. See /api/v1/config/mem0/llm",
        )
    else:
        yield ok(f"The language model of {settings.provider} answers.")

"""Check whether the configured models can be used."""

from __future__ import annotations

from core.checks import Findings, check, error, ok
from core.errors import OpenMemoryError

from .effective import current_settings
from .model_status import read_model_statuses
from .providers import get_embedder, get_language_model

# The smallest response that a language model can be asked for.
RESPONSE_SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
TIMEOUT = 20.0

ROLES = {"llm": "language model", "embedder": "embedding model"}


@check("configuration.keys")
def check_keys() -> Findings:
    settings = current_settings()
    for section, model in (("llm", settings.llm), ("embedder", settings.embedder)):
        try:
            model.resolve_key()
        except OpenMemoryError as problem:
            yield error(
                f"The key of the {ROLES[section]} cannot be used: {problem.detail}",
                f"Enter it again, in the admin or with PUT /api/v1/config/mem0/{section}",
            )
        else:
            yield ok(f"The key of the {ROLES[section]} can be used, or none is needed.")


@check("configuration.circuits")
def check_circuits() -> Findings:
    """What the dashboard shows in red. A model is called only by the checks below."""
    for status in read_model_statuses():
        if status.down:
            yield error(
                f"The {status.role.lower()} {status.name} is not responding. Calls are suspended "
                "and will be retried.",
                "Check its server and key; manage.py doctor --call-out calls it",
            )
        else:
            yield ok(f"No calls of the {status.role.lower()} are suspended.")


@check("configuration.embedder", calls_out=True)
def check_embedder() -> Findings:
    settings = current_settings().embedder
    try:
        get_embedder(settings).embed_query("This is a test.", timeout=TIMEOUT)
    except OpenMemoryError as problem:
        yield error(
            f"The embedding model of {settings.provider} does not work: {problem.detail}",
            "Until then, search uses keywords only. See /api/v1/config/mem0/embedder",
        )
    else:
        yield ok(f"The embedding model of {settings.provider} responds.")


@check("configuration.llm", calls_out=True)
def check_llm() -> Findings:
    settings = current_settings().llm
    if settings.is_local:
        yield ok("No language model is configured.")
        return
    messages = [{"role": "user", "content": 'Answer with {"ok": true}.'}]
    try:
        llm = get_language_model(settings)
        if llm is not None:
            llm.complete("", messages, schema=RESPONSE_SCHEMA, name="answer", timeout=TIMEOUT)
    except OpenMemoryError as problem:
        yield error(
            f"The language model of {settings.provider} does not work: {problem.detail}",
            "Until then, memories are stored as they are sent. See /api/v1/config/mem0/llm",
        )
    else:
        yield ok(f"The language model of {settings.provider} responds.")

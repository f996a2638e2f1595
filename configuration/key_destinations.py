"""To which servers a key from the environment may be sent.

Whoever may change the configuration chooses base URLs, but must not learn the secrets of the
process: a variable goes to the server that it is for.
"""

from __future__ import annotations

from django.conf import settings

from .base_urls import server_origin
from .catalog import OLLAMA, PROVIDERS
from .errors import ProviderUnavailable
from .provider_keys import Key, KeyReference
from .sections import ModelSection

PROVIDER_VARIABLES = {
    provider.key_variable: server_origin(provider.base_url)
    for provider in PROVIDERS.values()
    if provider.key_variable and provider.base_url
}
_SECTIONS: tuple[ModelSection, ...] = ("llm", "embedder")


class KeyWithheld(ProviderUnavailable):
    """The variable with the provider's key must not be sent to the configured base URL."""

    code = "provider_key_withheld"


def ensure_key_may_be_sent(key: Key, origin: str | None) -> None:
    """Raises KeyWithheld. Literal keys are bound to their server when they are entered."""
    if isinstance(key, KeyReference) and origin:
        problem = check_destination(key.name, origin)
        if problem:
            raise KeyWithheld(problem)


def check_destination(variable: str, origin: str) -> str | None:
    """Return why a variable is not sent to the server, None if it may be sent."""
    origins = _find_origins(variable)
    if origin in origins or variable in settings.ENV_KEYS:
        return None
    if variable in PROVIDER_VARIABLES:
        return (
            f"{variable} is only sent to {' or '.join(sorted(origins))}, not to {origin}. Send the "
            "key itself, or null for none."
        )
    return (
        f"{variable} is not sent to {origin}. Send the key itself, or list {variable} in the "
        "server's setting OPENMEMORY_ENV_KEYS."
    )


def check_listed_variable(variable: str) -> str | None:
    """Return why OPENMEMORY_ENV_KEYS must not list a variable, None if it may."""
    if variable in PROVIDER_VARIABLES:
        return (
            f"{variable} is only sent to {PROVIDER_VARIABLES[variable]}. Set the key of another "
            "server in another variable."
        )
    return KeyReference(variable).problem()


def _find_origins(variable: str) -> set[str]:
    """The servers that a variable is for."""
    origins = {PROVIDER_VARIABLES[variable]} if variable in PROVIDER_VARIABLES else set()
    for section in _SECTIONS:
        provider = PROVIDERS[settings.MODEL_DEFAULTS[section]["provider"]]
        # Whoever sets the environment sets both, the variable and the base URL that it is for.
        if variable in (f"{section.upper()}_API_KEY", provider.key_variable):
            origins |= _environment_origins(section)
    return origins


def _environment_origins(section: ModelSection) -> set[str]:
    """The server that the environment names for a section, at most one."""
    environment = settings.MODEL_DEFAULTS[section]
    provider = PROVIDERS[environment["provider"]]
    ollama_url = settings.OLLAMA_BASE_URL if provider.name == OLLAMA else None
    base_url = environment["base_url"] or ollama_url or provider.base_url
    return {server_origin(base_url)} if base_url else set()

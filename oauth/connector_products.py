"""The products that connect by OAuth, as they ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Connector:
    """How a product asks, and which tools it needs."""

    title: str
    redirect_uri: str
    auth_method: str
    tools: frozenset[str]
    document: str  # about itself, which it names instead of registering


CONNECTORS = (
    Connector(
        "claude.ai",
        "https://claude.ai/api/mcp/auth_callback",
        "client_secret_post",
        frozenset({"search_memories"}),
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
    ),
    Connector(
        "ChatGPT",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "none",
        frozenset({"search", "fetch"}),
        "https://chatgpt.com/oauth/client.json",
    ),
)

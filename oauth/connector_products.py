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


CONNECTORS = (
    Connector(
        "claude.ai",
        "https://claude.ai/api/mcp/auth_callback",
        "client_secret_post",
        frozenset({"search_memories"}),
    ),
    Connector(
        "ChatGPT",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "none",
        frozenset({"search", "fetch"}),
    ),
)

"""What documents of much used clients say, for servers that their hosts keep away.

claude.ai answers machines in data centers with a check for robots, and a server may have no way to
the internet: its users still have these clients. The addresses are the clients' own, so that nobody
gains by a document that is out of date.
"""

from __future__ import annotations

from typing import Any

_CLAUDE = "https://claude.ai/oauth/mcp-oauth-client-metadata"
_CLAUDE_CODE = "https://claude.ai/oauth/claude-code-client-metadata"

DOCUMENTS: dict[str, dict[str, Any]] = {
    _CLAUDE: {
        "client_id": _CLAUDE,
        "client_name": "Claude",
        "redirect_uris": [
            "https://claude.ai/api/mcp/auth_callback",
            "https://claude.com/api/mcp/auth_callback",
        ],
        "token_endpoint_auth_method": "none",
    },
    _CLAUDE_CODE: {
        "client_id": _CLAUDE_CODE,
        "client_name": "Claude Code",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
    },
}

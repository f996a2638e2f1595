from .authorization_code import AuthorizationCode
from .oauth_client import AuthMethod, OAuthClient
from .oauth_connection import Connection

__all__ = ["AuthMethod", "AuthorizationCode", "Connection", "OAuthClient"]

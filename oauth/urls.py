from django.urls import path

from .endpoints import (
    AuthorizationServerView,
    ProtectedResourceView,
    RegistrationView,
    RevocationView,
    TokenView,
)
from .issuer import MCP_PATH

WELL_KNOWN = ".well-known/oauth"

# The page of consent is at `oauth/authorize`, among the pages of persons.
urlpatterns = [
    path(f"{WELL_KNOWN}-protected-resource", ProtectedResourceView.as_view()),
    path(
        f"{WELL_KNOWN}-protected-resource{MCP_PATH}", ProtectedResourceView.as_view(path=MCP_PATH)
    ),
    path(f"{WELL_KNOWN}-authorization-server", AuthorizationServerView.as_view()),
    # Where clients look that take the address of the resource for that of the server.
    path(f"{WELL_KNOWN}-authorization-server{MCP_PATH}", AuthorizationServerView.as_view()),
    path("oauth/register", RegistrationView.as_view()),
    path("oauth/token", TokenView.as_view()),
    path("oauth/revoke", RevocationView.as_view()),
]

from .access_rule import AccessRule, Effect
from .app import App, AppNotFound, AppPaused

__all__ = ["AccessRule", "App", "AppNotFound", "AppPaused", "Effect"]

from .api_key import ApiKey, KeyRefused, Scope
from .user import User

__all__ = ["ApiKey", "KeyRefused", "Scope", "User"]

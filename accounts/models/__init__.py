from .api_key import ApiKey, KeyRejected, Scope
from .user import User

__all__ = ["ApiKey", "KeyRejected", "Scope", "User"]

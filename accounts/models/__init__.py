from .api_key import ApiKey, KeyRejected, Scope
from .kept_answer import KeptAnswer
from .user import User

__all__ = ["ApiKey", "KeptAnswer", "KeyRejected", "Scope", "User"]

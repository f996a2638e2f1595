from .api_key import ApiKey, KeyRejected, Scope
from .kept_answer import KeptAnswer
from .person_session import PersonSession
from .sign_in_link import LinkInvalid, SignInLink
from .user import User

__all__ = [
    "ApiKey", "KeptAnswer", "KeyRejected", "LinkInvalid", "PersonSession", "Scope", "SignInLink",
    "User",
]  # fmt: skip

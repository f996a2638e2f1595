"""The settings of the project. No other package reads environment variables for settings."""

from .admin import *  # noqa: F403
from .api import *  # noqa: F403
from .backups import *  # noqa: F403
from .base import *  # noqa: F403
from .framework import *  # noqa: F403
from .jobs import *  # noqa: F403
from .logging import *  # noqa: F403
from .observability import *  # noqa: F403
from .providers import *  # noqa: F403
from .retrieval import *  # noqa: F403
from .security import *  # noqa: F403
from .services import *  # noqa: F403

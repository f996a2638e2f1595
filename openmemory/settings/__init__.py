"""Settings of the whole project. Every variable that changes one is read here, and nowhere else."""

from .admin import *  # noqa: F403
from .api import *  # noqa: F403
from .backups import *  # noqa: F403
from .base import *  # noqa: F403
from .framework import *  # noqa: F403
from .housekeeping import *  # noqa: F403
from .jobs import *  # noqa: F403
from .logging import *  # noqa: F403
from .memories import *  # noqa: F403
from .observability import *  # noqa: F403
from .providers import *  # noqa: F403
from .security import *  # noqa: F403
from .services import *  # noqa: F403

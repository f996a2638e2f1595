"""Settings of the whole project. Every variable that changes one is read here, and nowhere else."""

from .admin import *  # noqa: F403
from .api import *  # noqa: F403
from .backups import *  # noqa: F403
from .exposure import *  # noqa: F403
from .framework import *  # noqa: F403
from .ground import *  # noqa: F403
from .housekeeping import *  # noqa: F403
from .jobs import *  # noqa: F403
from .logs import *  # noqa: F403
from .memories import *  # noqa: F403
from .providers import *  # noqa: F403
from .services import *  # noqa: F403
from .watching import *  # noqa: F403

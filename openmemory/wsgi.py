"""The server as a WSGI application, for any server of those: the API, the admin, the documents."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openmemory.settings")

application = get_wsgi_application()

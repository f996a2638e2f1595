"""The WSGI application: the API, the admin and the API documentation."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openmemory.settings")

application = get_wsgi_application()

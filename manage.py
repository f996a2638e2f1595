#!/usr/bin/env python
"""Run a management command of the server, such as `python manage.py create_api_key alice`."""

from server.console import main

if __name__ == "__main__":
    main()

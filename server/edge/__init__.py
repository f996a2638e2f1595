"""Receives requests and sends responses, so that no slow client holds a thread.

Rationale: docs/decisions/0002-web-server.md.
"""

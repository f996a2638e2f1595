"""The addresses of the pages of memories, and what is done there."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from memories.models import Memory

LIST = "/admin/memories/memory/"
PRESSED = {"_form_submitted": "on"}


def page_of(memory: Memory) -> str:
    return reverse("admin:memories_memory_change", args=[memory.pk])


def button_of(memory: Memory, name: str) -> str:
    return reverse(f"admin:memories_memory_{name}", args=[memory.pk])


def text_of(browser: Client, address: str, **query: Any) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def select(browser: Client, action: str, *memories: Memory, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(memory.pk) for memory in memories]}
    return browser.post(LIST, {**chosen, **more}, follow=True)

"""What an agent pastes into its prompt: memories as text, within a budget of tokens."""

from .compose import DEFAULT_TOKENS, MAX_TOKENS, SECTIONS, PromptContext, compose_context

__all__ = ["DEFAULT_TOKENS", "MAX_TOKENS", "SECTIONS", "PromptContext", "compose_context"]

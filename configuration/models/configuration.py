from __future__ import annotations

from django.db import models

from configuration.provider_keys import EncryptedKey, load_key


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    def locked(self) -> Configuration:
        """The only row, locked until the transaction ends.

        Otherwise two concurrent changes would start from the same values, and the second one
        would undo the first.
        """
        row, _ = self.select_for_update().get_or_create(pk=Configuration.ONLY)
        return row


class Configuration(models.Model):
    """The overrides that operators have set. A field without one has its default."""

    ONLY = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY, editable=False)
    llm = models.JSONField(default=dict, blank=True, help_text="The language model.")
    embedder = models.JSONField(default=dict, blank=True, help_text="The embedding model.")
    openmemory = models.JSONField(default=dict, blank=True, help_text="The server's own settings.")
    changed_at = models.DateTimeField(auto_now=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_configuration"),
        ]

    def __str__(self) -> str:
        return "the configuration"

    def reencrypt_keys(self) -> None:
        """Encrypt stored keys with the current secret key, so that a former one can be dropped."""
        for section in (self.llm, self.embedder):
            key = load_key(section.get("api_key"))
            if isinstance(key, EncryptedKey):
                section["api_key"] = key.reencrypted().to_json()

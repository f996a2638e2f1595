from __future__ import annotations

from django.db import models

from configuration.provider_keys import SealedKey, from_stored


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    def locked(self) -> Configuration:
        """The one row, held until the transaction ends.

        Two operators who change it at once would otherwise both start from what was there
        before, and the second would take back what the first one did.
        """
        row, _ = self.select_for_update().get_or_create(pk=Configuration.ONLY)
        return row


class Configuration(models.Model):
    """What operators have chosen. What they left alone is not kept here and stays the default."""

    ONLY = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY, editable=False)
    llm = models.JSONField(default=dict, blank=True, help_text="The language model.")
    embedder = models.JSONField(default=dict, blank=True, help_text="The embedding model.")
    openmemory = models.JSONField(default=dict, blank=True, help_text="This server's own settings.")
    changed_at = models.DateTimeField(auto_now=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_configuration"),
        ]

    def __str__(self) -> str:
        return "the configuration"

    def renew_keys(self) -> None:
        """Encrypt the kept keys with the present secret key, so that an older one can go."""
        for section in (self.llm, self.embedder):
            key = from_stored(section.get("api_key"))
            if isinstance(key, SealedKey):
                section["api_key"] = key.renewed().stored()

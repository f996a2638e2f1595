"""What can become of asking a model. The texts name provider and model, never a key or a prompt."""

from __future__ import annotations

from core.errors import Unavailable


class ProviderFailed(Unavailable):
    """The provider of the model could not do what was asked.

    `retryable` says whether the same call may do better later, and `retry_after` in how many
    seconds at the earliest, as far as the provider told.
    """

    code = "provider_failed"
    retryable = False

    def __init__(self, detail: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ProviderUnavailable(ProviderFailed):
    """The model is not to be had here: something has to be installed or configured first."""

    code = "provider_unavailable"


class ProviderUnreachable(ProviderFailed):
    """The provider cannot be reached, has failed or takes too long."""

    code = "provider_unreachable"
    retryable = True


class RateLimited(ProviderFailed):
    """The provider wants to be asked less often."""

    code = "provider_rate_limited"
    retryable = True


class QuotaExhausted(ProviderFailed):
    """The account at the provider is out of quota."""

    code = "provider_quota_exhausted"


class KeyRefused(ProviderFailed):
    """The provider does not accept the key."""

    code = "provider_key_refused"


class CallRefused(ProviderFailed):
    """The provider refuses the call: there is no such model, or it does not take what was sent."""

    code = "provider_call_refused"


class ModelRefused(ProviderFailed):
    """The model declined to answer."""

    code = "model_refused"


class AnswerUnusable(ProviderFailed):
    """The model's answer is not what was asked for."""

    code = "model_answer_unusable"
    retryable = True


class WrongDimensions(ProviderFailed):
    """The embedding model answers with vectors of another size than is configured."""

    code = "wrong_dimensions"


# Failures of a remote model that a retry may overcome.
TRANSIENT_FAILURES = (ProviderUnreachable, RateLimited)

"""Errors of calls to a model. Details name the provider and model, never a key or a prompt."""

from __future__ import annotations

from core.errors import Unavailable


class ProviderError(Unavailable):
    """The provider's model could not process the request.

    `retryable` says whether the same request may succeed later, `retry_after` in how many seconds
    at the earliest, if the provider said so. `status` and `said` are what its server answered,
    and `generated` what the model had written by then: for the code that calls it to learn from,
    and never shown, as it may quote the request.
    """

    code = "provider_failed"
    retryable = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        said: str = "",
        generated: str = "",
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.status = status
        self.said = said
        self.generated = generated


class ProviderUnavailable(ProviderError):
    """The model is not available here: it has to be installed or configured first."""

    code = "provider_unavailable"


class ProviderUnreachable(ProviderError):
    """The provider cannot be reached, has failed or did not respond in time."""

    code = "provider_unreachable"
    retryable = True


class RateLimited(ProviderError):
    """The provider's rate limit is reached."""

    code = "provider_rate_limited"
    retryable = True


class QuotaExhausted(ProviderError):
    """The account at the provider is out of quota."""

    code = "provider_quota_exhausted"


class KeyRejected(ProviderError):
    """The provider rejects the key."""

    code = "provider_key_refused"


class RequestRejected(ProviderError):
    """The provider rejects the request: the model does not exist, or a parameter is invalid."""

    code = "provider_call_refused"


class ModelMissing(RequestRejected):
    """The provider does not have the model."""


class InputTooLong(RequestRejected):
    """The text is longer than the model takes."""


class ModelRefused(ProviderError):
    """The model declined to answer."""

    code = "model_refused"


class UnusableAnswer(ProviderError):
    """The model's answer does not have the requested form."""

    code = "model_answer_unusable"
    retryable = True


class WrongDimensions(ProviderError):
    """The embedding model's vectors do not have the configured dimensions."""

    code = "wrong_dimensions"


# Failures of a remote model that a retry may overcome.
TRANSIENT_FAILURES = (ProviderUnreachable, RateLimited)

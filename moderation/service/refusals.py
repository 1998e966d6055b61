"""What the service refuses on top of what the Perspective API does."""

import math

from moderation.errors import ModerationError
from moderation.perspective import errors
from moderation.perspective.errors import ApiError


def quota_used_up(name: str, per_minute: int, *, wait: float, docs: str) -> ApiError:
    """Refuse a key for some seconds; `docs` is the address that tells what there is."""
    error = errors.quota_exceeded(per_minute, consumer=f"keys/{name}", help_url=docs)
    error.headers = {"Retry-After": str(max(1, math.ceil(wait)))}
    return error


def more_than_quota(comments: int, per_minute: int) -> ApiError:
    """Refuse a request that no waiting would help."""
    return errors.invalid_request(
        f"Expected at most {per_minute} comments in a request: that is what this API key may have "
        f"scored in a minute. Got {comments}"
    )


def body_timed_out(seconds: float) -> ApiError:
    """Refuse a body that comes too slowly; what is left of it must not pass for a request."""
    return _closing(_too_slow("body", seconds))


def body_too_large(limit: int) -> ApiError:
    """
    Refuse a body by its size.

    The connection stays open for a while, and what comes of the body is dropped: many clients read
    no answer before they have sent all, and none where that fails.
    """
    return errors.request_too_large(limit)


def crowded() -> ApiError:
    """Refuse a body for now: others take all the room there is."""
    error = errors.unavailable()
    error.headers = {"Retry-After": "1"}
    return error


def batch_too_large(limit: int) -> ApiError:
    """Refuse a call of a batch whose answers are too long together."""
    return ApiError(
        f"The answers of this batch exceed the limit: {limit} bytes; send fewer calls in one.",
        code=413,
    )


def compressed_body() -> ApiError:
    """Refuse a body that would have to be unpacked."""
    return ApiError("Compressed requests are not accepted: send plain JSON.", code=415)


def no_request() -> ApiError:
    """Refuse what is no request in HTTP/1.1."""
    return _closing(ApiError("Invalid HTTP request received; expected HTTP/1.1."))


def head_too_large(limit: int) -> ApiError:
    """Refuse an address with headers by their size."""
    return _closing(
        ApiError(f"The request's address and headers have more than {limit} bytes.", code=431)
    )


def head_timed_out(seconds: float) -> ApiError:
    """Refuse an address with headers that come too slowly."""
    return _closing(_too_slow("address and headers", seconds))


def unsigned() -> ApiError:
    """Refuse what was not signed with a secret that is known here."""
    return ApiError(
        "No valid signature; expected X-Coral-Signature made with a secret of this service.",
        code=403,
        status="PERMISSION_DENIED",
    )


def labels_refused(error: ModerationError) -> ApiError:
    """Refuse labels for now: too many wait for the database, or they cannot be kept."""
    refused = ApiError(str(error), code=503, status="UNAVAILABLE")
    refused.headers = {"Retry-After": "60"}
    return refused


def _too_slow(part: str, seconds: float) -> ApiError:
    return ApiError(
        f"The request's {part} did not arrive within {seconds:g} seconds.",
        code=408,
        status="DEADLINE_EXCEEDED",
    )


def _closing(error: ApiError) -> ApiError:
    error.headers = {"Connection": "close"}
    return error

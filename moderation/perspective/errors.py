"""The errors that clients of the Perspective API know, in Google's envelope."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from moderation.errors import ModerationError

SERVICE: Final = "commentanalyzer.googleapis.com"
"""How the service calls itself in details; clients compare it."""
TEXT_LIMIT: Final = 20_480
"""UTF-8 bytes of a comment."""

_TYPES: Final = "type.googleapis.com/"
_PAYLOAD: Final = "Invalid JSON payload received."
_SHOWN = 64  # characters of a client's own name that are repeated to it

Details = Mapping[str, Any]


class ApiError(ModerationError):
    """
    What a request is refused with: an HTTP status, a sentence and what programs read.

    `status` is a name of google.rpc.Code; `details` are messages as google.rpc.Status has them.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = 400,
        status: str = "INVALID_ARGUMENT",
        details: Iterable[Details] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = tuple(dict(detail) for detail in details)
        self.headers: Mapping[str, str] = {}
        """What an HTTP answer has besides; whoever refuses over HTTP sets it."""

    def body(self) -> dict[str, Any]:
        """Return Google's envelope; a client finds `details` only where there are any."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error}


# What is wrong with a comment or with what is asked about it.


def comment_empty() -> ApiError:
    return _refused("Comment must be non-empty.", "COMMENT_EMPTY")


def comment_too_long(length: int) -> ApiError:
    """
    Refuse a comment of that many bytes.

    The documentation has the first sentence, the service said the second: clients look for both.
    """
    return _refused(
        "Comment text too long. "
        f"Comment text was too many bytes. Value ({length}) exceeded limit ({TEXT_LIMIT}).",
        "COMMENT_TOO_LONG",
    )


def no_requested_attributes() -> ApiError:
    return _refused("Missing requested_attributes", "NO_REQUESTED_ATTRIBUTES")


def unsupported_languages(
    attribute: str, *, requested: Sequence[str], detected: Sequence[str]
) -> ApiError:
    """
    Refuse languages that the model has not learnt from.

    Where none were asked for, the sentence names what was found: clients read it there.
    """
    known = {"detectedLanguages": detected, "requestedLanguages": requested}
    return _refused(
        f"Attribute {_shown(attribute)} does not support request languages: "
        + ", ".join(requested or detected),
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        languageNotSupportedByAttributeError={
            **{name: list(languages) for name, languages in known.items() if languages},
            "attribute": _shown(attribute),
        },
    )


def undetected_language() -> ApiError:
    return _refused("Unable to detect language", "LANGUAGE_DETECTION_FAILED")


def unknown_attribute(name: str) -> ApiError:
    return invalid_request(f"Unknown requested attribute: {_shown(name)}")


def unsupported_score_type(score_type: str, attribute: str) -> ApiError:
    return invalid_request(
        f"Requested score type {score_type} is not supported by attribute {_shown(attribute)}"
    )


def html_comment() -> ApiError:
    return invalid_request("Currently, only 'PLAIN_TEXT' comments are supported")


def unknown_text_type() -> ApiError:
    return invalid_request("Unknown text type")


def two_contexts() -> ApiError:
    return invalid_request(
        "Context can have either entries or article_and_parent_comment, but both fields were "
        "populated."
    )


def malformed_suggestion(attribute: str, wrong: str) -> ApiError:
    return invalid_request(f"Malformed scores of attribute {_shown(attribute)}: {wrong}")


def invalid_request(message: str) -> ApiError:
    """Refuse what has no `errorType` of its own."""
    return _refused(message, "INVALID_REQUEST")


# What is wrong with a request's form. Paths are the protocol buffer's: `comment.text`,
# `requested_attributes[0].value.score_threshold`. Google repeats the value; here it may be
# a comment's text, so only its kind is told.


def bad_json(reason: str) -> ApiError:
    return _violation(f"{_PAYLOAD} {reason}")


def no_message() -> ApiError:
    return _violation(f'{_PAYLOAD} Unknown name "": Root element must be a message.')


def unknown_field(name: str, at: str = "") -> ApiError:
    return _violation(f"{_unknown(name)}{_place(at)}: Cannot find field.", at)


def not_repeating(name: str, at: str = "") -> ApiError:
    return _violation(
        f"{_unknown(name)}{_place(at)}: Proto field is not repeating, cannot start list.", at
    )


def set_twice(name: str, at: str = "") -> ApiError:
    return _violation(f'{_PAYLOAD} Field "{_shown(name)}"{_place(at)} is set twice.', at)


def invalid_value(path: str, expected: str, found: object) -> ApiError:
    """Refuse a value; `expected` is a type of protocol buffers."""
    return _violation(f"Invalid value at '{path}' ({expected}), {_kind(found)}", path)


# What is wrong with a query.


def unknown_parameter(name: str) -> ApiError:
    return _violation(
        f"{_unknown(name)}: Cannot bind query parameter. Field '{_shown(name)}' could not be "
        "found in request message."
    )


def invalid_parameter(name: str, expected: str) -> ApiError:
    return _violation(f"Invalid value at '{name}' ({expected})", name)


def invalid_selection(name: str) -> ApiError:
    return _violation(f"Invalid field selection {_shown(name)}".rstrip(), "fields")


def bad_batch(reason: str) -> ApiError:
    return ApiError(f"Failed to parse batch request, error: {reason}")


# Who may ask, and how much.


def key_missing() -> ApiError:
    return _forbidden(
        "Method doesn't allow unregistered callers (callers without established identity). Please "
        "use API Key or other form of API consumer identity to call this API.",
        "CREDENTIALS_MISSING",
    )


def key_invalid() -> ApiError:
    return ApiError(
        "API key not valid. Please pass a valid API key.",
        details=[_error_info("API_KEY_INVALID", service=SERVICE)],
    )


def key_blocked(scope: str) -> ApiError:
    """Refuse a good key that may not do this; the last words say what it lacks."""
    return _forbidden(
        f"Requests to this API {SERVICE} are blocked for this API key: it lacks the scope {scope}.",
        "API_KEY_SERVICE_BLOCKED",
    )


def quota_exceeded(per_minute: int, *, consumer: str, help_url: str) -> ApiError:
    """Refuse for now; `consumer` is the public name of a key, never the key."""
    metric = "Analysis requests (AnalyzeComment)"
    return ApiError(
        f"Quota exceeded for quota metric '{metric}' and limit '{metric} per minute' of service "
        f"'{SERVICE}' for consumer '{consumer}'.",
        code=429,
        status="RESOURCE_EXHAUSTED",
        details=[
            _error_info(
                "RATE_LIMIT_EXCEEDED",
                quota_limit_value=str(per_minute),
                quota_limit="AnalyzeRequestsPerMinutePerProject",
                consumer=consumer,
                service=SERVICE,
                quota_location="global",
                quota_metric="CommentAnalyzerService/analyze_requests",
            ),
            {
                "@type": f"{_TYPES}google.rpc.Help",
                "links": [{"description": "Request a higher quota limit.", "url": help_url}],
            },
        ],
    )


# What is wrong with a place, a way of asking or the service itself.


def not_found() -> ApiError:
    return ApiError("Method not found.", code=404, status="NOT_FOUND")


def method_not_allowed(allowed: str) -> ApiError:
    return ApiError(
        f"This method is not allowed here; expected {allowed}.", code=405, status="UNIMPLEMENTED"
    )


def request_too_large(limit: int) -> ApiError:
    return ApiError(f"Request payload size exceeds the limit: {limit} bytes.", code=413)


def unsupported_media_type() -> ApiError:
    return ApiError("Unsupported content type; expected application/json.", code=415)


def internal() -> ApiError:
    return ApiError("Internal error encountered.", code=500, status="INTERNAL")


def unavailable() -> ApiError:
    return ApiError("The service is currently unavailable.", code=503, status="UNAVAILABLE")


def _refused(message: str, error_type: str, **more: Any) -> ApiError:
    detail = {
        "@type": f"{_TYPES}google.commentanalyzer.v1alpha1.Error",
        "errorType": error_type,
        **more,
    }
    return ApiError(message, details=[detail])


def _violation(description: str, field: str = "") -> ApiError:
    violation = {"field": field, "description": description}
    if not field:
        del violation["field"]
    detail = {"@type": f"{_TYPES}google.rpc.BadRequest", "fieldViolations": [violation]}
    return ApiError(description, details=[detail])


def _forbidden(message: str, reason: str) -> ApiError:
    return ApiError(
        message,
        code=403,
        status="PERMISSION_DENIED",
        details=[_error_info(reason, service=SERVICE)],
    )


def _error_info(reason: str, **metadata: str) -> Details:
    return {
        "@type": f"{_TYPES}google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    }


def _unknown(name: str) -> str:
    return f'{_PAYLOAD} Unknown name "{_shown(name)}"'


def _place(at: str) -> str:
    return f" at '{at}'" if at else ""


def _shown(name: str) -> str:
    """Return as much of a client's name as tells it: it may have put a text there."""
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def _kind(value: object) -> str:
    """
    Return what JSON calls a value, which itself is not repeated.

    >>> [_kind(value) for value in (None, True, 0.5, "warm", [], {})]
    ['null', 'a boolean', 'a number', 'a string', 'a list', 'an object']
    """
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "a string"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")

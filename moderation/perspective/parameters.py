"""The query parameters that every method of the Perspective API takes, and writing its answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from moderation.perspective import errors
from moderation.perspective.discovery import ANALYZE_ANSWER
from moderation.perspective.fields import Selection, read_selection, select

WORDS: Final = "wordContributions"
"""An addition of ours: tell what each word adds to the logit."""

_IGNORED: Final = frozenset(
    {
        "key", "quotaUser", "access_token", "oauth_token", "uploadType", "upload_protocol",
        "$.xgafv",
    }
)  # fmt: skip
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Parameters:
    """How an answer is wanted. The key is not among it: it is looked at before."""

    pretty: bool = True
    selection: Selection | None = None
    words: bool = False


_NOTHING_SAID: Final = Parameters()


def read_parameters(query: Mapping[str, str], *, answer: str | None = ANALYZE_ANSWER) -> Parameters:
    """
    Read a query whose answer is the message of that name; of None (discovery), all is answered.

    Raises:
        ApiError: a parameter that is not known or not served, or a value that it cannot have.

    """
    if not query:
        return _NOTHING_SAID
    pretty, words, selection = True, False, None
    for name, value in query.items():
        if name in _IGNORED:
            continue
        if name == "alt":
            if value != "json":
                raise errors.invalid_request("Only alt=json is served; leave it out.")
        elif name == "prettyPrint":
            pretty = _boolean(name, value)
        elif name == "fields":
            selection = read_selection(value, answer) if answer and value else None
        elif name == "callback":
            raise errors.invalid_request(
                "callback is not served: any page could read the answers; leave it out."
            )
        elif name == WORDS and answer == ANALYZE_ANSWER:
            words = _boolean(name, value)
        else:
            raise errors.unknown_parameter(name)
    return Parameters(pretty, selection, words)


def write_json(body: Mapping[str, Any], *, pretty: bool = True) -> bytes:
    """Return a body as UTF-8, indented by two, or on one line."""
    written = _ENCODER.encode(body)
    return msgspec.json.format(written, indent=2) + b"\n" if pretty else written


def write_answer(body: Mapping[str, Any], parameters: Parameters) -> bytes:
    """Return an answer as its parameters want it; errors are written whole, by `write_json`."""
    if parameters.selection is not None:
        body = select(body, parameters.selection)
    return write_json(body, pretty=parameters.pretty)


def _boolean(name: str, value: str) -> bool:
    wanted = _BOOLEANS.get(value)
    if wanted is None:
        raise errors.invalid_parameter(name, "TYPE_BOOL")
    return wanted

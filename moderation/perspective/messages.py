"""Messages of protocol buffers in JSON: how their fields are spelled, and values of each type."""

import math
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from moderation.perspective import errors
from moderation.perspective.errors import ApiError

MESSAGES: Final = "type.googleapis.com/google.commentanalyzer.v1alpha1."
MOST_INT32: Final = 2**31 - 1

_BOM: Final = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLACE = re.compile(r"\(byte ([0-9]+)\)")
_DECODER = msgspec.json.Decoder()

Fields = Mapping[str, Any]
"""What is set of a message, by the names of its protocol buffer."""


def spell_both(*names: str) -> dict[str, str]:
    """
    Return both spellings of each name, as a message's JSON may have them.

    >>> spell_both("score_type")
    {'score_type': 'score_type', 'scoreType': 'score_type'}
    """
    both = {}
    for name in names:
        first, *rest = name.split("_")
        both[name] = both["".join([first, *(part.capitalize() for part in rest)])] = name
    return both


def decode_message(body: bytes) -> dict[str, Any]:
    """
    Return the message that a body is; no body, and null, is one without fields.

    A byte order mark is not read. Of equal names the last counts.

    Raises:
        ApiError: it is no JSON in UTF-8, or no message.

    """
    body = body.removeprefix(_BOM)
    # msgspec's errors and those of decoding are ValueErrors. They are not chained: those of
    # decoding hold the whole body, and a log would show it.
    try:
        value = _DECODER.decode(body)
    except (ValueError, RecursionError) as error:
        reason = _reason(error)
    else:
        if isinstance(value, dict):
            return value
        if value is None:
            return {}
        raise errors.no_message()
    if not body.strip():
        return {}
    raise errors.bad_json(reason)


def read_fields(value: Any, names: Mapping[str, str], *, at: str, kind: str) -> dict[str, Any]:
    """Return what is set of a message; a message that is not there has nothing set."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_value(value, at, MESSAGES + kind)
    found: dict[str, Any] = {}
    for spelling, item in value.items():
        name = names.get(spelling)
        if name is None:
            raise errors.unknown_field(spelling, at)
        if item is None:
            continue
        if name in found:
            raise errors.set_twice(name, at)
        found[name] = item
    return found


def read_map(value: Any, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_value(value, name, "a map")
    return value


def read_string(fields: Fields, name: str, *, at: str = "") -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise wrong_value(value, f"{at}.{name}" if at else name, "TYPE_STRING")


def read_boolean(fields: Fields, name: str) -> bool:
    value = fields.get(name, False)
    if isinstance(value, bool):
        return value
    raise wrong_value(value, name, "TYPE_BOOL")


def read_number(value: Any, *, at: str) -> float:
    """Return a finite number; protocol buffers would also take "NaN", of which no score is."""
    number = math.nan
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = float(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    if abs(number) <= sys.float_info.max:
        return float(number)
    raise wrong_value(value, at, "TYPE_FLOAT")


def read_integer(value: Any, *, at: str) -> int:
    number = value if isinstance(value, list) else read_number(value, at=at)
    if isinstance(number, float) and number.is_integer() and abs(number) <= MOST_INT32:
        return int(number)
    raise wrong_value(value, at, "TYPE_INT32")


def wrong_value(value: Any, path: str, expected: str) -> ApiError:
    if isinstance(value, list):
        at, _, name = path.rpartition(".")
        return errors.not_repeating(name, at)
    return errors.invalid_value(path, expected, value)


def _reason(error: Exception) -> str:
    """Return what is wrong with JSON, as Google says it; msgspec's words hold nothing of it."""
    if isinstance(error, UnicodeDecodeError):
        return "Expected UTF-8."
    if isinstance(error, RecursionError):
        return "Nested too deeply."
    if "truncated" in str(error):
        return "Unexpected end of string."
    place = _PLACE.search(str(error))
    return f"Unexpected token near byte {place[1]}." if place else f"{error}."

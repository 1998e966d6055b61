"""`Limits`: how much of one input is taken before it is refused, and the refusals."""

from dataclasses import dataclass

from moderation.errors import ParseError, SourceError

RATIO_FROM = 1 << 24
"""Bytes unpacked from which the ratio counts: a few lines pack to nothing without any malice."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What protects the machine from files made to exhaust it; real exports stay far below."""

    size: int = 1 << 40
    """Bytes of one input, unpacked: a month of the largest public dumps is a third of it."""
    ratio: int = 1000
    """Bytes unpacked for each packed one, from `RATIO_FROM` on."""
    depth: int = 200
    """Levels of nesting in JSON, and in the records of XML, whose parser has limits of its own."""
    entities: int = 0
    """Entities that an XML file may declare; exports declare none. None is ever fetched."""
    seconds: float = 6 * 3600.0
    """Spent on one input, looked at between comments."""
    members: int = 1_000_000
    """Files or records in one archive."""

    def too_large(self, name: str) -> SourceError:
        """Return the refusal of an input that is larger than it may be, unpacked."""
        return SourceError(
            f"{name}: more than {self.size} bytes unpacked; if that is right, raise --max-size"
        )

    def too_dense(self, name: str) -> SourceError:
        """Return the refusal of what unpacks to so much that it is made to fill the machine."""
        return SourceError(
            f"{name}: unpacks to more than {self.ratio} times its size, as no export does; "
            "if that is right, raise --max-ratio"
        )

    def too_deep(self) -> ParseError:
        """Return the refusal of JSON or XML that nests too deeply; who calls names the input."""
        return ParseError(
            f"nested more than {self.depth} levels deep; if that is right, raise --max-depth"
        )

    def too_many_entities(self) -> ParseError:
        """Return the refusal of XML that declares entities; who calls names the input."""
        return ParseError(
            f"declares more than {self.entities} entities, as no export does; "
            "if that is right, raise --max-entities"
        )

    def too_slow(self) -> ParseError:
        """Return the refusal of an input that takes too long; who calls names it."""
        return ParseError(
            f"not read in {self.seconds:g} seconds; if that is right, raise --max-seconds"
        )

    def too_many(self) -> ParseError:
        """Return the refusal of an archive of too many members; who calls names it."""
        return ParseError(
            f"more than {self.members} files or records in it; if that is right, "
            "raise --max-members"
        )


DEFAULT_LIMITS = Limits()


def is_deeper(value: object, depth: int) -> bool:
    """
    Tell whether decoded JSON has objects and arrays within each other on more levels than these.

    >>> is_deeper({"a": [1, {}]}, 3), is_deeper({"a": [1, {}]}, 2)
    (False, True)
    """
    level: list[object] = [value]
    for _ in range(depth + 1):
        outer = [one for one in level if isinstance(one, dict | list)]
        if not outer:
            return False
        level = [
            inner for one in outer for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return True

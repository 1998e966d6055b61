"""The sentences of a text, and places in it as JavaScript and Java count them."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from moderation.text import Span

# Classes after Unicode Standard Annex #29, "Unicode Text Segmentation", section 5, of the scripts
# in use. An ellipsis ends a sentence as full stops do.
_SOFT: Final = ".…․﹒．"
_HARD: Final = "!?‼‽⁇⁈⁉\u037e՜՞։؝؞؟۔܀܁܂߹।॥၊။።፧፨។៕᠃᠉᭚᭛᱾᱿꓿꘎꘏꛳꛷꡶꡷꣎꣏"
_WIDE: Final = "。！？｡︒︕︖﹖﹗"
"""Ends of sentences in scripts that write no space after them."""
_CLOSING: Final = "\"'”’»«›‹)\\]}」』】〉》〕）］｝﹂﹄*_~"
_SYMBOLS: Final = "\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d\U000e0020-\U000e007f"
"""Emoji right after the end belong to the sentence, like closing quotation marks."""
_GOES_ON: Final = ",:;\\-–—、，：；﹐﹑﹕﹘﹣－､՝،؍߸᠂᠈"

_LINE = re.compile("[^\n\r\v\f\x85\u2028\u2029]+")
_END = re.compile(f"[{_SOFT}{_HARD}{_WIDE}]+[{_CLOSING}{_SYMBOLS}]*")
_WIDE_END = re.compile(f"[{_WIDE}]")
_HARD_END = re.compile(f"[{_HARD}{_WIDE}]")
_CONTINUED = re.compile(rf"\s*[{_GOES_ON}{_SOFT}{_HARD}{_WIDE}]")
_FIRST_LETTER = re.compile(rf"[^\w{_SOFT}{_HARD}{_WIDE}]*(?:[\d_][^\w{_SOFT}{_HARD}{_WIDE}]*)*(\w)")
_LAST_WORD = re.compile(r"(?:^|[^\w.])((?:\w{1,12}\.){0,4}\w{1,12})$")

MOST_SENTENCES: Final = 1_000
"""What is left after so many is one sentence: a mark each would make answers a thousand times as
long as the texts."""
_LOOKED_BACK: Final = 24  # characters: enough for the longest that is an abbreviation
_ABBREVIATIONS: Final = frozenset(
    {
        "mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "mt", "rev", "hon", "gen", "col", "lt",
        "capt", "cpl", "sgt", "maj", "cmdr", "adm", "gov", "sen", "rep", "pres", "vs", "cf",
        "approx", "dept", "sra", "srta", "dra", "nr", "hr", "frl", "bzw", "ca", "evtl", "ggf",
        "inkl",
    }
)  # fmt: skip
"""Of words that no sentence ends with: "no" and "etc" are none of them."""


def find_sentences(text: str) -> list[Span]:
    """
    Return the sentences of a text, in characters, without the white space around them.

    The rules are those of UAX #29, with less cut: a line is ended by its end; in it a sentence is
    ended by marks that white space follows (none is needed after 。！？), not by full stops
    before a small letter, in initials and after a few abbreviations, nor inside addresses. Every
    character that is no white space is in one sentence.

    >>> text = "Is the ferry late? No, it is here."
    >>> [text[span.begin : span.end] for span in find_sentences(text)]
    ['Is the ferry late?', 'No, it is here.']
    """
    spans = (
        span
        for line in _LINE.finditer(text)
        for span in _split_line(text, line.start(), line.end())
    )
    found = list(itertools.islice(spans, MOST_SENTENCES))
    if len(found) == MOST_SENTENCES:
        found[-1:] = _strip(text, found[-1].begin, len(text))
    return found


def to_utf16(text: str, places: Sequence[int]) -> list[int]:
    """
    Return places in a text, ascending, in UTF-16 code units instead of characters.

    A character above U+FFFF counts two; a lone surrogate counts one.

    >>> to_utf16("\N{SAILBOAT} \N{CANOE} on", [0, 1, 3, 6])
    [0, 1, 4, 7]
    """
    if text.isascii() or len(_encode(text)) == 2 * len(text):
        return list(places)
    found, at, units = [], 0, 0
    for place in places:
        units += len(_encode(text[at:place])) // 2
        found.append(units)
        at = place
    return found


def _encode(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _split_line(text: str, begin: int, end: int) -> Iterator[Span]:
    for mark in _END.finditer(text, begin, end):
        if _ends_sentence(text, mark, begin, end):
            yield from _strip(text, begin, mark.end())
            begin = mark.end()
    yield from _strip(text, begin, end)


def _ends_sentence(text: str, mark: re.Match[str], begin: int, end: int) -> bool:
    """Tell whether a sentence that began at `begin` in a line up to `end` ends with these marks."""
    after, wide = mark.end(), _WIDE_END.search(mark.group())
    if after == end or (not wide and not text[after].isspace()):
        return False
    if _CONTINUED.match(text, after, end):
        return False
    if _HARD_END.search(mark.group()):
        return True
    following = _FIRST_LETTER.match(text, after, end)
    if following and following[1].islower():
        return False
    return not _is_abbreviation(text[max(begin, mark.start() - _LOOKED_BACK) : mark.start()])


def _is_abbreviation(before: str) -> bool:
    """
    Tell whether the last word before a full stop is cut short, or the number of a list's item.

    >>> [_is_abbreviation(text) for text in ("Ask Dr", "by J", "in the U.S", "So do I", "1", "on")]
    [True, True, True, False, True, False]
    """
    last = _LAST_WORD.search(before)
    if last is None:
        return False
    word = last[1]
    if word.isdigit():
        return word == before.strip()
    letters = word.split(".")
    if all(len(letter) == 1 and letter.lower() != letter.upper() for letter in letters):
        return word != "I"
    return word.lower() in _ABBREVIATIONS


def _strip(text: str, begin: int, end: int) -> Iterator[Span]:
    """Yield the span without white space around it, if anything is left."""
    piece = text[begin:end]
    stripped = piece.lstrip()
    if stripped:
        begin += len(piece) - len(stripped)
        yield Span(begin, begin + len(stripped.rstrip()))

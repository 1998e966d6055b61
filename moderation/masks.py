"""
Sees through masked spellings: what a reader wrote so that no filter finds it, and the plain words.

A masked token keeps its place; its plain form is put behind it as a token of its own, so that it is
evidence beside what was written and never instead of it. Letters in disguise (invisible characters,
marks upon letters, full-width and mathematical letters, look-alikes of other scripts, HTML
entities) are undone wherever they stand: nobody writes so in earnest. What honest text has as well
(digits and signs among letters, letters apart, stretched letters, asterisks, accents, I for l) is
undone only where it gives a word worth masking: one that stands in removed comments above all.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation import kernels
from moderation.buffers import Texts, decode, read_texts

SHORTEST_WORD = 3
"""Letters of a word worth masking; of two letters there are too many by chance."""
CERTAIN = 1.0
"""What a word must be worth (see `Masks.learn`) that is read where others fit as well."""
CONFIDENCE = 1.96
"""Standard deviations by which less is believed than was counted."""
FEWEST = 3
"""Removed comments that hold a word worth masking."""
MOST_REMEMBERED = 1 << 17
"""Spellings whose plain form is remembered before all are forgotten."""

LOOKALIKES = {
    **dict(zip("авсеһіјкӏмнорԛѕтуѵԝхԁьпигя", "abcehijklmhopqstyvwxdbnurr", strict=True)),
    **dict(zip("АВСЕНІЈКМОРЅТУХҮԌ", "ABCEHIJKMOPSTYXYG", strict=True)),
    **dict(zip("αβεηικνορτυχγωϲϳ", "abenikvoptuxywcj", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ", "ABEZHIKMNOPTYXCJ", strict=True)),
    **dict(zip("սոօցհգ", "unoghq", strict=True)),
    **dict(zip("ɑɡıǀℓ", "agill", strict=True)),
}
"""Cyrillic, Greek, Armenian and other letters, and the Latin ones they are taken for."""
STANDS_FOR = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b",
    "9": "g", "@": "a", "$": "s", "!": "il", "|": "il", "+": "t", "€": "e", "¢": "c", "£": "l",
    "I": "l", "l": "i",
}  # fmt: skip
"""Digits, signs and swapped letters, and what each may stand for."""
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that show nothing."""

VOWELS = frozenset("aeiou")
LONGER = 3
"""How many times as long as it was a text can become: nothing is put in that is longer than what
it was read from, of three bytes or more, and a space."""
MOST_RUNS = 4
"""Letters of a word that are stretched."""
MOST_APART = 30
"""Letters apart that are read as words."""
LONGEST_APART = 16
"""Letters of one of these words."""
LONGEST_REMEMBERED = 256
"""Bytes of a spelling that is remembered."""
LONGEST_CODE = 4
"""Capitals with digits that are no longer than this are names of things."""
DIGITS = "0123456789"
_TIME = re.compile(r"\d\d?[hH]\d\d")
"""A quarter past five, as French clocks say it."""
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\b")

_FOLD = str.maketrans({**{sign: letters[0] for sign, letters in STANDS_FOR.items()}, "I": "i"})
_NAMED = re.compile(
    r"(?:NEGATIVE |CROSSED )?(?:CIRCLED |SQUARED )?LATIN (CAPITAL|SMALL|LETTER SMALL CAPITAL) "
    r"(?:LETTER )?([A-Z])"
)
_ACCENTED = re.compile(r"LATIN (?:SMALL|CAPITAL) LETTER ([A-Z]) WITH .+")
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);")
_MARKS = ("Mn", "Me")
_LATIN = re.compile(
    "[A-Za-z\u0250-\u02af\u1d00-\u1d7f\u2100-\u214f\u24b6-\u24e9\ua730-\ua7ff\uff21-\uff5a"
    "\U0001d400-\U0001d6a5\U0001f110-\U0001f189]"
)
"""Letters that are Latin, whatever they look like."""
_DOUBLES = re.compile("[асеорхуѕіјһԁԛԝАВСЕНІЈКМОРЅТУХαοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]{3,}")
"""Letters that cannot be told from Latin ones, though none is Latin."""
_LITTLE_WORDS = {
    "a", "i", "u", "am", "an", "as", "at", "be", "by", "do", "go", "he", "if", "in", "is", "it",
    "me", "my", "no", "of", "on", "or", "so", "to", "up", "us", "we",
}  # fmt: skip
_WORDS = re.compile(r"\w\w+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_RUN = re.compile(r"(.)\1{2,}", re.DOTALL)
_APART = re.compile(r"[^\w@$!|+€¢£]+|_+")
_EDGES = re.compile(r"^[^\w@$!|+€¢£]+|[^\w$*]+$|_+$")
_EDGES_BEHIND_SIGNS = re.compile(r"^[^\w@$!|+€¢£]+|[^\w$*!|+€]+$|_+$")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Insertion:
    """What was seen through: `[begin, end)` in bytes of a buffer, and what it says in plain."""

    begin: int
    end: int
    plain: bytes


class Masks:
    """
    Words worth masking, and what finds them behind their masks.

    Called with a text, it returns what a vectoriser of scikit-learn takes for preprocessed: lower
    case, plain forms put behind what they were read from.
    """

    def __init__(self, worth: Mapping[str, float] | None = None) -> None:
        """Take words, each with what it is worth (see `learn`)."""
        self.__setstate__({"worth": dict(worth or {})})

    @classmethod
    def learn(
        cls,
        terms: Sequence[str],
        held: Any,
        labels: NDArray[Any],
        *,
        known: "Masks | None" = None,
    ) -> "Masks":
        """
        Return the words that stand in comments labelled 1 more than in those labelled 0.

        `held` (comments, terms) is sparse, not 0 where a comment holds a term; of the terms, the
        words of three letters or more count. What a word is worth is the lower end of the 95%
        interval of the logarithm of its odds ratio (Woolf 1955). Words `known` from elsewhere are
        added.
        """
        present = held.astype(bool).astype(np.float64)
        removed = np.asarray(present.T @ labels, dtype=np.float64)
        kept = np.asarray(present.T @ (1 - labels), dtype=np.float64)
        of = (float(labels.sum()), float((1 - labels).sum()))
        return cls.weigh(terms, removed, kept, of=of, known=known)

    @classmethod
    def weigh(
        cls,
        terms: Sequence[str],
        removed: Floats,
        kept: Floats,
        *,
        of: tuple[float, float],
        known: "Masks | None" = None,
    ) -> "Masks":
        """
        Return what `learn` does, from how many comments hold each term, (terms,).

        Apart for those labelled 1 and 0, `of` whom there are so many.
        """
        values = _least_log_odds_ratio(removed, kept, of)
        worth = {
            terms[k]: round(float(values[k]), 2)
            for k in np.flatnonzero((values > 0) & (removed >= FEWEST)).tolist()
            if _WORD.fullmatch(terms[k])
        }
        for word, value in (known.worth if known else {}).items():
            worth[word] = max(value, worth.get(word, value))
        return cls(worth)

    def __call__(self, text: str) -> str:
        return decode(self.unmask(read_texts([text])).data.tobytes()).lower()

    def __getstate__(self) -> dict[str, Any]:
        return {"worth": self.worth}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        worth: dict[str, float] = state["worth"]
        if not all(type(word) is str and type(value) is float for word, value in worth.items()):
            raise TypeError("expected words, each with what it is worth")
        self.worth = worth
        self._remembered: dict[bytes, bytes] = {}

    def unmask(self, texts: Texts) -> Texts:
        """Return texts with plain forms put behind what is masked; the same where nothing is."""
        return insert(texts, self.find(texts))

    def find(self, texts: Texts) -> list[Insertion]:
        """Return what is masked in texts, in order, and what it says."""
        spans = np.empty((texts.size // 2 + 1, 2), dtype=np.int64)
        number = kernels.find_masked(texts.data, texts.offsets, spans)
        if not number:
            return []
        first, remembered = int(texts.offsets[0]), self._remembered
        data = texts.data[first : int(texts.offsets[-1])].tobytes()
        found = []
        for begin, end in spans[:number].tolist():
            written = data[begin - first : end - first]
            plain = remembered.get(written)
            if plain is None:
                plain = self._remember(written)
            if plain:
                found.append(Insertion(begin, end, plain))
        return found

    def plain(self, written: str) -> str:
        """
        Return what a token says, or letters with spaces between; "" if it says no more than before.

        >>> masks = Masks({"example": 5.0})
        >>> masks.plain("ex@mp1e"), masks.plain("e x a m p l e"), masks.plain("exam")
        ('example', 'example', '')
        """
        if " " in written:
            return self._join(_EDGES.sub("", written).split(" "))
        shown = undisguise(written)
        known = set(_WORDS.findall(written.lower()))
        word = self._word_behind(shown) if len(shown) <= kernels.TOKEN else ""
        if word and word not in known:
            return word
        # Without any Latin letter it may be a word of another language that looks like one of ours.
        disguised = set(_WORDS.findall(shown.lower())) - known and not _DOUBLES.fullmatch(written)
        return shown.lower() if disguised else ""

    def _remember(self, written: bytes) -> bytes:
        """Work out what something says; nothing, where that would be longer than what it was."""
        spelled = " ".join(decode(written).split())
        plain = self.plain(spelled).encode("utf-8", "surrogatepass")
        if len(plain) > len(written):
            plain = b""
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        if len(written) <= LONGEST_REMEMBERED:
            self._remembered[written] = plain
        return plain

    def _word_behind(self, shown: str) -> str:
        """Return the word worth masking that a token is with or without its edges, or ""."""
        if _COLOUR.match(shown):
            return ""
        bare = _EDGES.sub("", shown)
        pieces = [piece for piece in _APART.split(bare) if piece]
        forms = [bare, _EDGES_BEHIND_SIGNS.sub("", shown)]
        if len(pieces) > 2 and all(len(piece) == 1 for piece in pieces):
            joined = self._join(pieces)
        elif len(pieces) > 1 and not all(map(_has_vowel, pieces)):
            joined = self._match_squeezed("".join(pieces))
        else:
            joined = ""
        return joined or next(filter(None, map(self._match_squeezed, dict.fromkeys(forms))), "")

    def _match_squeezed(self, form: str) -> str:
        return next(filter(None, map(self._match, squeeze(form))), "")

    def _match(self, form: str) -> str:
        """Return the word worth masking that a form may be read as, the worthiest of several."""
        lower = form.lower()
        if len(form) < SHORTEST_WORD:
            return ""
        if lower in self.worth:
            return lower
        if (
            not (form.isascii() or _is_name(form))
            and (bare := _without_accents(lower)) in self.worth
        ):
            return bare
        if "*" in form:
            return self._fit(form)
        least = _least_worth(form)
        for word in self._by_shape.get(lower.translate(_FOLD), ()):
            if self.worth[word] >= least and _reads(form, word):
                return word
        return ""

    def _fit(self, form: str) -> str:
        """Return the word that asterisks hide, with vowels under them if there is one."""
        shown, hidden = form.rstrip("*"), form.count("*")
        if len(form) - hidden < 2 or ("*" not in shown and hidden < 2):
            return ""  # one letter says too little; a star behind a word is a footnote
        least = CERTAIN if len(form) <= LONGEST_CODE or len(form) - hidden < SHORTEST_WORD else 0.0
        fitting = [
            word
            for word in self._by_length.get((form[0].lower().translate(_FOLD), len(form)), ())
            if self.worth[word] >= least and _reads(form, word)
        ]
        return max(fitting, key=lambda word: _vowels_hidden(form, word), default="")

    def _join(self, pieces: Sequence[str]) -> str:
        """Return the words that letters apart make, if all of them belong to words."""
        letters = "".join(pieces)
        capitals = sum(letter.isupper() for letter in letters)
        if len(letters) > MOST_APART or capitals == SHORTEST_WORD:
            return ""  # three capitals are an abbreviation
        best: list[list[str] | None] = [[]]
        for end in range(1, len(letters) + 1):
            ways = []
            for begin in range(max(0, end - LONGEST_APART), end):
                before, word = best[begin], self._piece(letters[begin:end])
                if before is not None and word:
                    ways.append([*before, word])
            best.append(min(ways, key=len, default=None))
        words = [word for word in best[-1] or () if len(word) >= SHORTEST_WORD]
        return " ".join(words)

    def _piece(self, letters: str) -> str:
        return letters.lower() if letters.lower() in _LITTLE_WORDS else self._match(letters)

    @cached_property
    def _by_shape(self) -> dict[str, list[str]]:
        """The words that look alike, worthiest first."""
        return _group(self.worth, lambda word: word.translate(_FOLD))

    @cached_property
    def _by_length(self) -> dict[tuple[str, int], list[str]]:
        """The words by first letter and length, worthiest first."""
        return _group(self.worth, lambda word: (word[0].translate(_FOLD), len(word)))


def insert(texts: Texts, found: Sequence[Insertion]) -> Texts:
    """Return texts with plain forms put behind what they were read from; the same without any."""
    if not found:
        return texts
    data, at = texts.data.data, int(texts.offsets[0])
    pieces: list[bytes | memoryview] = []
    for insertion in found:
        pieces += [data[at : insertion.end], b" ", insertion.plain]
        at = insertion.end
    pieces.append(data[at : int(texts.offsets[-1])])
    grown = np.cumsum([0, *(1 + len(insertion.plain) for insertion in found)])
    before = np.searchsorted([insertion.end for insertion in found], texts.offsets, "right")
    offsets = texts.offsets - texts.offsets[0] + grown[before]
    return Texts(np.frombuffer(b"".join(pieces), dtype=np.uint8), offsets)


def undisguise(written: str) -> str:
    """
    Return a token as it shows: entities read, letters in disguise as the letters they are.

    Where it holds no Latin letter, and for letters that are no others' double, it stays the same.

    >>> undisguise("e\u200bx&#97;m\u0301p\uff4c\u0435")
    'example'
    """
    text = written
    for _ in range(2):  # some sites escape what is escaped
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    if text.isascii() or not (_LATIN.search(text) or _DOUBLES.fullmatch(text)):
        return text
    marked = any(unicodedata.category(letter) in _MARKS for letter in text)
    if marked:
        text = unicodedata.normalize("NFD", text)
    shown = "".join(map(_shape, text))
    doubles = "".join(LOOKALIKES.get(letter, letter) for letter in shown)
    return shown if any(map(_is_foreign, doubles)) else doubles


def squeeze(form: str) -> Iterator[str]:
    """
    Yield a form, then with letters that come three times or more written once and twice.

    >>> list(squeeze("boook"))
    ['boook', 'book', 'bok']
    """
    yield form
    runs = list(_RUN.finditer(form))
    if not runs or len(runs) > MOST_RUNS:
        return
    for lengths in product((2, 1), repeat=len(runs)):
        pieces, at = [], 0
        for run, length in zip(runs, lengths, strict=True):
            pieces += [form[at : run.start()], run[1] * length]
            at = run.end()
        yield "".join(pieces) + form[at:]


def _least_log_odds_ratio(removed: Floats, kept: Floats, of: tuple[float, float]) -> Floats:
    """Return the lower end of the interval, half a comment added everywhere (Haldane 1956)."""
    cells = [removed, of[0] - removed, kept, of[1] - kept]
    with_half = [cell + 0.5 for cell in cells]
    ratio = np.log(with_half[0] / with_half[1]) - np.log(with_half[2] / with_half[3])
    deviation = np.sqrt(sum(1 / cell for cell in with_half))
    return np.asarray(ratio - CONFIDENCE * deviation)


def _group(worth: Mapping[str, float], key: Callable[[str], Any]) -> dict[Any, list[str]]:
    groups: dict[Any, list[str]] = {}
    for word in sorted(worth, key=lambda word: (-worth[word], word)):
        groups.setdefault(key(word), []).append(word)
    return groups


def _reads(form: str, word: str) -> bool:
    """Whether each sign of a form may stand for the letter of the word at its place."""
    return len(form) == len(word) and all(
        sign in ("*", letter) or sign.lower() == letter or letter in STANDS_FOR.get(sign, "")
        for sign, letter in zip(form, word, strict=True)
    )


def _vowels_hidden(form: str, word: str) -> bool:
    return all(letter in VOWELS for sign, letter in zip(form, word, strict=True) if sign == "*")


def _least_worth(form: str) -> float:
    """Return what a word must be worth to be read in a form that may be a number or a name."""
    digits = sum(sign.isdigit() for sign in form)
    if not digits:
        return 0.0
    letters, short = sum(sign.isalpha() for sign in form), len(form) <= LONGEST_CODE
    unit = form.lstrip(DIGITS).isalpha() and digits > 1
    numbered = digits > letters and len(form) == SHORTEST_WORD
    if not letters or unit or numbered or (short and form == form.upper()):
        return np.inf
    if _TIME.fullmatch(form):
        return np.inf
    behind = form.rstrip(DIGITS).isalpha()
    return CERTAIN if behind or (short and digits > letters) else 0.0


def _is_name(form: str) -> bool:
    """Whether a form is written as names of people and places are, one letter with an accent."""
    return form.istitle() and sum(not letter.isascii() for letter in form) == 1


def _has_vowel(piece: str) -> bool:
    return len(piece) > 1 and not VOWELS.isdisjoint(piece.lower())


@cache
def _shape(letter: str) -> str:
    """Return the Latin letters that a character is a variant of, or itself, or "" if unseen."""
    kind = unicodedata.category(letter)
    if kind in _MARKS or kind in ("Cf", "Cc") or letter in BLANKS:
        return ""
    plain = unicodedata.normalize("NFKC", letter)
    if kind[0] in "LNS" and kind != "No" and plain.isascii() and plain.isalnum():
        return plain
    named = _NAMED.fullmatch(unicodedata.name(letter, ""))
    if named is None:
        return letter
    return named[2] if named[1] == "CAPITAL" else named[2].lower()


@cache
def _without_accent(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    named = _ACCENTED.fullmatch(unicodedata.name(letter, ""))
    return base if base.isascii() else named[1].lower() if named else letter


def _without_accents(text: str) -> str:
    return "".join(map(_without_accent, text))


@cache
def _is_foreign(letter: str) -> bool:
    """Whether a character is a letter of another script than Latin."""
    return letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN")

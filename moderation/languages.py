"""Tells the language that a text is written in, or that it cannot be told."""

import random
import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from moderation.errors import MissingPackage
from moderation.kernels import tell_language

UNDETERMINED: Final = "und"
"""ISO 639's code for a language that cannot be told."""

SURE: Final = 0.5
"""
The confidence from which on a language is told.

Of 4,000 English comments (c3_news) and as many German ones (standard_de), cut to lengths:

| characters | English right | wrong | und   | German right | wrong | und   |
|-----------:|--------------:|------:|------:|-------------:|------:|------:|
|          5 |          0.0% |  0.0% | 100%  |         6.1% |  0.2% | 93.7% |
|         10 |         10.7% |  0.2% | 89.1% |        18.8% |  0.5% | 80.8% |
|         20 |         46.8% |  0.4% | 52.8% |        66.1% |  0.7% | 33.1% |
|         40 |         88.5% |  0.2% | 11.3% |        93.7% |  0.3% |  6.0% |
|         80 |         99.1% |  0.1% |  0.8% |        98.1% |  0.3% |  1.6% |
|        all |         98.1% |  0.1% |  1.8% |        94.4% |  0.4% |  5.2% |

At 0.3 twice to four times as many short texts are told wrongly; at 0.7 half as many, and of those
with 40 characters twice as many are "und". Without any limit 17% of 20 characters and 83% of 5 are
wrong in English.
"""

LOOKED_AT: Final = 300
"""Characters of a text that are looked at: the whole would take longer and tell no more."""

SAMPLE: Final = 2000
"""Texts that are enough to tell the languages of all: of a share of 2%, give or take 0.6%."""
RARE: Final = 0.01
"""The share of texts below which a language may be a few that were told wrongly."""

_NO_WORDS = "zxx"  # what the model was taught for code, numbers and the like


def detect_languages(texts: Sequence[str]) -> list[str]:
    """
    Return the language of each text: ISO 639-1, or 639-3 where that has none; "und" if unsure.

    Short texts are "und" rather than guessed: "ok" is said everywhere. The model is py3langid's
    (after Lui and Baldwin, "langid.py: An off-the-shelf language identification tool", 2012).

    Raises:
        MissingPackage: py3langid is not installed.

    """
    detector = _load_detector()
    found = (detector.tell(text[:LOOKED_AT]) for text in texts)
    return [
        UNDETERMINED if sure < SURE or language == _NO_WORDS else language
        for language, sure in found
    ]


def share_languages(texts: Sequence[str], *, seed: int) -> dict[str, float]:
    """
    Return the languages of texts with their shares, of a sample where there are many.

    The most frequent comes first; "und" is among them; those that are rare are left out.

    Raises:
        MissingPackage: py3langid is not installed.

    """
    sample = random.Random(seed).sample(texts, min(SAMPLE, len(texts)))
    counts = Counter(detect_languages(sample)).items()
    return {
        language: count / len(sample)
        for language, count in sorted(counts, key=_frequent_first)
        if count >= RARE * len(sample)
    }


def _frequent_first(counted: tuple[str, int]) -> tuple[int, str]:
    language, count = counted
    return -count, language


def check_installed() -> None:
    """
    Refuse now what `detect_languages` would refuse after other work.

    Raises:
        MissingPackage: py3langid is not installed.

    """
    _load_detector()


class _Detector:
    """py3langid's model, run by a compiled loop: ten times as fast as its own, the same answers."""

    def __init__(self, identifier: Any) -> None:
        """Take a `LanguageIdentifier`."""
        self.languages: list[str] = identifier.nb_classes
        first = {name: place for place, name in reversed(list(enumerate(self.languages)))}
        twice = [(first[name], place) for place, name in enumerate(self.languages)]
        self._run = partial(
            tell_language,
            np.frombuffer(identifier.tk_nextmove, dtype=np.uint32),
            np.asarray(identifier.tk_row, dtype=np.int64) << 8,
            np.asarray(identifier.tk_output, dtype=np.int32),
            np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32),
            np.asarray(identifier.nb_pc, dtype=np.float32),
            np.array([pair for pair in twice if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2),
        )
        self._shape = identifier.nb_ptc.shape
        self._memory = threading.local()

    def tell(self, text: str) -> tuple[str, float]:
        """Return the likeliest language of a text, and how sure that is."""
        if text.isupper():
            text = text.lower()
        written = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
        data = np.frombuffer(written, dtype=np.uint8)
        counts, found, scores = self._borrow(len(data))
        best, sure = self._run(data, counts, found, scores)
        return (self.languages[best], float(sure)) if best >= 0 else (UNDETERMINED, 0.0)

    def _borrow(self, size: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return this thread's room to work in, for texts of so many bytes."""
        room = getattr(self._memory, "room", None)
        if room is None or len(room[1]) < size:
            features, languages = self._shape
            room = (
                np.zeros(features, dtype=np.uint32),
                np.empty(max(size, 4 * LOOKED_AT), dtype=np.int32),
                np.empty(languages, dtype=np.float32),
            )
            self._memory.room = room
        return room


@lru_cache(maxsize=1)
def _load_detector() -> _Detector:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MissingPackage(
            "telling languages needs py3langid: pip install 'moderation[languages]'"
        ) from error
    return _Detector(LanguageIdentifier.from_model_file(MODEL_FILE))

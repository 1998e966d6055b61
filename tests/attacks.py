"""Ways in which readers mask a word so that a filter does not find it; all leave it legible."""

import random
import re
import unicodedata
from collections.abc import Callable, Mapping

CYRILLIC = dict(zip("aceiopsxyhj", "асеіорѕхуһј", strict=True))
GREEK = dict(zip("aeiouvxkp", "αειουνχκρ", strict=True))
DIGITS = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7", "b": "8", "g": "9"}
SIGNS = {"a": "@", "s": "$", "i": "!", "l": "|", "e": "€", "t": "+"}
VOWELS = "aeiou"
LETTERS = re.compile(r"[A-Za-z]{3,}")

Attack = Callable[[str, random.Random], str]


def _swap(table: Mapping[str, str]) -> Attack:
    return lambda word, _: "".join(table.get(letter.lower(), letter) for letter in word)


def _put_between(separator: str) -> Attack:
    return lambda word, _: separator.join(word)


def _shift(capital: int, small: int) -> Attack:
    """Move letters to where Unicode keeps another form of the alphabet."""

    def attack(word: str, _: random.Random) -> str:
        return "".join(
            chr(ord(letter) + (capital - 65 if letter.isupper() else small - 97)) for letter in word
        )

    return attack


def invisible_inside(word: str, random: random.Random) -> str:
    """Put one character that shows nothing somewhere between two letters."""
    at = random.randrange(1, len(word))
    return word[:at] + random.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad") + word[at:]


def marks_above(word: str, random: random.Random) -> str:
    """Put marks upon each letter."""
    return "".join(letter + random.choice("\u0300\u0308\u030a\u0323\u0336") for letter in word)


def accents(word: str, random: random.Random) -> str:
    """Write vowels with accents, as single characters."""
    return "".join(
        unicodedata.normalize("NFC", letter + random.choice("\u0300\u0301\u0302\u0308"))
        if letter.lower() in VOWELS
        else letter
        for letter in word
    )


def stretched(word: str, random: random.Random) -> str:
    """Write one letter three to six times."""
    at = random.randrange(len(word))
    return word[:at] + word[at] * random.randrange(3, 7) + word[at + 1 :]


def asterisks(word: str, _: random.Random) -> str:
    """Write asterisks for the vowels behind the first letter."""
    return word[0] + "".join("*" if letter.lower() in VOWELS else letter for letter in word[1:])


def one_asterisk(word: str, random: random.Random) -> str:
    """Write an asterisk for one vowel behind the first letter."""
    places = [at for at in range(1, len(word)) if word[at].lower() in VOWELS]
    if not places:
        return word
    at = random.choice(places)
    return word[:at] + "*" + word[at + 1 :]


def entities(word: str, random: random.Random) -> str:
    """Write one or two letters as HTML entities."""
    places = random.sample(range(len(word)), 2)
    return "".join(f"&#{ord(a)};" if at in places else a for at, a in enumerate(word))


def mixed_case(word: str, _: random.Random) -> str:
    """Write every second letter in upper case."""
    return "".join(a.upper() if at % 2 else a.lower() for at, a in enumerate(word))


def swapped(word: str, _: random.Random) -> str:
    """Write a capital I for each l behind the first letter, and an l for an I that begins it."""
    begin = "l" if word[0] in "Ii" else word[0]
    return begin + word[1:].replace("l", "I")


def two_at_once(word: str, random: random.Random) -> str:
    """Write one digit, and one letter as its double of another script."""
    for table in (DIGITS, CYRILLIC):
        places = [at for at, letter in enumerate(word) if letter.lower() in table]
        if places:
            at = random.choice(places)
            word = word[:at] + table[word[at].lower()] + word[at + 1 :]
    return word


ATTACKS: dict[str, Attack] = {
    "an invisible character": invisible_inside,
    "zero-width spaces": _put_between("\u200b"),
    "marks upon letters": marks_above,
    "accents": accents,
    "full-width letters": _shift(0xFF21, 0xFF41),
    "mathematical letters": _shift(0x1D5D4, 0x1D5EE),
    "letters in circles": _shift(0x24B6, 0x24D0),
    "Cyrillic look-alikes": _swap(CYRILLIC),
    "Greek look-alikes": _swap(GREEK),
    "digits": _swap(DIGITS),
    "signs": _swap(SIGNS),
    "spaces": _put_between(" "),
    "no-break spaces": _put_between("\u00a0"),
    "dots": _put_between("."),
    "hyphens": _put_between("-"),
    "stretched letters": stretched,
    "asterisks on vowels": asterisks,
    "one asterisk": one_asterisk,
    "HTML entities": entities,
    "upper case": lambda word, _: word.upper(),
    "mixed case": mixed_case,
    "I for l": swapped,
    "digit and look-alike": two_at_once,
}


def mask(token: str, attack: Attack, random: random.Random) -> str:
    """Return a token with its words of three letters or more masked."""
    return LETTERS.sub(lambda word: attack(word[0], random), token)

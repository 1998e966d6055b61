"""
Compiled loops over UTF-8 text: tokens, n-grams, counts, TF-IDF values, scores, explanations.

Nothing here makes a Python object or needs the interpreter's lock. Texts arrive as one buffer of
UTF-8 bytes with offsets; a token is a run of bytes between white space. What a token holds, its
character n-grams and its words in lower case, is worked out once and then remembered by the
token's bytes (`Memory`), because most tokens have been seen before: the loop that runs for every
comment splits bytes, looks tokens up, and counts.

Features are counted in three spaces of numbers, always in this order: character n-grams, words,
and pairs of words that follow each other. All tables are exact: hashes only say where to look,
and what is found there is compared.

Arrays are passed in and nothing is allocated: without numba's counting of references (`_nrt`),
which costs more than the work itself, a function cannot make an array. Indices are cast to
unsigned where it is hot, which spares numba's check for negative ones.

All loops are in one file: of a function kept on disk, numba notices changes in its own file only.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import event
from numba.extending import intrinsic
from numpy.typing import NDArray

SHORTEST, LONGEST = 2, 5
"""Lengths of character n-grams, within words padded with a space on either side."""

WORD, CASED, IGNORABLE = 1, 2, 4
"""Kinds of code point, as bits of `Alphabet.kinds`."""

COMMON = 63
"""So many letters have a bit of their own in a node; the highest bit is for all others."""

NODES, WORDS, LETTERS, PAIRS = range(4)
"""What `Tables.sizes` counts."""

TOKEN = 64
"""Longer tokens (in bytes), mostly addresses, are worked out each time they come."""

BLOCK = 64
"""So many tokens go through the loops together."""

HOLDS = 5 * (TOKEN + 2)
"""So many n-grams and words a remembered token can hold; a memory has room for a block of them."""

_ENTRIES, _BYTES, _NUMBERS = range(3)  # what Memory.sizes counts

_ROOT = 0
_NO_WORD = np.uint32(0xFFFFFFFF)
_ONE, _LOW = np.uint64(1), np.uint64(0xFFFFFFFF)
_FIBONACCI = np.uint64(0x9E3779B97F4A7C15)
_FNV_PRIME, _FNV_BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)
_SMALL_SIGMA, _FINAL_SIGMA, _CAPITAL_SIGMA = 0x3C3, 0x3C2, 0x3A3
_DOTTED_I, _SMALL_I, _DOT_ABOVE = 0x130, 0x69, 0x307

_ORDINARY, _SPACE, _MAYBE_SPACE = 0, 1, 2


def _byte_kinds() -> NDArray[np.uint8]:
    kinds = np.full(256, _ORDINARY, dtype=np.uint8)
    for byte in range(128):
        kinds[byte] = _SPACE if chr(byte).isspace() else _ORDINARY
    for space in ("\x85", "\u1680", "\u2000", "\u3000"):
        kinds[space.encode()[0]] = _MAYBE_SPACE
    return kinds


_BYTE_KINDS = _byte_kinds()
_SMALL = np.frombuffer(bytes(range(256)).lower(), dtype=np.uint8)
"""Each byte, ASCII letters in lower case: a token is remembered once for `Word` and `word`."""

# How a byte looks, for the search for masks; letters come first, then what may stand for one.
(
    _VOWEL, _CONSONANT, _EL, _UPPER, _BIG_I, _DIGIT, _EXCLAMATION, _AT, _DOLLAR,
    _STAR, _JOINT, _AMPERSAND, _HIGH, _WHITE, _OTHER,
) = range(15)  # fmt: skip
_LAST_LETTER, _LAST_SIGN = _BIG_I, _DOLLAR
_SURELY, _THRICE, _JOINING, _AT_FIRST, _ALONE, _IN_MIDDLE, _OPENS, _JOINABLE = (
    1 << bit for bit in range(8)
)
"""What two bytes that follow each other tell, as bits; see `_pairs`."""
_BLANK, _PLAIN = np.uint8(_WHITE), np.uint8(_OTHER)
_ALL, _UNLIKE = np.uint8(255), np.uint8(255 - _THRICE)


def _byte_looks() -> NDArray[np.uint8]:
    looks = np.full(256, _OTHER, dtype=np.uint8)
    kinds = {
        _CONSONANT: "bcdfghjkmnpqrstvwxyz", _VOWEL: "aeiou", _EL: "l",
        _UPPER: "ABCDEFGHJKLMNOPQRSTUVWXYZ", _BIG_I: "I", _DIGIT: "0123456789",
        _EXCLAMATION: "!", _AT: "@", _DOLLAR: "$|+", _STAR: "*",
        _JOINT: ".-_,:;/\\~^=#<>()[]{}\"`", _AMPERSAND: "&",
    }  # fmt: skip
    for look, signs in kinds.items():
        looks[list(signs.encode())] = look
    looks[128:] = _HIGH
    looks[_BYTE_KINDS == _SPACE] = _WHITE
    return looks


def _pairs() -> NDArray[np.uint8]:
    """
    Return what each look of a byte tells behind each other one, (16 * 16,).

    Surely a mask. One, if they are the same letter and the two before were, too; if a sign joins
    what could be the pieces of a word; if the first of them begins a token, or if it does not. A
    letter or sign that stands alone, if it begins a token. And what the next may need to know: that
    a token opens, that a piece came before a sign.
    """
    lower, upper = [_VOWEL, _CONSONANT, _EL], [_UPPER, _BIG_I]
    letters, signs = [*lower, *upper], [_DIGIT, _EXCLAMATION, _AT, _DOLLAR]
    codes = np.zeros((16, 16), dtype=np.uint8)
    codes[np.ix_(letters, [_DIGIT, _DOLLAR, _STAR])] = _SURELY
    codes[np.ix_(signs, letters)] = _SURELY
    codes[[_DIGIT, _EXCLAMATION, _AT], _DOLLAR] = _SURELY
    codes[_AT, [_DIGIT, _EXCLAMATION]] = _SURELY
    codes[lower, _BIG_I] = codes[_EL, _UPPER] = _SURELY
    codes[_AMPERSAND, :_WHITE] = codes[:, _HIGH] = _SURELY
    codes[_JOINT, [*letters, *signs]] |= _JOINING
    codes[[*letters, _EXCLAMATION, _AT, _DOLLAR], _JOINT] |= _JOINABLE
    codes[_EL, _CONSONANT] |= _AT_FIRST
    codes[[*letters, *signs], _WHITE] |= _ALONE
    codes[_WHITE, :] |= _OPENS
    codes[np.ix_(letters, letters)] |= _THRICE
    # An @ that begins a token is a mention: of names, most of which begin with other letters.
    codes[_AT, [_VOWEL, *upper]] = _IN_MIDDLE
    return codes.ravel()


def _confirmed() -> NDArray[np.uint8]:
    """Return which bits of a pair count, by what the pair before told, (256,)."""
    told = np.arange(256)
    opens = told & _OPENS > 0
    return (
        _SURELY
        | told & _THRICE
        | np.where(told & _JOINABLE, _JOINING, 0)
        | np.where(opens, _AT_FIRST | _ALONE, _IN_MIDDLE)
    ).astype(np.uint8)


_LOOKS = _byte_looks()
_PAIRS = _pairs()
_CONFIRMED = _confirmed()

Numbers = NDArray[np.uint64]
Points = NDArray[np.int32]
Offsets = NDArray[np.int64]
Floats = NDArray[np.float64]
Spaced = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""An array each for n-grams, words and pairs, by their numbers."""
Function = TypeVar("Function", bound=Callable[..., Any])

_NO_LOCK = {"nogil": True, "_nrt": False}


def compiled(function: Function) -> Function:
    """
    Compile on the first call, for use without the interpreter's lock, and keep the result on disk.

    It is kept beside this file, or in the user's cache folder where that is closed to us (numba's
    own order); where nothing can be written at all, each process compiles anew.
    """
    compile_: Any = njit
    try:
        return cast(Function, compile_(cache=True, **_NO_LOCK)(function))
    except RuntimeError:  # numba found no folder to write to
        return cast(Function, compile_(**_NO_LOCK)(function))


def inlined(function: Function) -> Function:
    """Compile as a part of each function that calls it."""
    compile_: Any = njit
    return cast(Function, compile_(forceinline=True, **_NO_LOCK)(function))


def announce_compiling(announce: Callable[[], None]) -> None:
    """Call something once, when the first loop of this process has to be compiled."""
    waiting = [announce]

    class Listener(event.Listener):
        def on_start(self, event: event.Event) -> None:
            if waiting:
                waiting.pop()()

        def on_end(self, event: event.Event) -> None:
            pass

    event.register("numba:compile", Listener())


class Alphabet(NamedTuple):
    """What Python says of each code point."""

    lower: NDArray[np.int32]
    """The lower case of the code points that have one, and of all below them."""
    kinds: NDArray[np.uint8]
    """`WORD`, `CASED` and `IGNORABLE` of every code point."""


class Tables(NamedTuple):
    """
    A vocabulary: from letters to n-grams, words and pairs.

    While it is learnt, all edges of the trie of n-grams are slots of a hash table. In a finished
    one, siblings stand side by side in the order of their letters: a node says with 63 bits which
    common letters lead on, and where its children begin; only the edges of other letters are in
    the hash table.
    """

    edges: Numbers
    """Pairs of (parent << 21 | code point) + 1 and child; 0 where free; a power of two of them."""
    node_parents: NDArray[np.int32]
    node_letters: NDArray[np.int32]
    nodes: Numbers
    """Pairs of the bits and where the children begin."""
    common: NDArray[np.uint8]
    """The bit of a code point; `COMMON` for those that share the last one, as all beyond do."""
    words: Numbers
    """Pairs of a hash and (word << 32 | where it begins in `word_letters`); 0 where free."""
    word_letters: NDArray[np.int32]
    """The length of each word, then its letters."""
    pairs: Numbers
    """Pairs of (first word << 32 | second word) + 1 and the pair's number; 0 where free."""
    sizes: NDArray[np.int64]


class Memory(NamedTuple):
    """What one thread works with: the tokens it remembers, and the counts of one comment."""

    entries: Numbers
    """Tokens, four numbers each: hash, last eight bytes, where the rest is, what it holds."""
    sizes: NDArray[np.int64]
    bytes: NDArray[np.uint8]
    numbers: NDArray[np.uint32]
    """Of each token the words, then the n-grams."""
    letters: NDArray[np.int32]
    """Room for the longest token in lower case and the two spaces that pad it."""
    places: NDArray[np.int32]
    """For each of the letters, how many code points of the token come before it."""
    walks: NDArray[np.int32]
    """The nodes that the n-grams of a token have come to, (TOKEN + 2,)."""
    heads: NDArray[np.int32]
    """Which letter each of them reads next."""
    bits: Numbers
    """The bit of each letter."""
    begins: NDArray[np.int64]
    """Of the tokens of a block, (BLOCK,): where it begins, its bytes, hash, last bytes, entry."""
    lengths: NDArray[np.int64]
    hashes: Numbers
    tails: Numbers
    rows: NDArray[np.int64]
    sequence: NDArray[np.uint32]
    """The words of a block, (BLOCK * TOKEN,)."""
    ahead: Numbers
    """
    What was read before its turn, (BLOCK * TOKEN,), and is not used: the processor waits for the
    memory of all tokens at once.
    """
    counts: Spaced
    """How often each feature came in this comment; all 0 between comments."""
    found: Spaced
    """The features of this comment, each once; room for one more than there are."""


@intrinsic
def _trailing_zeros(typing_context, bits):
    """Return how many of the lowest bits are 0; at least one bit must be set."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@intrinsic
def _ones(typing_context, bits):
    """Return how many bits are 1."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


# ---------------------------------------------------------------------------------------------
# Letters
# ---------------------------------------------------------------------------------------------


@inlined
def _space_length(text, at, end):
    """Return how many bytes the white space at `at` takes, 0 where there is none."""
    byte = text[np.uint64(at)]
    kind = _BYTE_KINDS[byte]
    if kind == _ORDINARY:
        return 0
    if kind == _SPACE:
        return 1
    if byte == 0xC2:
        return 2 if at + 1 < end and (text[at + 1] == 0x85 or text[at + 1] == 0xA0) else 0
    if at + 2 >= end:
        return 0
    point = (byte & 15) << 12 | (text[at + 1] & 63) << 6 | (text[at + 2] & 63)
    if (
        0x2000 <= point <= 0x200A
        or point == 0x2028
        or point == 0x2029
        or point == 0x202F
        or point == 0x205F
        or point == 0x3000
        or point == 0x1680
    ):
        return 3
    return 0


@inlined
def _decode(text, at):
    """Return the code point at `at` and where the next begins; surrogates are let through."""
    byte = np.int32(text[np.uint64(at)])
    if byte < 0x80:
        return byte, at + 1
    if byte < 0xE0:
        return (byte & 31) << 6 | np.int32(text[at + 1] & 63), at + 2
    if byte < 0xF0:
        point = (byte & 15) << 12 | np.int32(text[at + 1] & 63) << 6 | np.int32(text[at + 2] & 63)
        return point, at + 3
    point = (
        (byte & 7) << 18
        | np.int32(text[at + 1] & 63) << 12
        | np.int32(text[at + 2] & 63) << 6
        | np.int32(text[at + 3] & 63)
    )
    return point, at + 4


@compiled
def _sigma(kinds, text, at, end, cased_before):
    """Return the lower case of a capital sigma before `at`: another one at the end of a word."""
    if not cased_before:
        return _SMALL_SIGMA
    while at < end:
        point, at = _decode(text, at)
        if not kinds[point] & IGNORABLE:
            return _SMALL_SIGMA if kinds[point] & CASED else _FINAL_SIGMA
    return _FINAL_SIGMA


@compiled
def _lower(alphabet, text, begin, end, letters, places):
    """
    Write a token in lower case between two spaces, as `str.lower` gives it; return its length.

    `places` gets, for each letter, how many code points of the token come before the one it was
    made from. White space neither has case nor is ignored, so that what Unicode (3.13, "final
    sigma") asks of the letters around a sigma is in the token.
    """
    lower, kinds = alphabet
    letters[0] = 32
    length = 1
    place = 0
    cased_before = False
    at = begin
    while at < end:
        point, following = _decode(text, at)
        made = point
        if point == _CAPITAL_SIGMA:
            made = _sigma(kinds, text, following, end, cased_before)
        elif point == _DOTTED_I:
            made = _SMALL_I
        elif point < lower.size:
            made = lower[np.uint64(point)]
        letters[np.uint64(length)] = made
        places[np.uint64(length)] = place
        length += 1
        if point == _DOTTED_I:
            letters[length] = _DOT_ABOVE
            places[length] = place
            length += 1
        kind = kinds[np.uint64(point)]
        if not kind & IGNORABLE:
            cased_before = kind & CASED != 0
        place += 1
        at = following
    letters[length] = 32
    return length + 1


@inlined
def _next_word(kinds, letters, at, length):
    """Return where the next run of two or more word characters begins and ends, or -1, -1."""
    while at < length:
        begin = at
        while at < length and kinds[np.uint64(letters[np.uint64(at)])] & WORD:
            at += 1
        if at - begin >= 2:
            return begin, at
        if at == begin:
            at += 1
    return -1, -1


# ---------------------------------------------------------------------------------------------
# Masks
# ---------------------------------------------------------------------------------------------


@inlined
def _is_quotation(text, at, end):
    """Return whether a typographic quotation mark, dash or ellipsis begins here."""
    if text[at] != 0xE2 or at + 2 >= end or text[at + 1] != 0x80:
        return False
    last = text[at + 2]
    return last in (0x93, 0x94, 0x98, 0x99, 0x9C, 0x9D, 0xA6)


@inlined
def _is_space_before(text, at, begin):
    """Return whether white space, or nothing, comes before a byte of a text that begins there."""
    if at == begin or _BYTE_KINDS[text[at - 1]] == _SPACE:
        return True
    if text[at - 1] < 0x80:
        return False
    two, three = max(at - 2, begin), max(at - 3, begin)
    return _space_length(text, two, at) == at - two or _space_length(text, three, at) == at - three


@inlined
def _token_around(text, at, begin, end):
    """Return where the token that a byte belongs to begins and ends."""
    first, last = at, at
    while not _is_space_before(text, first, begin):
        first -= 1
    while last < end and not _space_length(text, last, end):
        last += 1
    return first, last


@compiled
def _letters_apart(text, at, end):
    """Return how many tokens of one letter or sign follow each other, and where the last ends."""
    number, last = 0, at
    while at < end:
        spaces = _space_length(text, at, end)
        if spaces:
            at += spaces
            continue
        if _LOOKS[text[at]] > _LAST_SIGN:
            break
        at += 1
        marked = at < end and _LOOKS[text[at]] in (_JOINT, _OTHER, _EXCLAMATION)
        stop = at + 1 if marked else at
        if stop < end and not _space_length(text, stop, end):
            break
        number, last, at = number + 1, stop, stop
        if marked:
            break
    return number, last


@compiled
def find_masked(text: NDArray[np.uint8], offsets: Offsets, spans: Offsets) -> int:
    """
    Write which bytes `[begin, end)` may be masked, in order, to `spans` (n, 2); return how many.

    They are tokens in which signs follow each other that seldom do so, or a letter comes three
    times, and runs of three and more letters with spaces between. Room for half as many as there
    are bytes, and one more, is enough.
    """
    number = 0
    for row in range(offsets.size - 1):
        begin, end = offsets[row], offsets[row + 1]
        at, before, letter, hints = begin, _BLANK, np.uint8(0), np.uint8(0)
        while at < end:
            byte = text[np.uint64(at)]
            look, small = _LOOKS[byte], _SMALL[byte]
            made = _PAIRS[before << np.uint8(4) | look] & (_ALL if small == letter else _UNLIKE)
            found = made & _CONFIRMED[hints]
            alone = before <= _LAST_SIGN and hints & _OPENS
            before, letter, hints = look, small, made
            if not found:
                at += 1
                continue
            first, last = at, at
            spaces = _space_length(text, at, end)
            if alone and spaces:
                letters, last = _letters_apart(text, at - 1, end)
                first = at - 1 if letters > 2 else last
            if first == last:
                if spaces or _is_quotation(text, at, end):
                    at += spaces or 3
                    before, hints = _BLANK if spaces else _PLAIN, np.uint8(0)
                    continue
                first, last = _token_around(text, at, begin, end)
            spans[number, 0], spans[number, 1] = first, last
            number += 1
            at, before, hints = last, _PLAIN, np.uint8(0)
    return number


# ---------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------


@inlined
def _slot(key, pairs):
    """Return where in a table of pairs a key is looked for first."""
    mixed = key * _FIBONACCI
    return (mixed ^ mixed >> np.uint64(32)) & np.uint64(pairs.size // 2 - 1)


@inlined
def _next_slot(slot, pairs):
    return (slot + _ONE) & np.uint64(pairs.size // 2 - 1)


@inlined
def _put(pairs, slot, key, value):
    pairs[slot << _ONE] = key
    pairs[(slot << _ONE) + _ONE] = np.uint64(value)


@compiled
def move(pairs: Numbers, larger: Numbers) -> None:
    """Put what a table of pairs holds, all keys different, into a larger, empty one."""
    for old in range(0, pairs.size, 2):
        if pairs[old]:
            slot = _slot(pairs[old], larger)
            while larger[slot << _ONE]:
                slot = _next_slot(slot, larger)
            _put(larger, slot, pairs[old], pairs[old + 1])


@inlined
def _edge_key(node, letter):
    return (np.uint64(node) << np.uint64(21) | np.uint64(letter)) + _ONE


@compiled
def _edge(edges, node, letter):
    """Return the child that a letter leads to by the hash table, or -1."""
    key = _edge_key(node, letter)
    slot = _slot(key, edges)
    while edges[slot << _ONE] != key:
        if not edges[slot << _ONE]:
            return -1
        slot = _next_slot(slot, edges)
    return np.int64(edges[(slot << _ONE) + _ONE])


@inlined
def _edge_or_new(tables, node, letter):
    """Return the child that a letter leads to by the hash table, made if there is none."""
    edges = tables.edges
    key = _edge_key(node, letter)
    slot = _slot(key, edges)
    while edges[slot << _ONE] != key:
        if not edges[slot << _ONE]:
            made = tables.sizes[NODES]
            tables.sizes[NODES] = made + 1
            _put(edges, slot, key, made)
            tables.node_parents[made] = node
            tables.node_letters[made] = letter
            return made
        slot = _next_slot(slot, edges)
    return np.int64(edges[(slot << _ONE) + _ONE])


@inlined
def _child(tables, node, bit, letter):
    """Return the child that a letter leads to in a finished trie, and whether there is one."""
    bits = tables.nodes[np.uint64(node) << _ONE]
    there = bits >> bit & _ONE
    before = _ones(bits & ((_ONE << bit) - _ONE))
    child = np.int64(tables.nodes[(np.uint64(node) << _ONE) + _ONE] + before)
    if bit == COMMON and there:
        child = _edge(tables.edges, node, letter)
        there = np.uint64(child >= 0)
    return child, np.int64(there)


@inlined
def _bit(common, letter):
    return np.uint64(common[np.uint64(letter)]) if letter < common.size else np.uint64(COMMON)


@inlined
def _word(tables, letters, begin, end, grow):
    """Return the word that these letters are, made if `grow`, or -1."""
    hashed = _FNV_BASIS
    for at in range(begin, end):
        hashed = (hashed ^ np.uint64(letters[np.uint64(at)])) * _FNV_PRIME
    hashed |= _ONE  # 0 is a free slot
    words, stored = tables.words, tables.word_letters
    slot = _slot(hashed, words)
    while words[slot << _ONE]:
        if words[slot << _ONE] == hashed:
            value = words[(slot << _ONE) + _ONE]
            first = np.int64(value & _LOW)
            same = stored[first] == end - begin
            if same:
                for at in range(end - begin):
                    same &= stored[first + 1 + at] == letters[begin + at]
            if same:
                return np.int64(value >> np.uint64(32))
        slot = _next_slot(slot, words)
    if not grow:
        return -1
    word = tables.sizes[WORDS]
    first = tables.sizes[LETTERS]
    _put(words, slot, hashed, np.uint64(word) << np.uint64(32) | np.uint64(first))
    stored[first] = end - begin
    for at in range(end - begin):
        stored[first + 1 + at] = letters[begin + at]
    tables.sizes[WORDS] = word + 1
    tables.sizes[LETTERS] = first + 1 + end - begin
    return word


@inlined
def _pair_key(first, second):
    return (np.uint64(first) << np.uint64(32) | np.uint64(second)) + _ONE


@inlined
def _pair(tables, first, second, grow):
    """Return the pair of two words that follow each other, made if `grow`, or -1."""
    key = _pair_key(first, second)
    pairs = tables.pairs
    slot = _slot(key, pairs)
    while pairs[slot << _ONE] != key:
        if not pairs[slot << _ONE]:
            if not grow:
                return -1
            made = tables.sizes[PAIRS]
            tables.sizes[PAIRS] = made + 1
            _put(pairs, slot, key, made)
            return made
        slot = _next_slot(slot, pairs)
    return np.int64(pairs[(slot << _ONE) + _ONE])


@compiled
def copy_runs(letters: Points, begins: Offsets, ends: Offsets, joined: Points) -> None:
    """Write runs of letters one after the other."""
    length = 0
    for k in range(begins.size):
        for at in range(begins[k], ends[k]):
            joined[length] = letters[at]
            length += 1


@compiled
def add_grams(
    tables: Tables, letters: Points, ends: Offsets, order: Offsets, nodes: Offsets
) -> None:
    """Put n-grams into an unfinished trie, in an order; `nodes` gets the node of each."""
    for k in order:
        node = np.int64(_ROOT)
        for at in range(ends[k - 1] if k else 0, ends[k]):
            node = _edge_or_new(tables, node, letters[at])
        nodes[k] = node


@compiled
def add_words(
    tables: Tables, letters: Points, ends: Offsets, order: Offsets, members: Offsets
) -> None:
    """
    Put words, and pairs of them with a space between, into tables, in an order.

    `members` (n, 2) gets the word of each and -1, or -1 and the pair.
    """
    for k in order:
        first = ends[k - 1] if k else 0
        split = first
        while split < ends[k] and letters[split] != 32:
            split += 1
        word = np.int64(_word(tables, letters, first, split, True))
        pair = np.int64(-1)
        if split < ends[k]:
            second = np.int64(_word(tables, letters, split + 1, ends[k], True))
            pair = np.int64(_pair(tables, word, second, True))
            word = np.int64(-1)
        members[k, 0] = word
        members[k, 1] = pair


@compiled
def finish_nodes(tables: Tables, parents: Offsets, letters: Points) -> None:
    """
    Enter each node of a trie with its parent.

    `parents` and `letters` (nodes,) are the root's first, then siblings side by side in the order
    of their bits.
    """
    for node in range(1, parents.size):
        parent = np.uint64(parents[node])
        bit = _bit(tables.common, letters[node])
        if not tables.nodes[parent << _ONE]:
            tables.nodes[(parent << _ONE) + _ONE] = node
        tables.nodes[parent << _ONE] |= _ONE << bit
        if bit == COMMON:
            key = _edge_key(parent, letters[node])
            slot = _slot(key, tables.edges)
            while tables.edges[slot << _ONE]:
                slot = _next_slot(slot, tables.edges)
            _put(tables.edges, slot, key, node)


# ---------------------------------------------------------------------------------------------
# Tokens
# ---------------------------------------------------------------------------------------------


@inlined
def _grams_at(tables, letters, at, length, grow, numbers, found):
    """Add to `numbers` the n-grams that begin at a letter, shortest first; return their end."""
    node = np.int64(_ROOT)
    for depth in range(min(LONGEST, length - at)):
        letter = letters[at + depth]
        if grow:
            node = _edge_or_new(tables, node, letter)
        else:
            node, there = _child(tables, node, _bit(tables.common, letter), letter)
            if not there:
                break
        if depth + 1 >= SHORTEST:
            numbers[found] = node
            found += 1
    return found


@inlined
def _known_grams(tables, memory, length, numbers, found):
    """
    Add to `numbers` the n-grams of a token that a finished vocabulary knows; return their end.

    All that begin in the token grow together, a letter at a time: their memory is waited for at
    once, and which of them go on needs no branch.
    """
    letters, walks, heads, bits = memory.letters, memory.walks, memory.heads, memory.bits
    for at in range(length):
        bits[np.uint64(at)] = _bit(tables.common, letters[np.uint64(at)])
        walks[np.uint64(at)] = _ROOT
        heads[np.uint64(at)] = at
    walking = length
    for depth in range(LONGEST):
        going = 0
        reached = 0
        for k in range(walking):
            head = np.uint64(heads[np.uint64(k)])
            node = walks[np.uint64(k)]
            child, there = _child(tables, node, bits[head], letters[head])
            numbers[np.uint64(found + reached)] = child
            reached += there
            walks[np.uint64(going)] = child
            heads[np.uint64(going)] = head + _ONE
            going += there & np.int64(head + _ONE < np.uint64(length))
        if depth + 1 >= SHORTEST:
            found += reached
        walking = going
    return found


@inlined
def _learnt_grams(tables, memory, length, numbers, found):
    """
    Add to `numbers` the n-grams of a token, all of which are made if need be; return their end.

    They grow together, a letter at a time: first all slots are read ahead, then each is followed.
    """
    letters, walks, edges = memory.letters, memory.walks, tables.edges
    for at in range(length):
        walks[np.uint64(at)] = _ROOT
    for depth in range(min(LONGEST, length)):
        ends = length - depth
        for at in range(ends):
            key = _edge_key(walks[np.uint64(at)], letters[np.uint64(at + depth)])
            memory.ahead[np.uint64(at)] = edges[_slot(key, edges) << _ONE]
        for at in range(ends):
            node = _edge_or_new(tables, walks[np.uint64(at)], letters[np.uint64(at + depth)])
            walks[np.uint64(at)] = node
            if depth + 1 >= SHORTEST:
                numbers[np.uint64(found)] = node
                found += 1
    return found


@inlined
def _remember(alphabet, tables, memory, text, begin, length, row, grow):
    """Work out what a token holds and keep it in an entry: its words, then its n-grams."""
    sizes, letters, numbers = memory.sizes, memory.letters, memory.numbers
    padded = _lower(alphabet, text, begin, begin + length, letters, memory.places)
    first = sizes[_NUMBERS]
    found = first
    word_begin, word_end = _next_word(alphabet.kinds, letters, 0, padded)
    while word_begin >= 0:
        numbers[found] = np.uint32(_word(tables, letters, word_begin, word_end, grow))
        found += 1
        word_begin, word_end = _next_word(alphabet.kinds, letters, word_end, padded)
    words = found - first
    if grow:
        found = _learnt_grams(tables, memory, padded, numbers, found)
    else:
        found = _known_grams(tables, memory, padded, numbers, found)
    place = sizes[_BYTES]
    for at in range(length):
        memory.bytes[np.uint64(place + at)] = _SMALL[text[np.uint64(begin + at)]]
    memory.entries[row + 2] = np.uint64(place) << np.uint64(32) | np.uint64(first)
    memory.entries[row + 3] = (
        np.uint64(length) << np.uint64(32)
        | np.uint64(words) << np.uint64(16)
        | np.uint64(found - first - words)
    )
    sizes[_NUMBERS] = found
    sizes[_BYTES] = place + length
    sizes[_ENTRIES] += 1


@inlined
def _first_row(hashed, entries):
    """Return where among the entries a token is looked for first."""
    mixed = hashed * _FIBONACCI
    return (mixed ^ mixed >> np.uint64(32)) << np.uint64(2) & np.uint64(entries.size - 1)


@inlined
def _recall(entries, stored, text, begin, length, hashed, tail):
    """
    Return the entry that holds a token, and whether it does or is where to put it.

    A hash finds the entry; the bytes decide: the last eight are in it, the others in `stored`.
    """
    mask = np.uint64(entries.size - 1)
    row = _first_row(hashed, entries)
    while entries[row]:
        if entries[row] == hashed and entries[row + _ONE] == tail:
            same = np.int64(entries[row + np.uint64(3)] >> np.uint64(32)) == length
            if same and length > 8:
                place = np.int64(entries[row + np.uint64(2)] >> np.uint64(32))
                for at in range(length - 8):
                    same &= stored[np.uint64(place + at)] == _SMALL[text[np.uint64(begin + at)]]
            if same:
                return np.int64(row), True
        row = (row + np.uint64(4)) & mask
    return np.int64(row), False


@compiled
def _make_room(memory):
    """Forget all tokens where there is no room for another block of them."""
    sizes = memory.sizes
    if (
        8 * (sizes[_ENTRIES] + BLOCK) > memory.entries.size
        or sizes[_BYTES] + BLOCK * TOKEN > memory.bytes.size
        or sizes[_NUMBERS] + BLOCK * HOLDS > memory.numbers.size
    ):
        memory.entries[:] = 0
        sizes[:] = 0


# ---------------------------------------------------------------------------------------------
# Counting
# ---------------------------------------------------------------------------------------------


@inlined
def _count_one(counts, found, number, known):
    """Count a feature; return how many are found now."""
    count = counts[number]
    counts[number] = count + 1
    found[np.uint64(known)] = number
    return known + (count == 0)


@inlined
def _count_words(tables, memory, number, previous, words, pairs, grow):
    """Count `memory.sequence` and its pairs; return the last word and how many are found."""
    sequence = memory.sequence
    before = np.uint64(previous)
    for k in range(number):
        word = np.uint64(sequence[np.uint64(k)])
        slot = _slot(_pair_key(before, word), tables.pairs)
        memory.ahead[np.uint64(k)] = tables.pairs[slot << _ONE]
        before = word
    for k in range(number):
        if sequence[k] != _NO_WORD:
            words = _count_one(memory.counts[1], memory.found[1], sequence[k], words)
    for k in range(number):
        word = sequence[k]
        if word != _NO_WORD and previous != _NO_WORD:
            pair = _pair(tables, previous, word, grow)
            if pair >= 0:
                pairs = _count_one(memory.counts[2], memory.found[2], np.uint32(pair), pairs)
        previous = word
    return previous, words, pairs


@compiled
def _count_long(alphabet, tables, memory, text, begin, end, previous, found, grow):
    """Count what a token holds that is too long to be remembered."""
    grams, words, pairs = found
    letters = memory.letters
    length = _lower(alphabet, text, begin, end, letters, memory.places)
    word_begin, word_end = _next_word(alphabet.kinds, letters, 0, length)
    while word_begin >= 0:
        memory.sequence[0] = np.uint32(_word(tables, letters, word_begin, word_end, grow))
        previous, words, pairs = _count_words(tables, memory, 1, previous, words, pairs, grow)
        word_begin, word_end = _next_word(alphabet.kinds, letters, word_end, length)
    few = memory.sequence
    for at in range(length - 1):
        for k in range(_grams_at(tables, letters, at, length, grow, few, 0)):
            grams = _count_one(memory.counts[0], memory.found[0], few[k], grams)
    return previous, (grams, words, pairs)


@inlined
def _split(memory, text, at, end):
    """
    Read the tokens of a block from `at` on; return how many, where they end, and the last's length.

    One that is too long to be remembered ends the block.
    """
    begins, lengths, hashes, tails = memory.begins, memory.lengths, memory.hashes, memory.tails
    tokens = 0
    length = 0
    while at < end and tokens < BLOCK and length <= TOKEN:
        spaces = _space_length(text, at, end)
        if spaces:
            at += spaces
            continue
        first = at
        hashed, tail = _FNV_BASIS, np.uint64(0)
        while at < end:
            byte = text[np.uint64(at)]
            if _BYTE_KINDS[byte] != _ORDINARY and _space_length(text, at, end):
                break
            byte = _SMALL[byte]
            hashed = (hashed ^ np.uint64(byte)) * _FNV_PRIME
            tail = tail << np.uint64(8) | np.uint64(byte)
            at += 1
        length = at - first
        begins[tokens], lengths[tokens] = first, length
        hashes[tokens], tails[tokens] = hashed | _ONE, tail  # 0 is a free entry
        tokens += 1
    return tokens, at, length


@inlined
def _look_up(alphabet, tables, memory, text, tokens, grow):
    """Find the entries of a block's tokens in the memory, made where there are none."""
    begins, lengths, hashes, tails = memory.begins, memory.lengths, memory.hashes, memory.tails
    entries = memory.entries
    for k in range(tokens):
        first = _first_row(hashes[k], entries)
        memory.ahead[np.uint64(k)] = memory.numbers[entries[first + np.uint64(2)] & _LOW]
    for k in range(tokens):
        row, known = _recall(
            entries, memory.bytes, text, begins[k], lengths[k], hashes[k], tails[k]
        )
        if not known:
            entries[row] = hashes[k]
            entries[row + 1] = tails[k]
            _remember(alphabet, tables, memory, text, begins[k], lengths[k], row, grow)
        memory.rows[k] = row


@inlined
def _line_up(memory, tokens):
    """Put the words of a block's tokens in a line; return how many there are."""
    entries, rows, numbers = memory.entries, memory.rows, memory.numbers
    length = 0
    for k in range(tokens):
        first = np.int64(entries[np.uint64(rows[k] + 2)] & _LOW)
        held = np.int64(entries[np.uint64(rows[k] + 3)] >> np.uint64(16) & np.uint64(0xFFFF))
        for at in range(first, first + held):
            memory.sequence[np.uint64(length)] = numbers[np.uint64(at)]
            length += 1
    return length


@inlined
def _count_grams(memory, tokens, grams):
    """Count the n-grams of a block's tokens; return how many are found now."""
    entries, rows, numbers = memory.entries, memory.rows, memory.numbers
    for k in range(tokens):
        holds = entries[np.uint64(rows[k] + 3)]
        first = np.int64(entries[np.uint64(rows[k] + 2)] & _LOW)
        first += np.int64(holds >> np.uint64(16) & np.uint64(0xFFFF))
        for at in range(first, first + np.int64(holds & np.uint64(0xFFFF))):
            gram = numbers[np.uint64(at)]
            grams = _count_one(memory.counts[0], memory.found[0], gram, grams)
    return grams


@inlined
def _count(alphabet, tables, memory, text, begin, end, grow):
    """
    Count the features of one comment; return how many n-grams, words and pairs were found.

    Which they are is in `memory.found`, how often each came in `memory.counts`, which whoever
    reads them sets back to 0.

    Tokens go in blocks through one loop after another (split, look up, words, n-grams), so that
    the processor can wait for the memory of many tokens at once.
    """
    grams, words, pairs = 0, 0, 0
    previous = _NO_WORD
    at = begin
    while at < end:
        tokens, at, length = _split(memory, text, at, end)
        is_long = length > TOKEN
        tokens -= is_long
        _make_room(memory)
        _look_up(alphabet, tables, memory, text, tokens, grow)
        number = _line_up(memory, tokens)
        previous, words, pairs = _count_words(tables, memory, number, previous, words, pairs, grow)
        grams = _count_grams(memory, tokens, grams)
        if is_long:
            previous, (grams, words, pairs) = _count_long(
                alphabet, tables, memory, text, memory.begins[tokens], at, previous,
                (grams, words, pairs), grow,
            )  # fmt: skip
    return grams, words, pairs


@inlined
def _tally(counts, found, number, tallies):
    for k in range(number):
        feature = found[np.uint64(k)]
        tallies[feature, 0] += 1
        tallies[feature, 1] += counts[feature]
        counts[feature] = 0


@compiled
def learn(
    alphabet: Alphabet,
    tables: Tables,
    memory: Memory,
    text: NDArray[np.uint8],
    offsets: Offsets,
    tallies: Spaced,
) -> None:
    """
    Add the features of some comments to the tables, which must have room for all of them.

    `tallies` (features, 2) count the comments that hold each, and its occurrences.
    """
    counts, found = memory.counts, memory.found
    for row in range(offsets.size - 1):
        grams, words, pairs = _count(
            alphabet, tables, memory, text, offsets[row], offsets[row + 1], True
        )
        _tally(counts[0], found[0], grams, tallies[0])
        _tally(counts[1], found[1], words, tallies[1])
        _tally(counts[2], found[2], pairs, tallies[2])


@compiled
def merge(tables: Tables, other: Tables, nodes: Offsets, words: Offsets, pairs: Offsets) -> None:
    """
    Add what other tables hold, for which there must be room.

    `nodes`, `words` and `pairs` get the number here of each there; a parent is always older than
    its children, and a word than its pairs.
    """
    nodes[_ROOT] = _ROOT
    for node in range(1, nodes.size):
        parent = nodes[other.node_parents[node]]
        nodes[node] = _edge_or_new(tables, parent, other.node_letters[node])
    for slot in range(0, other.words.size, 2):
        if other.words[slot]:
            value = other.words[slot + 1]
            begin = np.int64(value & _LOW) + 1
            end = begin + other.word_letters[begin - 1]
            word = np.int64(value >> np.uint64(32))
            words[word] = _word(tables, other.word_letters, begin, end, True)
    for slot in range(0, other.pairs.size, 2):
        if other.pairs[slot]:
            key = other.pairs[slot] - _ONE
            first = words[np.int64(key >> np.uint64(32))]
            second = words[np.int64(key & _LOW)]
            pairs[np.int64(other.pairs[slot + 1])] = _pair(tables, first, second, True)


# ---------------------------------------------------------------------------------------------
# Scores
# ---------------------------------------------------------------------------------------------


@inlined
def _weigh(counts, found, number, frequencies, weights, sums):
    """Add to `sums` the weights of the features found; return the square of their length."""
    square = 0.0
    heads = weights.shape[1] - 1
    if heads == 1:  # as often: the sum stays in a register
        total = 0.0
        for k in range(number):
            feature = found[np.uint64(k)]
            frequency = frequencies[np.uint32(counts[feature])]
            counts[feature] = 0
            value = frequency * weights[feature, 0]
            square += value * value
            total += frequency * weights[feature, 1]
        sums[0] += total
        return square
    for k in range(number):
        feature = found[np.uint64(k)]
        frequency = frequencies[np.uint32(counts[feature])]
        counts[feature] = 0
        value = frequency * weights[feature, 0]
        square += value * value
        for head in range(heads):
            sums[head] += frequency * weights[feature, 1 + head]
    return square


@inlined
def _add_half(sums, square, logits, row):
    """Add a half of the features, divided by its length."""
    for head in range(sums.size):
        if square:
            logits[row, head] += sums[head] / np.sqrt(square)
        sums[head] = 0


@compiled
def score(
    alphabet: Alphabet,
    tables: Tables,
    memory: Memory,
    text: NDArray[np.uint8],
    offsets: Offsets,
    frequencies: Floats,
    weights: Spaced,
    sums: Floats,
    logits: Floats,
) -> None:
    """
    Add to `logits` (n, heads) the score of each comment.

    `frequencies` is what a count is worth; `weights` (features, 1 + heads) are the IDFs, then the
    IDFs times the coefficients. `sums` (heads,) is room to work in, all 0.
    """
    counts, found = memory.counts, memory.found
    for row in range(offsets.size - 1):
        grams, words, pairs = _count(
            alphabet, tables, memory, text, offsets[row], offsets[row + 1], False
        )
        square = _weigh(counts[0], found[0], grams, frequencies, weights[0], sums)
        _add_half(sums, square, logits, row)
        square = _weigh(counts[1], found[1], words, frequencies, weights[1], sums)
        square += _weigh(counts[2], found[2], pairs, frequencies, weights[2], sums)
        _add_half(sums, square, logits, row)


# ---------------------------------------------------------------------------------------------
# Matrices
# ---------------------------------------------------------------------------------------------


def most_features(size: int) -> int:
    """Return how many features texts of `size` bytes in all can have: n-grams, words and pairs."""
    starts = 2 * size + 1  # each letter, and a padding space for each
    return LONGEST * starts + 2 * size


class Row(NamedTuple):
    """Room for one row of a matrix: its columns in the order found, and a bit for each column."""

    columns: NDArray[np.int32]
    values: NDArray[np.float64]
    marks: Numbers
    """All 0 between comments, as is `summary`, which has a bit for each number in `marks`."""
    summary: Numbers
    before: NDArray[np.int64]
    """How many columns are marked before each number in `marks`."""


@inlined
def _inverse_root(square):
    return 1.0 / np.sqrt(square) if square else 0.0


@inlined
def _collect(counts, found, number, frequencies, idf, columns, row, length):
    """Add features to a row, and mark their columns; return its length, and their square."""
    square = 0.0
    for k in range(number):
        feature = found[np.uint64(k)]
        column = columns[feature]
        value = frequencies[np.uint32(counts[feature])] * idf[feature]
        counts[feature] = 0
        if column >= 0:
            square += value * value
            row.columns[np.uint64(length)] = column
            row.values[np.uint64(length)] = value
            length += 1
            place = np.uint64(column) >> np.uint64(6)
            row.marks[place] |= _ONE << (np.uint64(column) & np.uint64(63))
            row.summary[place >> np.uint64(6)] |= _ONE << (place & np.uint64(63))
    return length, square


@compiled
def transform(
    alphabet: Alphabet,
    tables: Tables,
    memory: Memory,
    text: NDArray[np.uint8],
    offsets: Offsets,
    frequencies: Floats,
    idf: Spaced,
    columns: Spaced,
    row: Row,
    starts: Offsets,
    indices: NDArray[Any],
    values: Floats,
) -> None:
    """
    Write rows of TF-IDF values in the order of their columns.

    `idf` and `columns` are of each feature, -1 for what is not a column. `starts` (n + 1,) says
    where rows begin; only its first number is read, the others are written.
    """
    counts, found = memory.counts, memory.found
    at = starts[0]
    for number in range(offsets.size - 1):
        grams, words, pairs = _count(
            alphabet, tables, memory, text, offsets[number], offsets[number + 1], False
        )
        split, square = _collect(
            counts[1], found[1], words, frequencies, idf[1], columns[1], row, 0
        )
        split, more = _collect(
            counts[2], found[2], pairs, frequencies, idf[2], columns[2], row, split
        )
        word_scale = _inverse_root(square + more)
        length, square = _collect(
            counts[0], found[0], grams, frequencies, idf[0], columns[0], row, split
        )
        gram_scale = _inverse_root(square)
        marked = at
        for k in range(row.summary.size):
            while row.summary[k]:
                place = np.uint64(k << 6) | _trailing_zeros(row.summary[k])
                row.summary[k] &= row.summary[k] - _ONE
                row.before[place] = marked
                marked += np.int64(_ones(row.marks[place]))
        for k in range(length):
            column = row.columns[np.uint64(k)]
            place = np.uint64(column) >> np.uint64(6)
            below = (_ONE << (np.uint64(column) & np.uint64(63))) - _ONE
            to = np.uint64(row.before[place]) + _ones(row.marks[place] & below)
            indices[to] = column
            values[to] = row.values[np.uint64(k)] * (word_scale if k < split else gram_scale)
        for k in range(length):
            row.marks[np.uint64(row.columns[np.uint64(k)]) >> np.uint64(6)] = 0
        at += length
        starts[number + 1] = at


@inlined
def _clear(counts, found, number, columns):
    """Forget counts; return how many of the features are columns."""
    kept = 0
    for k in range(number):
        feature = found[np.uint64(k)]
        counts[feature] = 0
        kept += columns[feature] >= 0
    return kept


@compiled
def measure(
    alphabet: Alphabet,
    tables: Tables,
    memory: Memory,
    text: NDArray[np.uint8],
    offsets: Offsets,
    columns: Spaced,
    lengths: Offsets,
) -> None:
    """Write how many columns each row has."""
    counts, found = memory.counts, memory.found
    for row in range(offsets.size - 1):
        grams, words, pairs = _count(
            alphabet, tables, memory, text, offsets[row], offsets[row + 1], False
        )
        lengths[row] = (
            _clear(counts[0], found[0], grams, columns[0])
            + _clear(counts[1], found[1], words, columns[1])
            + _clear(counts[2], found[2], pairs, columns[2])
        )


@compiled
def reweigh(
    values: Floats, indices: NDArray[Any], starts: NDArray[Any], ratios: Floats, split: int
) -> None:
    """
    Multiply rows of TF-IDF values by the ratios of their columns (columns,), then scale each half.

    Words and pairs are the columns before `split`, n-grams those from it on.
    """
    for row in range(starts.size - 1):
        words, grams = 0.0, 0.0
        for at in range(starts[row], starts[row + 1]):
            value = values[at] * ratios[np.uint64(indices[at])]
            values[at] = value
            if indices[at] < split:
                words += value * value
            else:
                grams += value * value
        words, grams = _inverse_root(words), _inverse_root(grams)
        for at in range(starts[row], starts[row + 1]):
            values[at] *= words if indices[at] < split else grams


# ---------------------------------------------------------------------------------------------
# Explanations
# ---------------------------------------------------------------------------------------------


@inlined
def _square(counts, found, number, frequencies, idf):
    square = 0.0
    for k in range(number):
        value = frequencies[np.uint32(counts[found[k]])] * idf[found[k]]
        square += value * value
    return square


@inlined
def _share(counts, found, number, frequencies, weights, scale, shares):
    """Give each feature found what one occurrence of it adds to the logit."""
    for k in range(number):
        feature = found[k]
        count = counts[feature]
        counts[feature] = 0
        shares[feature] = frequencies[np.uint32(count)] * weights[feature, 1] * scale / count


@inlined
def _spread(by_character, begin, end, value):
    for at in range(begin, end):
        by_character[at] += value


@inlined
def _spread_words(tables, kinds, letters, places, length, origin, shares, previous, by_character):
    """
    Spread the shares of a token's words and pairs; return its last word, and where it was read.

    `previous` is that of the token before, `origin` how many characters come before this one.
    """
    before, before_begin, before_end = previous
    word_begin, word_end = _next_word(kinds, letters, 0, length)
    while word_begin >= 0:
        first = origin + places[word_begin]
        last = origin + places[word_end - 1] + 1
        word = np.int64(_word(tables, letters, word_begin, word_end, False))
        if word >= 0:
            _spread(by_character, first, last, shares[1][word] / (last - first))
            if before >= 0:
                pair = _pair(tables, before, word, False)
                if pair >= 0:
                    value = shares[2][pair] / (last - first + before_end - before_begin)
                    _spread(by_character, before_begin, before_end, value)
                    _spread(by_character, first, last, value)
        before, before_begin, before_end = word, first, last
        word_begin, word_end = _next_word(kinds, letters, word_end, length)
    return before, before_begin, before_end


@inlined
def _spread_grams(tables, letters, places, length, origin, shares, by_character):
    """Spread the shares of a token's n-grams."""
    for start in range(length - 1):
        first = origin + places[max(start, 1)]
        node = np.int64(_ROOT)
        for depth in range(min(LONGEST, length - start)):
            letter = letters[start + depth]
            node, there = _child(tables, node, _bit(tables.common, letter), letter)
            if not there:
                break
            if depth + 1 >= SHORTEST:
                last = origin + places[min(start + depth, length - 2)] + 1
                _spread(by_character, first, last, shares[node] / (last - first))


@compiled
def explain(
    alphabet: Alphabet,
    tables: Tables,
    memory: Memory,
    text: NDArray[np.uint8],
    frequencies: Floats,
    weights: Spaced,
    shares: Spaced,
    by_character: Floats,
) -> None:
    """
    Add to `by_character` (code points,) what each character of one text adds to the logit.

    An n-gram's part goes in equal shares to its occurrences, an occurrence's to the characters it
    was read from: those of the n-gram without padding, of the word, or of both words of a pair.
    `shares` (features,) each is room to work in.
    """
    counts, found = memory.counts, memory.found
    grams, words, pairs = _count(alphabet, tables, memory, text, 0, text.size, False)
    square = _square(counts[1], found[1], words, frequencies, weights[1][:, 0])
    square += _square(counts[2], found[2], pairs, frequencies, weights[2][:, 0])
    scale = _inverse_root(square)
    _share(counts[1], found[1], words, frequencies, weights[1], scale, shares[1])
    _share(counts[2], found[2], pairs, frequencies, weights[2], scale, shares[2])
    square = _square(counts[0], found[0], grams, frequencies, weights[0][:, 0])
    _share(counts[0], found[0], grams, frequencies, weights[0], _inverse_root(square), shares[0])
    letters, places, kinds = memory.letters, memory.places, alphabet.kinds
    previous = (np.int64(-1), 0, 0)
    at, origin = 0, 0
    while at < text.size:
        spaces = _space_length(text, at, text.size)
        if spaces:
            at += spaces
            origin += 1
            continue
        begin = at
        while at < text.size and not _space_length(text, at, text.size):
            at += 1
        length = _lower(alphabet, text, begin, at, letters, places)
        places[0] = 0
        points = np.int64(places[length - 2]) + 1
        previous = _spread_words(
            tables, kinds, letters, places, length, origin, shares, previous, by_character
        )
        _spread_grams(tables, letters, places, length, origin, shares[0], by_character)
        origin += points


@compiled
def tell_language(
    moves: NDArray[np.uint32],
    rows: Offsets,
    features: NDArray[np.int32],
    weights: NDArray[np.float32],
    priors: NDArray[np.float32],
    aliases: Offsets,
    text: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    found: NDArray[np.int32],
    scores: NDArray[np.float32],
) -> tuple[int, float]:
    """
    Return the likeliest language of a text, by its column of `weights`, and its probability.

    It is naive Bayes over features (features, languages) that an automaton finds in the bytes:
    `moves` are its states by the states' `rows` and the next byte, and `features` what a state has
    found, or less than 0. Logs of posteriors are divided by the root of the text's bytes, which
    keeps probabilities comparable over lengths. `aliases` (pairs, 2) are columns of one language:
    the second's share goes to the first. -1 where no feature is found. The last three are room to
    work in; `counts` (features,) is 0 before and after.
    """
    state, number = np.uint32(0), 0
    for at in range(text.size):
        state = moves[np.uint64(rows[np.uint64(state)]) + np.uint64(text[at])]
        feature = features[np.uint64(state)]
        if feature >= 0:
            if counts[feature] == 0:
                found[number] = feature
                number += 1
            counts[feature] += np.uint32(1)
    if number == 0:
        return -1, 0.0
    for language in range(scores.size):
        scores[language] = priors[language]
    for place in range(number):
        feature = found[place]
        worth = np.float32(np.log1p(np.float32(counts[feature])))
        counts[feature] = np.uint32(0)
        for language in range(scores.size):
            scores[language] += worth * weights[feature, language]
    highest = scores[0]
    for language in range(scores.size):
        highest = max(highest, scores[language])
    spread = np.float32(1 / np.sqrt(text.size))
    whole = np.float32(0)
    for language in range(scores.size):
        scores[language] = np.exp((scores[language] - highest) * spread)
        whole += scores[language]
    for pair in range(len(aliases)):
        scores[aliases[pair, 0]] += scores[aliases[pair, 1]]
        scores[aliases[pair, 1]] = 0
    best = 0
    for language in range(scores.size):
        if scores[language] > scores[best]:
            best = language
    return best, scores[best] / whole

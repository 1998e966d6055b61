"""Sentences lie where a reader sees them, counted as JavaScript counts."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation.perspective.spans import MOST_SENTENCES, find_sentences, to_utf16

MARKS = st.sampled_from(
    list(".!?…。！？।;:,-\"')](«» \t\n\r\u2028aBI1_ΣßДж字ก\u0301\u200d\ufe0f🛶👍\ud800\udc00")
)
TEXTS = st.text(MARKS, max_size=40) | st.text(max_size=40)


def sentences(text):
    return [text[span.begin : span.end] for span in find_sentences(text)]


@pytest.mark.parametrize(
    "marked",
    [
        "Is the ferry late?| No, it is here.",
        "One.| Two!| Three?| Four",
        "It runs... slowly.| It runs...| Slowly.",
        "Well… perhaps.| Well…| Perhaps.",
        "Really?!| Yes!!!| “Good.”| (And so on.)| «Bon.»| Fin.",
        "What?| no.",
        "A line|\nand the next|\r\n|\n  and one more",
        "About 3.5 km, not 4.| That is far.",
        "It costs approx. 5 coins, vs. four in May.",
        "Ask Mr. Brown or Dr. Green.| They know.",
        "J. R. Brown wrote it.| So did I.| And others.",
        "He lives in the U.S. and reads z.B. Novels.",
        "1. Ferry|\n2. Bridge|\na) One",
        "See https://example.org/a?b=c.d and e.g. example.org.| Thanks",
        "Write to info@example.org.| Now!",
        "今日は船です。|明日は橋です！|本当？」|はい。",
        "यह नाव है।| वह पुल है।",
        "هل هذا جسر؟| نعم",
        "这是船.字",
        "สวัสดีครับ นี่คือเรือ",
        "Great!👍| Next one 🛶 And",
        "Wait! - he said, and left.",
        "Yes.— No.",
        "No.| That is wrong.",
        "...",
        "?",
        "",
        " \n\t ",
    ],
)
def test_sentences_end_where_a_reader_sees_it(marked):
    """A bar stands where one ends and another follows."""
    assert sentences(marked.replace("|", "")) == [
        part.strip() for part in marked.split("|") if part.strip()
    ]


@given(TEXTS)
@example("\ud800. \udc00! A")
@example("🛶. 🛶" * 10)
def test_sentences_lie_in_order_and_hold_all_but_white_space(text):
    spans = find_sentences(text)
    places = [place for span in spans for place in (span.begin, span.end)]
    assert places == sorted(places)
    assert all(text[span.begin : span.end].strip() for span in spans)
    held = {place for span in spans for place in range(span.begin, span.end)}
    assert all(character.isspace() for place, character in enumerate(text) if place not in held)
    assert len(held) == sum(span.end - span.begin for span in spans)


def test_after_a_thousand_sentences_the_rest_is_one():
    text = "One! " * (MOST_SENTENCES + 2)
    found = find_sentences(text)
    assert len(found) == MOST_SENTENCES
    assert sentences(text)[-2:] == ["One!", "One! One! One!"]


@given(TEXTS)
def test_no_sentence_begins_or_ends_with_white_space(text):
    assert all(part == part.strip() for part in sentences(text))


@given(TEXTS, st.data())
@example("a\ud800\U0001f6f6", None)
def test_places_are_those_of_the_encoded_text(text, data):
    """The independent count: the bytes before each place, two to a unit."""
    number = st.integers(0, len(text))
    places = sorted(data.draw(st.lists(number, max_size=6)) if data else range(len(text) + 1))
    assert to_utf16(text, places) == [
        len(text[:place].encode("utf-16-le", "surrogatepass")) // 2 for place in places
    ]


@pytest.mark.parametrize(
    "text",
    [". " * 10_000, "." * 20_000, "!" + ")" * 20_000, "a.b" * 7_000, "1. " * 7_000, "。" * 20_000,
     ". 1 1" * 4_000, "? -" * 7_000, ".\u3000" * 10_000, "." + " " * 20_000 + "a"],
)  # fmt: skip
def test_the_longest_texts_take_as_many_steps_as_they_have_characters(text):
    """One that took their square would not end before the tests do."""
    for _ in range(20):
        assert find_sentences(text)[-1].end == len(text.rstrip())

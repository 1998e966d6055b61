"""Texts become one buffer, from whatever holds them."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.buffers import Texts, allocate, read_texts

SAMPLE = ["ferry", "", "Σ quimp", "zorble 漢 🛶", "\x00", "lantern " * 300]


def strings(texts):
    """Return the texts of a buffer."""
    data = bytes(texts.data)
    ends = texts.offsets.tolist()
    return [data[begin:end].decode("utf-8", "surrogatepass") for begin, end in pairwise(ends)]


def chunks(*parts):
    return pa.chunked_array(list(parts), type=pa.string())


class Capsule:
    """Speaks Arrow and nothing else, as a column of polars does."""

    def __init__(self, column):
        self._column = column

    def __arrow_c_stream__(self, requested_schema=None):
        return self._column.__arrow_c_stream__(requested_schema)


HOLDERS = {
    "list": lambda texts: texts,
    "tuple": tuple,
    "generator": iter,
    "array of objects": lambda texts: np.array(texts, dtype=object),
    "keys": lambda texts: dict.fromkeys(texts).keys(),
    "Series": pd.Series,
    "Series of objects": lambda texts: pd.Series(texts, dtype=object),
    "Series of Python strings": lambda texts: pd.Series(texts, dtype="string[python]"),
    "Series of Arrow strings": lambda texts: pd.Series(texts, dtype=pd.ArrowDtype(pa.string())),
    "Series with another index": lambda texts: pd.Series(texts, index=range(10, 10 + len(texts))),
    "sliced Series": lambda texts: pd.Series(["other", *texts, "more"])[1:-1],
    "every second of a Series": lambda texts: pd.Series([t for x in texts for t in (x, "other")])[
        ::2
    ],
    "Index": pd.Index,
    "Array": lambda texts: pa.array(texts, pa.string()),
    "large Array": lambda texts: pa.array(texts, pa.large_string()),
    "Array of views": lambda texts: pa.array(texts, pa.string_view()),
    "sliced Array": lambda texts: pa.array(["other", None, *texts, "more"])[2:-1],
    "sliced large Array": lambda texts: pa.array([None, *texts, "é"], pa.large_string())[1:-1],
    "sliced Array of views": lambda texts: pa.array(["é", *texts, None], pa.string_view())[1:-1],
    "one chunk": lambda texts: chunks(texts),
    "chunks": lambda texts: chunks(texts[:2], [], texts[2:3], texts[3:]),
    "sliced chunks": lambda texts: chunks(["other", *texts[:2]], [*texts[2:], "more"])[1:-1],
    "large chunks": lambda texts: chunks(texts[:1], texts[1:]).cast(pa.large_string()),
    "chunks of views": lambda texts: chunks(texts[:4], texts[4:]).cast(pa.string_view()),
    "a stream of chunks": lambda texts: Capsule(chunks(texts[:3], texts[3:])),
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_texts_are_read_from(hold):
    texts = read_texts(hold(SAMPLE))
    assert strings(texts) == SAMPLE
    assert len(texts) == len(SAMPLE)
    assert texts.longest == 2400
    assert texts.size == sum(len(text.encode()) for text in SAMPLE)


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_texts_are_of_one_kind(hold):
    """Each kind of array has its own compiled loops, which take seconds to make."""
    texts = read_texts(hold(SAMPLE))
    kinds = [(a.dtype, a.ndim, a.flags.c_contiguous) for a in (texts.data, texts.offsets)]
    assert kinds == [(np.uint8, 1, True), (np.int64, 1, True)]
    assert not texts.data.flags.writeable


def no_rows(hold):
    """Return none of a holder's rows, as a filter would leave them."""
    return hold(["ferry"])[:0]


NONE = {
    "list": [],
    "generator": iter([]),
    "array": np.array([], dtype=object),
    "Series": pd.Series([], dtype="str"),
    "Series of objects": pd.Series([], dtype=object),
    "filtered Series": no_rows(pd.Series),
    "filtered Series of objects": no_rows(HOLDERS["Series of objects"]),
    "Array": pa.array([], pa.string()),
    "large Array": pa.array([], pa.large_string()),
    "Array of views": pa.array([], pa.string_view()),
    "sliced Array": no_rows(pa.array),
    "no chunks": chunks(),
    "empty chunks": chunks([], []),
}


@pytest.mark.parametrize("nothing", NONE.values(), ids=NONE)
def test_no_texts_are_read_from(nothing):
    texts = read_texts(nothing)
    assert len(texts) == texts.size == texts.longest == 0
    assert texts.offsets.shape == (1,)
    assert list(texts.cut(100)) == []


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize(
    "column",
    [lambda array: array, lambda array: array[1:3], lambda array: pa.chunked_array([array])],
    ids=["array", "slice", "chunk"],
)
def test_arrow_is_read_in_place(kind, column):
    array = pa.array(SAMPLE, kind)
    assert read_texts(column(array)).data.ctypes.data == array.buffers()[2].address


@pytest.mark.parametrize("rows", [slice(None), slice(2, 5)], ids=["whole", "slice"])
def test_a_series_is_read_in_place(rows):
    series = pd.Series(SAMPLE)
    (chunk,) = pa.chunked_array(series).chunks
    assert read_texts(series[rows]).data.ctypes.data == chunk.buffers()[2].address


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=9), max_size=9))
def test_lists_keep_any_code_point(documents):
    """A lone surrogate is no text, but scikit-learn takes it."""
    assert strings(read_texts(documents)) == documents
    assert strings(read_texts(np.array([*documents, None], dtype=object)[:-1])) == documents


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=9), st.data())
def test_arrow_keeps_any_text_from_anywhere(documents, data):
    ends = st.integers(0, len(documents))
    begin, end = sorted((data.draw(ends), data.draw(ends)))
    split = data.draw(ends)
    column = chunks(documents[:split], documents[split:])
    assert strings(read_texts(column[begin:end])) == documents[begin:end]
    assert strings(read_texts(pa.array(documents, pa.string())[begin:end])) == documents[begin:end]


def test_a_series_of_objects_keeps_lone_surrogates():
    """As a list of the same strings does."""
    documents = ["ferry", "\ud800 quimp", "zorble \udfff"]
    assert strings(read_texts(pd.Series(documents, dtype=object))) == documents


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("one text", "found one: put it in a list"),
        (b"one text", "found one: put it in a list"),
        (np.str_("one text"), "found one: put it in a list"),
        (["ferry", None], "text 1 is a NoneType"),
        (["ferry", "quimp", 3], "text 2 is a int"),
        ([b"ferry"], "text 0 is a bytes"),
        (("ferry", float("nan")), "text 1 is a float"),
        (np.array(["ferry", np.nan], dtype=object), "text 1 is a float"),
        (np.array([["ferry"]], dtype=object), "text 0 is a ndarray"),
        (iter(["ferry", ["quimp"]]), "text 1 is a list"),
        (pa.array(["ferry", None]), "text 1 is null"),
        (pa.array([None, "ferry"], pa.string_view()), "text 0 is null"),
        (pa.array([None, "ferry", None])[1:], "text 1 is null"),
        (chunks(["ferry"], ["quimp", None]), "text 2 is null"),
        (pd.Series(["ferry", None]), "text 1 is null"),
        (pd.Series(["ferry", np.nan]), "text 1 is null"),
        (pd.Series(["ferry", None], dtype=object), "text 1 is a NoneType"),
        (pd.Series(["ferry", None], dtype="string[python]"), "text 1 is null"),
        (pa.array([1, 2]), "column holds int64"),
        (pa.array([b"ferry"]), "column holds binary"),
        (pa.array([["ferry"]]), "column holds list"),
        (pa.array(["ferry"]).dictionary_encode(), "column holds dictionary"),
        (pa.table({"text": ["ferry"]}), "column holds struct"),
        (pd.DataFrame({"text": ["ferry"]}), "column holds struct"),
        (pd.Series([1.5]), "column holds double"),
        (pd.Series(["ferry"], dtype="category"), "column holds dictionary"),
        (pd.Series(["ferry", 1], dtype=object), "text 1"),
    ],
)
def test_what_is_no_text_is_refused(documents, message):
    """By its place, but never with what it says."""
    with pytest.raises(TypeError, match=message) as raised:
        read_texts(documents)
    assert "ferry" not in str(raised.value)


@pytest.mark.parametrize("documents", [None, 5, np.array("ferry")], ids=repr)
def test_what_holds_no_texts_is_refused(documents):
    with pytest.raises(TypeError, match=r"expected|not iterable|iteration"):
        read_texts(documents)


def test_a_type_error_of_the_source_stays_what_it_is():
    def documents():
        yield "ferry"
        raise TypeError("the source broke")

    with pytest.raises(TypeError, match="the source broke"):
        read_texts(documents())


# Parts


documents_in_parts = st.lists(st.text("zé漢 ", max_size=8), max_size=25)


@given(documents_in_parts, st.integers(1, 60), st.data())
def test_cut_yields_all_texts_once_in_order(documents, size, data):
    begin = data.draw(st.integers(0, len(documents)))
    texts = read_texts(documents).part(begin, len(documents))
    parts = list(texts.cut(size))
    assert [text for part in parts for text in strings(part)] == documents[begin:]
    assert all(len(part) for part in parts)
    assert all(part.size <= size or len(part) == 1 for part in parts)
    assert all(part.data is texts.data for part in parts)


@given(documents_in_parts, st.integers(1, 60))
def test_cut_makes_parts_as_large_as_they_may_be(documents, size):
    parts = list(read_texts(documents).cut(size))
    for part, following in pairwise(parts):
        assert part.size + len(strings(following)[0].encode()) > size


def test_a_part_of_a_slice_knows_its_own_size():
    texts = read_texts(pa.array(SAMPLE)[2:4])
    assert texts.size == len("".join(SAMPLE[2:4]).encode())
    assert strings(texts.part(1, 2)) == SAMPLE[3:4]
    assert Texts(texts.data, texts.offsets[:1]).longest == 0


@given(documents_in_parts, st.integers(1, 200))
def test_longest_is_never_too_short(documents, times):
    """There must be room for it; a little too much does no harm."""
    texts = read_texts([text * times for text in documents])
    longest = max((len(text.encode()) * times for text in documents), default=0)
    assert longest <= texts.longest <= max(longest, 1000)


# Memory


@given(
    st.lists(
        st.tuples(
            st.integers(0, 300), st.sampled_from([np.uint8, np.int32, np.uint64, np.float64])
        ),
        max_size=8,
    )
)
def test_allocated_arrays_are_zero_aligned_and_apart(shapes):
    arrays = allocate(*shapes)
    assert [(len(array), array.dtype) for array in arrays] == shapes
    for number, array in enumerate(arrays, start=1):
        assert array.ctypes.data % 64 == 0 or not len(array)
        assert array.flags.c_contiguous
        assert not array.any()
        array[:] = number
    for number, array in enumerate(arrays, start=1):
        assert (array == number).all()


def test_allocated_arrays_stand_side_by_side_from_a_large_page_on():
    small, large = allocate((3, np.int32), (10, np.float64))
    assert small.ctypes.data % (1 << 21) == 0
    assert large.ctypes.data - small.ctypes.data == 64


def test_a_block_that_is_larger_than_large_pages_holds_all():
    first, second = allocate((1 << 22, np.uint8), (1 << 20, np.uint64))
    first[:] = 1
    second[:] = 2
    assert first.sum(dtype=np.int64) == 1 << 22
    assert (second == 2).all()

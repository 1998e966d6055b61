"""Records that are matched by their layout are those that lxml would have built, and no others."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.parsers import layouts, xml_records
from moderation.parsers.layouts import Layouts
from moderation.parsers.limits import Limits
from moderation.parsers.notes import Notes
from moderation.parsers.sources import open_source
from moderation.parsers.xml_records import read_records
from tests.records import see_records

ROOT = '<list xmlns="urn:one" xmlns:p="urn:two">'
ROOTS = [
    *(ROOT, ROOT, ROOT, '<list xmlns="urn:one" x=">" xmlns:p="urn:two">'),
    *('<list xmlns="urn:one" xmlns:p="\nurn:two">', "<list xmlns:p='urn:&amp;'>", "<list>"),
    '<list x=\' xmlns:q="urn:two"\' xmlns:p="urn:two">',
    '<p:list xmlns:p="urn:two" xmlns:q = "urn:two">',
]
PARENTS = {"a": "list"}
RECORD = '<a p:id="{}">\n<b>{}</b>\n<c />\n<d><e><![CDATA[{}]]></e></d>\n</a>\n'

plain = st.text("ab é\n🍵>]'", max_size=8)
escaped = st.lists(
    st.sampled_from(
        ["a", " ", "\n", "\r", "\r\n", "\t", "&amp;", "&lt;", "&apos;", "&#65;", "&#x1F375;"]
    ),
    max_size=4,
).map("".join)
odd = st.sampled_from(
    [
        "&bogus;", "&#0;", "&#xFFFF;", "&#xD800;", "&", "&amp", "<", "]]>", "\ufffe", "\x01",
        "<!-- <b>x</b> -->", "<?x <b>?>", "<![CDATA[y]]>", "<i>z</i>", "<i>z<i>z</i></i>",
    ]
)  # fmt: skip
text = st.one_of(plain, plain, escaped, odd)
section = st.one_of(plain, st.sampled_from(["]", "]]", "]>", "&", "<b>", "</a>", "\r\n", "\uffff"]))
value = st.one_of(
    plain.map(lambda words: words.replace("'", "")),
    escaped,
    st.sampled_from(["&#10;", " b='", ' b="']),
)
name = st.sampled_from(["b", "c", "p:b", "p:c", "q:b", "d.e-f"])
space = st.sampled_from(["", "", "\n", "\n\t", "  "])
leaf = st.builds("<{0}>{{text}}</{0}>".format, name) | st.builds(
    "<{0}><![CDATA[{{section}}]]></{0}>".format, name
)
attributes = st.sampled_from(
    ["", ' id="{value}"', " p:id='{value}'", ' id="{value}" p:id="1"', ' id="1" id="2"',
     ' xmlns="urn:else"', ' xmlns:p="urn:else"', '  id = "{value}"', ' p:id="{value}" ']
)  # fmt: skip
empty = st.builds("<{}{}{}/>".format, name, attributes, st.sampled_from(["", " "]))
child = st.one_of(
    leaf, empty, st.builds("<{0}{1}>{2}{3}{2}{4}</{0}>".format, name, attributes, space, leaf, leaf)
)
template = st.builds(
    "<{0}{1}>{2}{3}</{0}>".format,
    st.sampled_from(["a", "a", "a", "p:a"]),
    attributes,
    space,
    st.lists(st.builds("{}{}".format, child, space), max_size=4).map("".join),
)
between = st.sampled_from(
    ["", "", "", "\n", " \n", "words", "<!-- <a>no</a> -->", "<?x <a>no</a>?>", "<z>&lt;</z>",
     "<![CDATA[<a>no</a>]]>", '<z x="<a>">', "<z><a>no</a></z>", '<z xmlns:p="urn:else"/>',
     "<a><a><b>no</b></a></a>", '<list xmlns:p="urn:else">', "<list x='>' xmlns:p='urn:else'>",
     "<list x=' xmlns:p'>", "</list>", "<a>", "</a>", "<p:a/>", "<!DOCTYPE x>", "</list>"]
)  # fmt: skip


@st.composite
def exports(draw: st.DrawFn) -> str:
    """An export of a few templates, each filled several times; some are damaged."""
    templates = draw(st.lists(template, min_size=1, max_size=3))
    root = draw(st.sampled_from(ROOTS))
    pieces = [draw(st.sampled_from(["", "<?xml version='1.0'?>\n", "<!-- <a> -->", "\n"])), root]
    for _ in range(draw(st.integers(1, 6))):
        pieces += draw(between), _fill(draw, draw(st.sampled_from(templates)))
    whole = "".join([*pieces, draw(space), "</p:list>" if root.startswith("<p:") else "</list>"])
    return whole[: draw(st.integers(0, len(whole)))] if draw(st.integers(0, 5)) == 0 else whole


def _fill(draw: st.DrawFn, made: str) -> str:
    for hole, what in (("{text}", text), ("{section}", section), ("{value}", value)):
        while hole in made:
            made = made.replace(hole, draw(what), 1)
    return made


@settings(max_examples=500)
@given(exports(), st.sampled_from([1, 7, 64, 1 << 16]))
def test_a_layout_reads_what_lxml_reads(export, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_records, "CHUNK_CHARACTERS", max(size, 100))
        seen = [
            see_records(
                export.encode(), PARENTS, bodies=("c",), by_layout=by_layout, encoding="utf-8"
            )
            for by_layout in (True, False)
        ]
    assert seen[0] == seen[1]


def matched(export: str) -> tuple[str, list[layouts.Found]]:
    """Return what is left to the parser of what follows the root, and the records of all runs."""
    made = Layouts({"a"}, ROOT)
    rest = made.cut(export) + made.cut("", at_end=True)
    numbers = re.findall(rf'{made.mark}="(\d+)"', rest)
    return rest, [found for number in numbers for found in made.take(number)]


def test_records_of_one_layout_are_matched_and_the_lines_they_took_are_left():
    rest, found = matched("".join(RECORD.format(n, f"{n} &amp; 1", "]]") for n in range(50)))
    assert [one.fields["b"] for one in found] == [f"{n} & 1" for n in range(50)]
    assert found[7].fields == {
        "@{urn:two}id": "7", "b": "7 & 1", "c": "", "d/e": "]]"
    }  # fmt: skip
    assert list(found[7].each("d")) == [{"e": "]]"}]
    assert rest.count("\n") == 50 * RECORD.count("\n")
    assert rest.count("<a ") == 1


@pytest.mark.parametrize(
    "between",
    ["<z xmlns:p='urn:else'/>", "\ufffe", "<z " + "x" * layouts.HELD_CHARACTERS],
    ids=["names that mean something else", "no character of XML", "a tag without end"],
)
def test_what_a_layout_cannot_know_leaves_all_that_follows_to_the_parser(between):
    record = RECORD.format(1, 2, 3)
    made = Layouts({"a"}, ROOT)
    assert made.mark in made.cut(record)
    rest = made.cut(between) + made.cut(record) + made.cut("", at_end=True)
    assert rest == between + record


def test_records_that_are_all_different_are_left_to_the_parser():
    records = [f"<a><b{n}>1</b{n}></a>" for n in range(2 * layouts.PATIENCE)]
    rest, found = matched("".join(records))
    assert len(found) == layouts.MOST_LAYOUTS
    assert records[-1] in rest


def test_the_layout_that_most_records_have_is_tried_first():
    often, seldom = "<a><b>1</b></a>", "<a><c>1</c></a>"
    made = Layouts({"a"}, ROOT)
    made.cut(seldom + often * 3)
    assert [layout.paths for layout in made._layouts] == [("b",), ("c",)]


def test_an_export_with_a_document_type_is_read_by_the_parser_alone():
    """It says of which attributes the spaces do not count."""
    document_type = "<!DOCTYPE list [<!ATTLIST b x NMTOKEN #IMPLIED>]>"
    records = '<a><b x=" y ">1</b></a>' * 2
    export = f"{document_type}{ROOT}{records}</list>"
    notes = Notes(limits=Limits(entities=1))
    with open_source(export.encode()) as source:
        found = [record.fields["b@x"] for _, record in read_records(source, PARENTS, notes)]
    assert found == ["y", "y"]

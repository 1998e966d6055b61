"""The review desk in real headless Chromium, as a moderator uses it."""

import html
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.browsers import (
    PAGE,
    REPOSITORY,
    RESTING,
    Server,
    focus,
    open_desk,
    press,
    serve,
    wait_for_another,
    wait_until_listening,
    wait_until_quiet,
)

pytestmark = pytest.mark.browser

HOSTILE = {
    1: "<script>window.hit = 'script'</script>",
    2: "#1 <img src=x onerror=\"window.hit = 'image'\">",
    3: "#1 [a link](http://elsewhere.example/) ![a picture](http://elsewhere.example/x.png)",
    4: '#1 =HYPERLINK("http://elsewhere.example/") $\\frac{1}{2}$ $$x^2$$ :material/home: **bold**',
    5: "#1 before \u202ereversed\u202c after \u2066isolated \u200b end",
    6: "#1 <iframe src=http://elsewhere.example/></iframe><style>* { display: none }</style>",
    7: "#1 " + "ab" * 10_000,
    8: '#1 "> <a href="javascript:window.hit = 1">www.elsewhere.example</a> &lt;b&gt; &amp;',
    9: "#1 <svg/onload=\"window.hit = 'svg'\"><math><mi xlink:href='javascript:window.hit=1'>x",
    10: "#1 </div></div></textarea></script><h1>a heading</h1><input autofocus value=x>",
    11: "#1 " + "\U0001f600\U0001f525\u2764\ufe0f" * 400,
    12: "#1 zero\u200bwidth\u2060joined\ufeff and \u200dleft alone",
    13: "#1 \u202e\u2066\u202dnested\u202c\u2069 directions \u05d0\u05d1\u05d2 mixed",
    14: "#1 " + "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 200,
    15: "+1+cmd|' /C calc'!A0",
    16: "@SUM(1+1)*cmd|' /C calc'!A0",
    17: "#1 :red[a colour] :smile: ~~struck~~ `code` | a | table | {{7*7}} ${7*7} <%= 7*7 %>",
    18: "#1 ![x](data:text/html,<script>window.hit=1</script>) data:image/svg+xml,<svg onload=x>",
    19: "-2+3 <style>@import 'http://elsewhere.example/x.css'; body { display: none }</style>",
    20: '#1 \'; DROP TABLE comment; -- " onfocus=window.hit=1 autofocus tabindex=1 x="',
}
HOSTILE_AUTHOR = "<b onmouseover=\"window.hit = 'author'\">\u202eanna</b>"
HOSTILE_TITLE = "<svg onload=\"window.hit = 'title'\"> www.elsewhere.example"


@pytest.fixture(scope="module")
def server(chromium, trained, tmp_path_factory) -> Iterator[Server]:
    """Open on two pages of the inbox; tests leave each other enough that waits."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(REPOSITORY / "data/inbox", folder / "data")
    (folder / "data" / PAGE.name).unlink()
    with serve(folder, data=folder / "data", model=trained) as server:
        yield server


def history(page) -> list[str]:
    return page.locator(".mod-recent li").all_text_contents()


def test_a_first_session(page, server):
    """Read the first comment, remove it for a reason, undo, approve, reload: it is all there."""
    open_desk(page, server, "/?moderator=anna")
    first = focus(page)
    words = page.locator(".mod-comment.focus .mod-text").text_content()
    assert words.strip()
    page.get_by_role("button", name="personal abuse").click()
    assert wait_for_another(page, first) != first
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(f'.focus[data-comment="{first}"]')
    page.wait_for_selector(RESTING)  # a click on what is about to be replaced acts on nothing
    page.get_by_role("button", name="Approve").click()
    wait_for_another(page, first)
    page.reload()
    page.wait_for_selector(".mod-list li:nth-of-type(3)")
    told = history(page)[:3]
    expected = ("approved · anna", "undone, now waiting · anna", "removed: personal abuse · anna")
    assert all(part in line for part, line in zip(expected, told, strict=True))
    assert all(" ".join(words.split())[:30] in line for line in told)
    assert server.decisions()[-3:] == [(first, "remove"), (first, "hold"), (first, "approve")]
    assert focus(page) != first


KEYS = {"f": "approve", "1": "remove", "j": "skip", "u": "undo"}
WATCH = """keys => {
    window.pressed = [];
    const shown = () => document.querySelector('.mod-comment.focus').dataset.comment;
    document.addEventListener(
        'keydown', event => window.pressed.push([shown(), keys[event.key]]), true);
}"""


@pytest.mark.parametrize("keys", ["jf1jjf1f", "f1uff1jf"])
def test_keys_pressed_in_a_row_decide_only_what_was_on_screen(page, server, keys):
    """From faster than the page is drawn to slower: what comes in between acts on neither."""
    open_desk(page, server, "/?moderator=ben")
    page.evaluate(WATCH, KEYS)
    already = len(server.decisions())
    for place, key in enumerate(keys * 3):
        page.keyboard.press(key, delay=place * 12)
    wait_until_quiet(page)
    last = focus(page)
    press(page, "f")
    pressed = [tuple(pair) for pair in page.evaluate("window.pressed")]
    decided = [pair for pair in server.decisions()[already:] if pair[1] != "hold"]
    assert len(pressed) == 25
    assert set(decided) <= set(pressed)
    assert decided[-1] == (last, "approve")


def test_typing_a_name_decides_nothing(page, server):
    open_desk(page, server)
    decided = server.decisions()
    name = page.get_by_role("textbox", name="Your name")
    name.fill("")
    name.press_sequentially("fjud 123")
    name.press("Enter")
    page.wait_for_url("**moderator=fjud*")
    wait_until_listening(page)
    assert server.decisions() == decided


def test_a_name_stays_over_pages_and_reloads(page, server):
    """Decisions after a look at the model must not go under another name."""
    from playwright.sync_api import expect

    open_desk(page, server)
    name = page.get_by_role("textbox", name="Your name")
    name.fill("clara")
    name.press("Enter")
    page.wait_for_url("**moderator=clara*")
    page.get_by_role("link", name="Model").click()
    page.get_by_role("heading", name="Quality").wait_for()
    expect(name).to_have_value("clara")
    page.get_by_role("link", name="Review").click()
    page.wait_for_selector(".mod-comment.focus")
    expect(name).to_have_value("clara")
    page.reload()
    page.wait_for_selector(".mod-comment.focus")
    expect(name).to_have_value("clara")


@pytest.mark.parametrize(
    ("path", "title"),
    [("", "Review · moderation"), ("/model", "Model · moderation"),
     ("/add", "Add comments · moderation")],
)  # fmt: skip
def test_the_title_bar_names_the_page(page, server, path, title):
    page.goto(f"{server.address}{path}")
    page.wait_for_function("title => document.title === title", arg=title)


def test_in_a_narrow_window_the_actions_stay_in_sight(page, server):
    page.set_viewport_size({"width": 800, "height": 600})
    open_desk(page, server)
    for name in ("Approve", "Undo", "private data"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["y"] + box["height"] <= 600
    assert page.evaluate("document.querySelector('.mod-comment.focus').scrollWidth") <= 500


def test_an_uploaded_page_joins_the_queue(page, server):
    open_desk(page, server)
    before = server.count_waiting()
    open_desk(page, server, "/add")
    page.locator("input[type=file]").set_input_files(PAGE)
    page.get_by_role("button", name="Add 35 comments").click()
    page.get_by_text(f"35 new, 0 updated, 0 known already; {before + 33} in the queue").wait_for()


def in_the_modules_markup(comments: dict[int, str], *, author: str, title: str) -> str:
    items = "\n".join(
        f'<li class="cmt-normal" id="comment_{900 + number}">'
        f'<h3 class="hidden">Comment number {number}.</h3>'
        f'<p class="cmt-who"><a href="#" class="userId{number}">{html.escape(author)}</a> '
        f'<span class="cmt-time">20 November 2026 {number % 12:02}:00</span></p>'
        f'<p class="cmt-text">{html.escape(text)}</p></li>'
        for number, text in comments.items()
    )
    return (
        '<html><head><meta charset="utf-8"><link rel="canonical" href="https://courier.example/x">'
        f"</head><body><h1>{html.escape(title)}</h1>"
        f'<div id="comments"><ul class="cmt-list">{items}</ul></div></body></html>'
    )


def cards(page, role: str) -> dict[str, str]:
    found = page.locator(f".mod-comment.{role}")
    return found.evaluate_all(
        "cards => Object.fromEntries(cards.map("
        "card => [card.dataset.comment, card.querySelector('.mod-text').textContent]))"
    )


def test_nothing_that_readers_write_is_markup(page, chromium, trained, tmp_path):
    """In the upload's preview, the queue, the thread and the history; no script, no request."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    saved = tmp_path / "hostile-20261120T1200Z.html"
    saved.write_text(
        in_the_modules_markup(HOSTILE, author=HOSTILE_AUTHOR, title=HOSTILE_TITLE), "utf-8"
    )
    expected = {str(900 + number): text for number, text in HOSTILE.items()}
    with serve(tmp_path, data=tmp_path / "data", model=trained) as server:
        open_desk(page, server, "/add")
        page.locator("input[type=file]").set_input_files(saved)
        page.get_by_role("button", name="Add 20 comments").click(trial=True)
        assert cards(page, "around") == expected
        page.get_by_role("button", name="Add 20 comments").click()
        page.get_by_text("20 in the queue now").wait_for()
        open_desk(page, server)
        review_all(page, expected)
        check_history(page)
    assert page.evaluate("window.hit") is None
    assert {urlsplit(url).hostname for url in asked if not url.startswith("data:")} == {"localhost"}


def review_all(page, expected: dict[str, str]) -> None:
    """Decide on each comment, its words and those around it being what was written."""
    seen = set()
    for _ in expected:
        shown = cards(page, "focus") | cards(page, "around")
        assert shown.items() <= expected.items()
        assert page.locator(".mod-comment.focus b").text_content() == HOSTILE_AUTHOR
        assert page.locator(".mod-title").text_content() == HOSTILE_TITLE
        assert page.locator(".mod-comment img, .mod-comment a, .mod-comment iframe").count() == 0
        seen.add(focus(page))
        if len(seen) < len(expected):
            press(page, "f")
    page.keyboard.press("f")
    page.get_by_text("Nothing waits for you").wait_for()
    assert seen == expected.keys()


def check_history(page) -> None:
    page.wait_for_selector(".mod-recent li:nth-of-type(8)")
    told = " ".join(history(page))
    assert sum(" ".join(text.split())[:30] in told for text in HOSTILE.values()) == 8


def test_a_database_that_goes_away_between_two_keys_is_said_in_words(page, trained, tmp_path):
    """A key redraws a part of the page only: that part says so by itself."""
    shutil.copytree(REPOSITORY / "data/inbox", tmp_path / "data")
    with serve(tmp_path, data=tmp_path / "data", model=trained) as server:
        open_desk(page, server)
        press(page, "j")
        (tmp_path / "review.db").unlink()
        page.keyboard.press("j")
        page.get_by_text("the database does not answer").first.wait_for()
        assert page.get_by_text("Traceback").count() == 0
        assert page.locator("[data-testid=stException]").count() == 0

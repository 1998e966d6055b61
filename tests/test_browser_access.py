"""Every page for everybody: contrast, names and order, checked by axe-core in headless Chromium."""

import shutil

import pytest

from tests.browsers import PAGE, RESTING, need, serve
from tests.samples import labelled_comments

pytestmark = pytest.mark.browser

PAGES = ("", "many", "insight", "model", "add", "settings")
NOT_OURS = ".stAppDeployButton, [data-testid=stToolbar], [data-testid=stDecoration]"
"""What Streamlit draws around every app."""


@pytest.fixture(scope="module")
def desk(chromium, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    (folder / "data").mkdir()
    shutil.copy(PAGE, folder / "data")
    rows = [f"{comment.id},{comment.text}" for comment in labelled_comments(removed=3, kept=5)]
    table = "\n".join(["id,text", *rows, "90,the same words twice", "91,the same words twice!"])
    (folder / "data" / "table.csv").write_text(table, encoding="utf-8")
    with serve(folder, data=folder / "data", model=trained) as server:
        yield server


def open_page(page, desk, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{desk.address}/{path}?moderator=anna")
    page.wait_for_selector(".mod-title")
    page.wait_for_selector(RESTING)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("width", [1440, 800])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_serious_violation(page, desk, path, width):
    axe = need("axe_playwright_python.sync_playwright", "axe-playwright-python")
    open_page(page, desk, path, width)
    response = axe.Axe().run(page, context={"exclude": [[NOT_OURS]]}).response
    assert {"color-contrast", "button-name"} <= {rule["id"] for rule in response["passes"]}
    found = response["violations"]
    serious = [
        (one["id"], node["target"], node["failureSummary"])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert serious == []


def test_the_tab_key_goes_from_the_comment_to_its_buttons_in_their_order(page, desk):
    open_page(page, desk, "", 1440)
    page.locator(".mod-comment.focus .mod-text").focus()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        label = page.evaluate("document.activeElement.innerText.split('\\n')[0]")
        reached.append(label.strip())
    order = ["Approve", "Remove", "Next", "Back", "personal abuse", "other", "Hand on", "Show"]
    places = [reached.index(label) for label in order]
    assert places == sorted(places)

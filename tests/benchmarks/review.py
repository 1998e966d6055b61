"""
From key to next comment, in the browser: `python -m tests.benchmarks.review`.

The store holds a queue of 100,000 comments and a history of a million decisions, made of real
comments where there are some. Headless Chromium works through it by
keyboard alone: approving, removing, passing over, going back, undoing. The time runs from the key
being pressed until the next comment stands on the page. Beside it, in turns in the same run, an
empty Streamlit page: one line and one button with a key, whose rerun counts up. What is asked: the
desk's median is at most twice the empty page's.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from sqlalchemy import insert
from tqdm import tqdm

from moderation.chain import BEGINNING, SEALED, seal
from moderation.comments import Comment
from moderation.database import Store, open_store
from moderation.policy import HOUSE_RULES, Action
from moderation.review import key_of
from moderation.similar import VERSION, find_bands
from moderation.tables import BAND_COLUMNS, Chain, Decision, Held, Kind, StoredComment
from tests.benchmarks.material import read_comments

REPOSITORY = Path(__file__).parents[2]
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
AT_ONCE = 20_000
MODERATORS = ("anna", "ben", "clara", "dora", "emil", "fatma", "greta", "hugo")
KEYS = ("f", "d4", "j", "f", "1", "u", "k", "j", "f", "f")
"""What is pressed, over and over; a removal by two keys is timed from the second."""
EMPTY = """
import streamlit as st

def add():
    st.session_state["turns"] = st.session_state.get("turns", 0) + 1

st.html(f'<div class="focus" data-turn="{st.session_state.get("turns", 0)}">An empty page.</div>')
st.button("Again", shortcut="f", on_click=add)
"""
WATCH = """attribute => {
    window.times = [];
    let pressed = null, was = null;
    const shown = () => document.querySelector(".focus")?.getAttribute(attribute);
    document.addEventListener("keydown", event => {
        pressed = performance.now(); was = shown();
    }, true);
    new MutationObserver(() => {
        const now = shown();
        if (pressed !== null && now && now !== was) {
            window.times.push(performance.now() - pressed); pressed = null;
        }
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""
RESTING = "[data-testid=stApp][data-test-script-state=notRunning]"


def fill(store: Store, texts: list[str], *, waiting: int, decided: int) -> None:
    """Put comments and decisions into an empty store, as the desk would have over a year."""
    begin = cycle(texts)
    before = BEGINNING
    with store.engine.execution_options(writes=True).begin() as connection:
        for at in tqdm(range(0, decided + waiting, AT_ONCE), desc="filling the store"):
            comments, held, decisions = [], [], []
            for number in range(at, min(at + AT_ONCE, decided + waiting)):
                comment = Comment(
                    id=str(number),
                    text=next(begin),
                    source="csv",
                    author=f"reader {number * 7919 % 50_021}",
                    article_id=f"https://courier.example/{number // 60}",
                )
                key = key_of(comment)
                is_decided = number < decided
                comments.append(_row(comment, key, number, number + 1 if is_decided else None))
                if not is_decided:
                    held.append({"comment_key": key, "held_at": BEGAN})
                    continue
                decisions.append(decision := _decision(number + 1, key))
                before = decision["digest"] = seal(decision, before=before)
            signatures = find_bands([row["text"] for row in comments])
            for row, bands in zip(comments, signatures, strict=True):
                stored = bands or [None] * len(BAND_COLUMNS)
                row |= dict(zip(BAND_COLUMNS, stored, strict=True))
            connection.execute(insert(StoredComment), comments)
            if held:
                connection.execute(insert(Held), held)
            if decisions:
                connection.execute(insert(Decision), decisions)
        connection.execute(Chain.__table__.update().values(last_id=decided, digest=before))


def _row(comment: Comment, key: str, number: int, decision: int | None) -> dict[str, Any]:
    positive, negative = number * 7 % 19, number * 5 % 7
    parent = str(number - 1 - number % 9) if number % 60 > 10 else None
    return {
        "key": key,
        "article_key": comment.article_id,
        "source_id": comment.id,
        "source_parent_id": parent,
        "number": number % 60 + 1,
        "article_id": comment.article_id,
        "article_title": f"Article {number // 60}",
        "author": comment.author,
        "text": comment.text,
        "created_at": BEGAN + timedelta(seconds=30 * number),
        "positive_votes": positive,
        "negative_votes": negative,
        "rating": positive - negative,
        "highlighted": False,
        "source": "csv",
        "decision_id": decision,
        "signed_with": VERSION,
    }


def _decision(id: int, key: str) -> dict[str, Any]:
    removed = id % 10 == 0
    return dict.fromkeys(SEALED) | {
        "id": id,
        "comment_key": key,
        "kind": Kind.DECISION,
        "action": Action.REMOVE if removed else Action.APPROVE,
        "house_rule": HOUSE_RULES[id % len(HOUSE_RULES)] if removed else None,
        "decided_by": MODERATORS[id // 500 % len(MODERATORS)],
        "decided_at": BEGAN + timedelta(seconds=30 * id + 600),
        "weight": 1.0,
    }


@contextmanager
def serve(script: Path, folder: Path, **environment: str) -> Iterator[str]:
    """Run a Streamlit script and yield its address."""

    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    options = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    with (folder / f"{script.stem}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://localhost:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except URLError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def press_keys(page: Any, keys: str) -> float:
    """Press keys one after the other and return the milliseconds until the page has changed."""
    before = page.evaluate("window.times.length")
    for key in keys:
        page.wait_for_selector(RESTING)
        page.keyboard.press(key)
        if key == "d":
            page.wait_for_selector("text=press the digit")
            page.evaluate("window.times.length")
    page.wait_for_function("seen => window.times.length > seen", arg=before)
    page.wait_for_selector(RESTING)
    return float(page.evaluate("window.times.at(-1)"))


def measure(desk: str, empty: str, *, turns: int) -> tuple[list[float], list[float]]:
    """Return the times of the desk and of the empty page, in milliseconds, pressed in turns."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        pages = []
        for address, attribute in ((desk, "data-comment"), (empty, "data-turn")):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(600_000)
            page.goto(address)
            page.wait_for_selector(".focus")
            page.wait_for_selector(RESTING)
            page.evaluate(WATCH, attribute)
            pages.append(page)
        times: tuple[list[float], list[float]] = ([], [])
        for keys in tqdm(list(islice(cycle(KEYS), turns)), desc="pressing keys"):
            for page, own, measured in zip(pages, (keys, "f"), times, strict=True):
                page.bring_to_front()
                measured.append(press_keys(page, own))
        browser.close()
    return times


def main() -> None:
    """Fill a store, press the keys, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--decided", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=120)
    parser.add_argument("--model", type=Path, default=Path("models/moderation.joblib"))
    parser.add_argument("--store", type=Path, help="a store that was filled before, kept")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        database = args.store or folder / "review.db"
        if not database.exists():
            fill(
                open_store(f"sqlite:///{database}"),
                read_comments(20_000)[0],
                waiting=args.waiting,
                decided=args.decided,
            )
        (folder / "empty.py").write_text(EMPTY)
        settings = {
            "MODERATION_DATABASE_URL": f"sqlite:///{database}",
            "MODERATION_DATA": str(folder / "none"),
            "MODERATION_MODEL": str(args.model),
        }
        with (
            serve(REPOSITORY / "streamlit_app.py", folder, **settings) as desk,
            serve(folder / "empty.py", folder) as empty,
        ):
            review, nothing = measure(desk, empty, turns=args.turns)
    print(f"{args.waiting:,} waiting, {args.decided:,} decided; {args.turns} keys, milliseconds")
    print("| from key to        | median | 90 of 100 within |")
    print("|--------------------|-------:|-----------------:|")
    for name, times in (("the next comment", review), ("an empty page", nothing)):
        late = float(np.quantile(times, 0.9))
        print(f"| {name:<18} | {statistics.median(times):6.0f} | {late:16.0f} |")
    print(f"ratio of medians: {statistics.median(review) / statistics.median(nothing):.2f}")


if __name__ == "__main__":
    main()

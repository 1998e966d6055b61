"""The figures of a model card, as PNG bytes: what the scores do, with the operating points."""

import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from moderation.adaptation import Adapted
from moderation.calibration import change_base_rate
from moderation.metrics import Floats, Integers, wilson
from moderation.thresholds import OperatingPoint

REMOVED, KEPT, INK, QUIET = "#c2410c", "#0f766e", "#1f2937", "#9ca3af"
MARKS = ("o", "s", "D")
_KINDS = {
    "adapted": "with the base model to begin with",
    "alone": "the base model alone",
    "scratch": "with nothing to begin with",
}
SIZE, DPI = (7.2, 4.6), 144


def precision_recall(labels: Integers, scores: Floats, points: Sequence[OperatingPoint]) -> bytes:
    """Draw precision over recall on the held-out comments, each operating point marked."""
    axes = make_axes("What is caught, and how often rightly", "recall: share of removals caught",
                 "precision: share of matches removed")  # fmt: skip
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(labels[order])
    precision, recall = found / np.arange(1, len(labels) + 1), found / labels.sum()
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    axes.step(recall[last_of_score], precision[last_of_score], where="post", color=REMOVED, lw=2)
    base_rate = labels.mean()
    axes.axhline(base_rate, color=QUIET, ls="--", lw=1)
    axes.annotate(f"by chance: {base_rate:.0%}", (0, base_rate), va="bottom",
                  color=QUIET, xytext=(6, 3), textcoords="offset points")  # fmt: skip
    for point, mark in zip(points, MARKS, strict=False):
        matching = scores >= point.threshold
        if matching.any():
            at = (labels[matching].sum() / labels.sum(), labels[matching].mean())
            label = f"{point.name}, at or above {point.threshold:.2f}"
            axes.plot(*at, mark, ms=9, mfc="white", mec=INK, mew=1.8, label=label, zorder=5)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.03))
    if points:
        axes.legend(frameon=False, loc="upper right")
    return as_png(axes)


def calibration(labels: Integers, scores: Floats, *, base_rate: float) -> bytes:
    """
    Draw the share removed over the score, in tenths of the comments, with Wilson intervals.

    So for the scores, which are probabilities at a base rate, and on the 50/50 scale, where the
    shares are those of as many removed comments as kept ones.
    """
    axes = make_axes("Does a score of 0.3 mean three in ten?", "mean score of a group of comments",
                 "share of it that was removed")  # fmt: skip
    axes.plot([0, 1], [0, 1], color=QUIET, ls="--", lw=1, label="perfectly calibrated")
    groups = np.array_split(np.argsort(scores, kind="stable"), min(10, len(scores)))
    shares = [wilson(int(labels[group].sum()), len(group)) for group in groups]
    rates = np.array([(share.low, share.value, share.high) for share in shares])
    own, rate = f"P(removal) where {base_rate:.1%} are removed", float(labels.mean())
    even = (
        change_base_rate(scores, before=base_rate, after=0.5),
        change_base_rate(np.clip(rates, 1e-9, 1 - 1e-9), before=rate, after=0.5),
    )
    for (across, up), mark, colour, name in (
        ((scores, rates), "o", REMOVED, own),
        (even, "s", KEPT, "50/50 scale"),
    ):
        axes.errorbar(
            [across[group].mean() for group in groups], up[:, 1], yerr=np.abs(np.diff(up).T),
            fmt=mark, color=colour, ecolor=colour, elinewidth=1, capsize=3, ms=6,
            label=f"{name}, ten groups, 95% intervals",
        )  # fmt: skip
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(frameon=False, loc="upper left")
    return as_png(axes)


def adaptation(measured: Sequence[Adapted]) -> bytes:
    """Draw ROC-AUC over the comments learnt from: base model alone, adapted, from nothing."""
    corpora = list(dict.fromkeys(part.corpus for part in measured))
    figure = Figure(figsize=(SIZE[0], 2.6 * math.ceil(len(corpora) / 2) + 0.6), dpi=DPI)
    for place, corpus in enumerate(corpora, start=1):
        axes = figure.add_subplot(math.ceil(len(corpora) / 2), 2, place)
        parts = [part for part in measured if part.corpus == corpus]
        dress(axes, corpus, "comments learnt from" if place > len(corpora) - 2 else "", "ROC-AUC")
        sizes = [part.size for part in parts]
        for name, colour, style in (
            ("adapted", REMOVED, "o-"), ("alone", INK, "--"), ("scratch", KEPT, "s-"),
        ):  # fmt: skip
            draws = np.array([getattr(part, name) for part in parts])
            axes.plot(sizes, draws.mean(axis=1), style, color=colour, ms=4, label=_KINDS[name])
            axes.fill_between(sizes, draws.min(axis=1), draws.max(axis=1), color=colour, alpha=0.12)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        if place == 1:
            axes.legend(frameon=False, loc="lower right", fontsize=8)
    return as_png(axes)


def score_distribution(labels: Integers, scores: Floats, points: Sequence[OperatingPoint]) -> bytes:
    """Draw how scores of kept and removed comments spread, thresholds marked."""
    axes = make_axes("How far apart the two lie", "score", "comments")
    edges = np.linspace(0, 1, 41).tolist()
    for outcome, colour, name in ((0, KEPT, "kept"), (1, REMOVED, "removed")):
        chosen = scores[labels == outcome]
        axes.hist(chosen, bins=edges, color=colour, alpha=0.6, label=f"{name} ({len(chosen)})")
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter("{x:.0f}")
    top = axes.get_ylim()[1]
    axes.set(xlim=(0, 1), ylim=(0, top * 6))
    for place, point in enumerate(points):
        axes.axvline(point.threshold, color=INK, lw=1, ls=":")
        axes.annotate(point.name, (point.threshold, top * (4.2, 2.6, 1.6)[place % 3]),
                      xytext=(4, 0), textcoords="offset points", color=INK, fontsize=9)  # fmt: skip
    axes.legend(frameon=False, loc="center right")
    return as_png(axes)


def strongest_words(weights: Sequence[tuple[str, float]]) -> bytes:
    """Draw the words with the largest weights either way."""
    figure = Figure(figsize=(SIZE[0], 1.2 + 0.24 * len(weights)), dpi=DPI)
    axes = dress(figure.add_subplot(), "Words that weigh most", "weight in the logit", "")
    names = [printable_label(name) for name, _ in weights]
    values = [value for _, value in weights]
    axes.barh(range(len(names)), values, color=[REMOVED if v > 0 else KEPT for v in values])
    axes.set_yticks(range(len(names)), names)
    axes.axvline(0, color=INK, lw=0.8)
    axes.grid(False, axis="y")
    axes.annotate("towards removal →", (1, 1), xycoords="axes fraction", ha="right", va="bottom",
                  xytext=(0, 3), textcoords="offset points", color=REMOVED)  # fmt: skip
    axes.annotate("← towards keeping", (1, 1), xycoords="axes fraction", ha="right", va="bottom",
                  xytext=(-130, 3), textcoords="offset points", color=KEPT)  # fmt: skip
    return as_png(axes)


def make_axes(title: str, across: str, up: str) -> Axes:
    return dress(Figure(figsize=SIZE, dpi=DPI).add_subplot(), title, across, up)


def dress(axes: Axes, title: str, across: str, up: str) -> Axes:
    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold", pad=10)
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#e5e7eb", lw=0.8)
    axes.set_axisbelow(True)
    return axes


def printable_label(word: str) -> str:
    """Escape what Matplotlib would take for mathematics, and keep labels short."""
    return word[:30].replace("$", r"\$")


def as_png(axes: Axes) -> bytes:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.set_layout_engine("tight")
    picture = io.BytesIO()
    # Without the software's name the same figure gives the same bytes.
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()

"""Modules import down the layers only, and light ones stay light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "moderation"

READING = {"comments", "text", "errors"}
MAY_IMPORT = {
    "errors": set(),
    "settings": {"errors"},
    "text": {"errors"},
    "comments": {"errors"},
    "policy": {"errors"},
    "kernels": set(),
    "buffers": set(),
    "letters": {"kernels"},
    "threads": set(),
    "progress": set(),
    "vocabulary": {"buffers", "kernels", "letters", "threads"},
    "learning": {"buffers", "kernels", "letters", "progress", "threads", "vocabulary"},
    "masks": {"buffers", "kernels"},
    "compiled": {"buffers", "kernels", "letters", "masks", "vocabulary"},
    "features": {
        "buffers", "compiled", "kernels", "learning", "masks", "progress", "threads", "vocabulary",
    },
    "formulas": set(),
    "parsers": {*READING, "formulas"},
    "frames": {"comments", "errors"},
    "captures": {"comments", "errors"},
    "metrics": {"errors"},
    "equating": {"metrics"},
    "fairness": {"metrics"},
    "templates": {"fairness", "metrics", "errors"},
    "thresholds": {"metrics", "policy", "shares", "errors"},
    "watching": {"metrics", "policy"},
    "auditing": {"comments", "parsers", "policy", "watching", "errors"},
    "drift": {"metrics"},
    "agreement": {"metrics", "policy"},
    "languages": {"kernels", "errors"},
    "perspective": {"explanations", "text", "errors"},
    "past": {"captures", "frames", *READING, "parsers", "policy"},
    "verdicts": {"past", "policy", "errors"},
    "guarantees": {"metrics", "policy"},
    "settling": {"guarantees", "metrics", "past", "policy", "thresholds", "verdicts", "errors"},
    "desk": {"past"},
    "insight": {
        "agreement", "comments", "datasets", "desk", "metrics", "model", "past", "policy",
        "progress", "review", "shares", "tables",
    },
    "shares": {"metrics"},
    "simulation": {"desk", "past", "policy", "shares", "verdicts"},
    "promotion": {"guarantees", "metrics", "past", "policy", "verdicts"},
    "datasets": {"captures", "frames", *READING},
    "memory": {"datasets"},
    "old_scores": {"captures", "datasets", *READING, "parsers"},
    "logistic": {"kernels"},
    "calibration": set(),
    "explanations": {"compiled", "text"},
    "scorer": {
        "buffers", "calibration", "compiled", "explanations", "features", "masks", "policy",
    },
    "foundation": {
        "calibration", "fairness", "features", "logistic", "masks", "progress", "scorer",
    },
    "model": {
        "calibration", "datasets", "features", "logistic", "masks", "progress", "scorer", "threads",
        "errors",
    },
    "similar": {"errors"},
    "tables": {"comments", "policy", "errors"},
    "chain": set(),
    "migrations": {"chain", "tables"},
    "outages": {"errors"},
    "schema": {"tables", "errors"},
    "database": {"outages", "schema", "errors"},
    "artifacts": {"scorer", "errors"},
    "locks": {"errors"},
    "quota": set(),
    "releases": {"artifacts", "locks", "scorer", "errors"},
    "serving": {
        "artifacts", "buffers", "languages", "policy", "releases", "scorer", "errors",
    },
    "sharing": set(),
    "handover": {"buffers", "serving", "sharing"},
    "retraining": {"locks", "parsers", "releases", "settings", "errors"},
    "review": {
        "captures", "chain", "comments", "policy", "progress", "similar", "tables", "text",
        "errors",
    },
    "spool": {"errors"},
    "delivery": {"database", "locks", "outages", "review", "spool", "errors"},
    "training": {
        "calibration", "datasets", "fairness", "languages", "memory", "metrics", "model",
        "progress", "scorer", "thresholds", "errors",
    },
    "comparing": {
        "artifacts", "captures", "comments", "datasets", "languages", "memory", "metrics", "past",
        "policy", "promotion", "scorer", "verdicts",
    },
    "adaptation": {"datasets", "model", "progress", "scorer"},
    "plots": {"adaptation", "calibration", "metrics", "thresholds"},
    "trade_offs": {"desk", "past", "policy", "shares", "simulation", "verdicts"},
    "policy_plots": {
        "guarantees", "metrics", "plots", "policy", "settling", "shares", "simulation",
        "trade_offs",
    },
    "distributed": {
        "artifacts", "buffers", "calibration", "captures", "comments", "datasets", "fairness",
        "features", "frames", "kernels", "languages", "learning", "logistic", "masks", "memory",
        "metrics", "model", "parsers", "progress", "samples", "scorer", "scoring", "threads",
        "thresholds", "training", "vocabulary", "errors",
    },
    "cards": {"fairness", "metrics", "plots", "training"},
    "harvest": {"comments", "frames", "parsers", "errors"},
    "tally": {"harvest"},
    "proposing": {"parsers", "errors"},
    "arguments": {"comments", "parsers", "errors"},
    "coral": {"policy", "text", "errors"},
    "openai": {"errors"},
    "keys": {"arguments", "locks", "settings", "errors"},
    "labels": {
        "arguments", "database", "delivery", "review", "settings", "spool", "errors",
    },
    "migrate": {"arguments", "database", "outages", "schema", "settings", "errors"},
    "audit": {"arguments", "database", "outages", "review", "settings", "errors"},
    "retention": {"arguments", "database", "outages", "review", "settings", "errors"},
    "parse": {
        "arguments", "captures", "comments", "frames", "harvest", "parsers", "proposing", "tally",
        "errors",
    },
    "scoring": {"comments", "frames", "languages", "parsers", "scorer"},
    "samples": {"datasets", "fairness", "metrics", "scorer"},
    "engines": {"arguments", "distributed", "errors"},
    "score": {
        "arguments", "artifacts", "distributed", "engines", "frames", "kernels", "languages",
        "parsers", "scoring", "errors",
    },
    "exporting": {"comments", "desk", "formulas", "frames", "past", "policy", "review", "tables"},
    "export": {"arguments", "database", "exporting", "frames", "settings", "errors"},
    "train": {
        "arguments", "artifacts", "cards", "comments", "comparing", "database", "datasets",
        "distributed", "engines", "kernels", "parsers", "progress", "releases", "retraining",
        "review", "scorer", "settings", "training", "errors",
    },
    "base_card": {
        "adaptation", "cards", "fairness", "foundation", "metrics", "plots", "thresholds",
    },
    "base": {
        "adaptation", "arguments", "artifacts", "base_card", "calibration", "fairness",
        "foundation", "kernels", "metrics", "parsers", "policy", "scorer", "templates",
        "thresholds", "training", "errors",
    },
    "evaluate": {
        "arguments", "artifacts", "captures", "cards", "comments", "datasets", "distributed",
        "engines", "fairness", "frames", "metrics", "kernels", "parsers", "policy", "samples",
        "scorer", "templates", "thresholds", "errors",
    },
    "answers": {"locks", "errors"},
    "old_api": {"answers", "errors"},
    "capture": {
        "answers", "arguments", "comments", "frames", "old_api", "settings", "errors",
    },
    "passport": {
        "arguments", "artifacts", "calibration", "comments", "datasets", "equating", "frames",
        "kernels", "old_scores", "parsers", "scorer", "errors",
    },
    "policy.__main__": {"policy_command"},
    "policy_command": {
        "arguments", "artifacts", "auditing", "comments", "desk", "drift", "frames", "kernels",
        "past", "parsers", "policy", "policy_plots", "promotion", "scorer", "scoring", "settling",
        "shares", "simulation", "trade_offs", "verdicts", "watching", "errors",
    },
    "service": {
        "comments", "coral", "database", "delivery", "explanations", "keys", "languages", "openai",
        "perspective", "policy", "quota", "review", "serving", "settings", "spool", "errors",
    },
    "serve": {"arguments", "handover", "kernels", "service", "settings", "errors"},
    "__main__": set(),
    "app": {
        "agreement", "artifacts", "captures", "comments", "comparing", "database", "desk",
        "explanations", "exporting", "frames", "insight", "languages", "parsers", "policy",
        "releases", "retraining", "review", "scorer", "settings", "shares", "tables", "text",
        "errors",
    },
}  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of our own that a file imports, by their first name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module == "moderation":
            names = [f"moderation.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("moderation."))


def _layer(path: Path) -> str:
    """Return the row of a file: a package is one, and the command that it can be run as another."""
    name = path.parts[0].removesuffix(".py")
    return f"{name}.__main__" if len(path.parts) > 1 and path.name == "__main__.py" else name


def violations(package: Path) -> list[str]:
    """Return every import that climbs the layers, as `importer -> imported`."""
    return [
        f"{module} -> {name}"
        for path in sorted(package.rglob("*.py"))
        if (module := _layer(path.relative_to(package))) != "__init__"
        for name in imported(path)
        if name != module and name not in MAY_IMPORT[module]
    ]


def test_imports_only_go_down_the_layers():
    assert violations(PACKAGE) == []


def test_a_climb_is_found(tmp_path):
    (tmp_path / "text.py").write_text("from moderation.comments import Comment\n")
    assert violations(tmp_path) == ["text -> comments"]


def test_the_table_has_no_circle():
    """A circle in the table would allow climbs."""
    settled: set[str] = set()
    while ready := {m for m, uses in MAY_IMPORT.items() if m not in settled and uses <= settled}:
        settled |= ready
    assert settled == MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("moderation", {"sklearn", "pandas", "streamlit", "sqlalchemy", "lxml"}),
        (
            "moderation.artifacts",
            {"streamlit", "sqlalchemy", "matplotlib", "dask", "fastapi", "lxml"},
        ),
        ("moderation.policy", {"sklearn", "pandas", "sqlalchemy"}),
        ("moderation.review", {"sklearn", "pandas", "streamlit"}),
        (
            "moderation.perspective.analysis",
            {"sklearn", "pandas", "numba", "numpy", "sqlalchemy", "fastapi", "pydantic", "lxml"},
        ),
    ],
)
def test_light_modules_stay_light(module, heavy):
    """Scoring in a service imports no app; the review rules need no scikit-learn."""
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert heavy & set(found.stdout.split()) == set()

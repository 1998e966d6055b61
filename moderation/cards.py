"""The model card: what a model is for, what it learnt from, how good it is and where it ends."""

from collections.abc import Iterator

from moderation import plots
from moderation.fairness import BiasReport, GroupBias
from moderation.metrics import PointMeasure, Report
from moderation.training import SourceFile, Training

LISTED_FILES = 12
TOO_FEW_MENTIONS = "too few comments mention an identity term to tell"
FEW = 30
"""With fewer of one outcome, intervals by resampling are too narrow to be believed."""
PICTURES = (
    ("Precision over recall, operating points marked", "precision_recall.png"),
    ("Share removed over score", "calibration.png"),
    ("Scores of kept and removed comments", "scores.png"),
    ("The strongest of this site's words for each side", "words.png"),
)

# The headings follow "Model Cards for Model Reporting" (Mitchell et al. 2019).
_ALONE = """
- It has seen this site's comments only; on another site, or another subject, it will be worse.
""".strip()
_WITH_BASE = """
- Beside this site's comments it knows those of the base model, in English, with the limits that the
  base model's card names; on another site, or another subject, it will be worse.
""".strip()
_LIMITS = """
- It knows words and parts of words, not meaning: quoted abuse, irony and new code words mislead it.
- A score is a reason to read a comment, not a verdict. Do not remove comments on it alone.
- It repeats the habits of the moderators whose decisions it learnt from, their mistakes too.
""".strip()


HOW_TO_READ_BIAS = """
By the identity terms that comments mention (Borkan et al. 2019), each the share of pairs of a
removed and a kept comment that the scores put in the right order. Subgroup: both mention the
group. BPSN: the kept one does, the removed one does not; low where a mention alone raises scores.
BNSP: the removed one does, the kept one does not; low where abuse of the group is missed.
""".strip()


def write_card(training: Training, *, name: str, files: list[SourceFile]) -> str:
    """Return the card as Markdown; the plots lie in the folder `name` beside it."""
    return "\n\n".join(_sections(training, name, files)) + "\n"


def draw_plots(training: Training) -> dict[str, bytes]:
    """Return the card's figures by file name."""
    labels, scores, points = training.held_out.labels, training.held_out_scores, training.points
    words = training.strongest_words(15)
    return {
        "precision_recall.png": plots.precision_recall(labels, scores, points),
        "calibration.png": plots.calibration(labels, scores, base_rate=training.data.base_rate),
        "scores.png": plots.score_distribution(labels, scores, points),
        "words.png": plots.strongest_words(words),
    }


def summarise(report: Report) -> Iterator[str]:
    """Yield a report as lines of plain text, the count behind each number beside it."""
    yield (
        f"{report.comments} comments, {report.removed} removed "
        f"(base rate {report.base_rate:.1%}; the site's {report.site_base_rate:.1%})"
    )
    yield f"ROC-AUC            {report.roc_auc}"
    yield f"average precision  {report.average_precision}"
    if _is_small(report):
        yield f"fewer than {FEW} of one outcome: a hint, not a measurement"
    for point in report.points:
        yield f"{point.name}: score at or above {point.threshold:.3f}"
        yield f"  match rate  {point.match_rate.as_share()}"
        yield f"  recall      {point.recall.as_share()}"
        yield f"  precision   {_precision(point)}"


def summarise_bias(report: BiasReport) -> Iterator[str]:
    """Yield a bias report as lines of plain text: one where no group could be measured."""
    if not report.groups:
        yield f"bias: {TOO_FEW_MENTIONS}"
        return
    yield "bias by identity term (ROC-AUC):"
    yield from bias_table(report)
    if report.left_out:
        yield _left_out(report)


def bias_table(report: BiasReport) -> Iterator[str]:
    """Yield a bias report as the lines of a Markdown table; what is over all groups comes last."""
    rates = (
        "" if report.threshold is None else f" kept at or above {report.threshold:.3f} | others |"
    )
    yield f"| group | comments | removed | subgroup AUC | BPSN AUC | BNSP AUC |{rates}"
    yield "|---|---:|---:|---|---|---|" + ("---:|---:|" if rates else "")
    yield from (_bias_row(group) for group in report.groups)
    over_all = {
        "the worst": [
            f"{summary.worst:.3f} ({summary.worst_group})" for summary in report.summaries
        ],
        "power mean": [f"{summary.power_mean:.3f}" for summary in report.summaries],
    }
    for name, values in over_all.items():
        yield f"| {name} | | | {' | '.join(values)} |" + (" | |" if rates else "")


def _bias_row(bias: GroupBias) -> str:
    cells = [bias.group, f"{bias.comments:,}", f"{bias.removed:,}"]
    cells += [str(auc) for auc in (bias.subgroup_auc, bias.bpsn_auc, bias.bnsp_auc)]
    rates = (bias.false_positive_rate, bias.background_false_positive_rate)
    cells += [f"{rate.value:.1%}" for rate in rates if rate is not None]
    return f"| {' | '.join(cells)} |"


def _left_out(report: BiasReport) -> str:
    return (
        f"left out, too few ({len(report.left_out)} groups with fewer than {report.fewest} removed "
        f"or kept comments): {', '.join(report.left_out)}"
    )


def _is_small(report: Report) -> bool:
    return min(report.removed, report.comments - report.removed) < FEW


def _precision(point: PointMeasure) -> str:
    if point.precision is None:
        return "unknown: nothing matched"
    if point.site_precision is None:
        return point.precision.as_share()
    return (
        f"{point.precision.as_share()}; at the site's base rate {point.site_precision:.1%}, "
        f"match rate {point.site_match_rate:.1%}"
    )


def _sections(training: Training, name: str, files: list[SourceFile]) -> Iterator[str]:
    data, report = training.data, training.report
    yield f"# {name}: which comments moderators are likely to take down"
    yield (
        "TF-IDF over words and characters with logistic regression "
        f"(C = {training.search.strength:g}), scoring `{training.scorer.attribute}`: the "
        "probability that this site's moderators remove a comment." + _beginning(training)
    )
    yield (
        "## Use\n\nTo order a review queue and to mark what moderators should read first. Not to "
        "judge authors, and not to remove comments without a person."
    )
    yield f"## Quality\n\n{_quality(report)}"
    if training.base_report is not None:
        yield f"The base model alone, on the same comments: ROC-AUC {training.base_report.roc_auc}."
    yield _points_table(report)
    yield (
        "The points were chosen on out-of-fold scores of the part learnt from; the numbers are "
        "from the part set aside. Intervals are 95%: Wilson's for rates, bootstrap over whole "
        f"{data.grouped_by}s for the ranking."
    )
    yield from (f"![{title}]({name}/{picture})" for title, picture in PICTURES)
    yield f"## Fairness\n\n{_fairness(training.bias)}"
    yield (
        f"## Training data\n\n{len(data)} different texts, {data.removed} of them removed; the "
        f"site's base rate, copies included, is {data.base_rate:.1%}. Learnt from "
        f"{len(training.learned)}, measured on {len(training.held_out)} of other "
        f"{data.grouped_by}s, set aside before anything was chosen (seed {training.seed})."
        f"\n\nSHA-256 of the labelled texts: `{training.fingerprint}`"
    )
    yield "\n".join(_files_table(files))
    seen = _ALONE if training.base is None else _WITH_BASE
    yield f"## Limits\n\n{seen}\n{_LIMITS}"


def _beginning(training: Training) -> str:
    if training.base is None:
        return ""
    heads = ", ".join(f"`{name}`" for name in training.base.heads)
    return (
        f" Learning began with the base model {training.base.version}: its weights are what this "
        "site's decisions moved." + (f" Its heads are here as well: {heads}." if heads else "")
    )


def _files_table(files: list[SourceFile]) -> Iterator[str]:
    yield "| file | SHA-256 |\n|---|---|"
    for file in files[:LISTED_FILES]:
        yield f"| {_cell(file.name)} | `{file.sha256[:16]}…` |"
    if len(files) > LISTED_FILES:
        yield f"| and {len(files) - LISTED_FILES} more | in the manifest |"


def _quality(report: Report) -> str:
    return (
        f"On {report.comments} comments, {report.removed} removed: ROC-AUC {report.roc_auc}, "
        f"average precision {report.average_precision} (by chance {report.base_rate:.3f})."
        + (" So few say little." if _is_small(report) else "")
    )


def _fairness(report: BiasReport) -> str:
    if not report.groups:
        return (
            f"In the part set aside {TOO_FEW_MENTIONS} whether the scores are fair to the people "
            f"mentioned: for each group, {report.fewest} removed and {report.fewest} kept ones."
        )
    table = "\n".join(bias_table(report))
    left_out = f"\n\n{_left_out(report).capitalize()}." if report.left_out else ""
    return f"{HOW_TO_READ_BIAS}\n\n{table}{left_out}"


def _points_table(report: Report) -> str:
    rows = ["| point | score at or above | match rate | recall | precision |"]
    rows.append("|---|---|---|---|---|")
    for point in report.points:
        precision = "nothing matched" if point.precision is None else point.precision.as_share()
        rows.append(
            f"| {point.name} | {point.threshold:.3f} | {point.match_rate.as_share()} | "
            f"{point.recall.as_share()} | {precision} |"
        )
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("`", "'")

"""`python -m moderation.train`: learns from pages, exports and tables, and saves the model."""

import argparse
import contextlib
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

from moderation.arguments import (
    COMPILING,
    add_reading_options,
    progress,
    read_all,
    read_count,
    read_seed,
    run,
    say,
)
from moderation.artifacts import check_model_path, load_model, read_manifest, save_model
from moderation.cards import draw_plots, summarise, write_card
from moderation.comments import Comment
from moderation.comparing import LAST, count_set_aside
from moderation.datasets import Dataset, GatherReport, gather, leave_out, merge_copies
from moderation.engines import (
    DASK,
    READING,
    add_engine_options,
    find_engine_misuse,
    open_engine,
    require_packages,
)
from moderation.errors import DataError, ModelError, OutputError
from moderation.kernels import announce_compiling
from moderation.parsers import find_files
from moderation.parsers.sources import digest, printable
from moderation.progress import Progress
from moderation.releases import candidate_of, changing
from moderation.retraining import State, reporting
from moderation.scorer import Scorer
from moderation.settings import Settings, read_settings
from moderation.training import SourceFile, Training, train

Item = TypeVar("Item")

NO_BASE = "none"
ONLY_LOCAL = ("decisions", "set_aside", *(name for name in READING if name != "column"))
"""Options that training on a cluster has no use for."""


def build_parser(settings: Settings) -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.train",
        description="Learn from removals which comments are likely to be taken down. Labels come "
        "from two captures of each page, or from a table's 'label' or 'status'.",
    )
    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help=f"pages, exports, tables, or folders of them; {settings.data}/ without any",
    )
    parser.add_argument(
        "--decisions",
        nargs="?",
        const=settings.database_url,
        metavar="URL",
        help=f"learn from moderators' decisions, too; {settings.database_url} without a URL",
    )
    parser.add_argument(
        "--out", type=Path, default=settings.model, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument(
        "--base",
        default=str(settings.base),
        metavar="FILE",
        help=f"the model to begin with, or '{NO_BASE}'; default: %(default)s",
    )
    _add_candidate_options(parser)
    add_engine_options(
        parser,
        "with --engine dask DATA are Parquet files, or folders of them, that the workers reach; "
        "their words stay on the workers",
    )
    parser.add_argument(
        "--seed", type=read_seed, default=0, metavar="N", help="of the split; default 0"
    )
    add_reading_options(parser)
    return parser


def _add_candidate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--candidate",
        action="store_true",
        help="leave the model at --out in use, and save this one beside it, to be compared with it "
        "and put in its place on the desk's model page",
    )
    parser.add_argument(
        "--set-aside",
        type=read_count,
        metavar="N",
        help="do not learn from the last N decisions; with --candidate a fifth of them, at most "
        f"{LAST}",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    settings = read_settings()
    parser = build_parser(settings)
    args = parser.parse_args(argv)
    if misuse := find_engine_misuse(args, only_local=ONLY_LOCAL, streams=args.data):
        parser.error(misuse)
    return run("train", lambda: learn(args, settings))


def learn(args: argparse.Namespace, settings: Settings) -> None:
    """Train a model, or a candidate, which the desk is told of."""
    check_model_path(args.out)
    if not args.candidate:
        _say_what_came(*_learn(args, settings, out=args.out, progress=progress), args.out)
        return
    by = settings.moderator or "the command line"
    with reporting(args.out, by=by, at=datetime.now(UTC)) as report:

        def both(items: Iterable[Item], number: int, what: str, /) -> Iterable[Item]:
            return report.progress(progress(items, number, what), number, what)

        out = candidate_of(args.out)
        training, version = _learn(args, settings, out=out, progress=both)
        learned = training.learned
        told = f"learnt from {len(learned):,} comments, {learned.removed:,} of them removed"
        report.end(State.DONE, f"model {version}, {told}")
    _say_what_came(training, version, out)


def _learn(
    args: argparse.Namespace, settings: Settings, *, out: Path, progress: Progress
) -> tuple[Training, str]:
    """Read, train, save, and return the training with the model's version."""
    _refuse_to_replace_the_base(args.out, args.base)
    announce_compiling(lambda: say(COMPILING))
    base, base_files = _open_base(args.base)
    named = args.data or ([] if args.decisions else [_default_data(settings)])
    if args.engine == DASK:
        learnt = _train_on_cluster(args, named, base, base_files, progress)
    else:
        learnt = _train_here(args, named, base, base_files, progress)
    training = learnt.training
    card = write_card(training, name=out.stem, files=learnt.files)
    facts = training.facts(learnt.files, base_files, newest=learnt.newest)
    plots = draw_plots(training)
    # Who puts the earlier candidate in use at this moment must not take this one away with it.
    with changing(args.out) if args.candidate else contextlib.nullcontext():
        manifest = save_model(training.scorer.pipeline, out, facts=facts, card=card, plots=plots)
    return training, manifest.version


@dataclass(frozen=True)
class _Learnt:
    training: Training
    files: list[SourceFile]
    newest: datetime | None
    """When the latest comment was written."""


def _train_here(
    args: argparse.Namespace,
    named: Sequence[str],
    base: Scorer | None,
    base_files: Sequence[SourceFile],
    progress: Progress,
) -> _Learnt:
    files = find_files(Path(name) for name in named if name != "-")
    sources: list[str | Path] = [*files, *(name for name in named if name == "-")]
    learnt_from = [SourceFile(printable(path.name), digest(path)) for path in files]
    _refuse_what_the_base_knows(learnt_from, base_files)
    decided = _decided(args.decisions) if args.decisions else []
    decided, kept_from_it = _set_aside(decided, args)
    report = GatherReport()
    newest = Newest()
    comments = itertools.chain(read_all(sources, args), decided)
    dataset = merge_copies(gather(newest.note(comments), report), report)
    dataset = _leave_out(dataset, kept_from_it)
    for line in report.lines():
        say(line)
    training = train(dataset, base=base, seed=args.seed, progress=progress)
    return _Learnt(training, learnt_from, newest.moment)


def _train_on_cluster(
    args: argparse.Namespace,
    named: Sequence[str],
    base: Scorer | None,
    base_files: Sequence[SourceFile],
    progress: Progress,
) -> _Learnt:
    require_packages()
    from moderation.distributed.rows import cut_files, find_tables_of
    from moderation.distributed.training import digest_tables, train_on_cluster

    tables = find_tables_of(named)
    parts = cut_files(tables, given=dict(args.column))
    with open_engine(args) as client:
        digests = digest_tables(client, tables)
        learnt_from = [
            SourceFile(printable(PurePosixPath(table.path).name), sha256)
            for table, sha256 in zip(tables, digests, strict=True)
        ]
        _refuse_what_the_base_knows(learnt_from, base_files)
        training = train_on_cluster(client, parts, base=base, seed=args.seed, progress=progress)
    for line in training.lines():
        say(line)
    return _Learnt(training, learnt_from, training.gathered.newest)


def _say_what_came(training: Training, version: str, out: Path) -> None:
    print("\n".join(_summary(training, out, version)))


@dataclass
class Newest:
    """When the latest of some comments was written, as far as they tell."""

    moment: datetime | None = None

    def note(self, comments: Iterable[Comment]) -> Iterator[Comment]:
        """Pass comments on."""
        for comment in comments:
            if comment.created_at and (self.moment is None or comment.created_at > self.moment):
                self.moment = comment.created_at
            yield comment


def _refuse_to_replace_the_base(out: Path, base: str) -> None:
    kept = {Settings().base, *([] if base == NO_BASE else [Path(base)])}
    if out.resolve() in {path.resolve() for path in kept}:
        raise OutputError(f"--out {out}: that is the base model, which is kept; name another file")


def _open_base(given: str) -> tuple[Scorer | None, list[SourceFile]]:
    """Return the base model and the files it has learnt from."""
    if given == NO_BASE:
        return None, []
    path = Path(given)
    if path == Settings().base and not path.exists():
        say(f"{path}: not here; learning begins with nothing")
        return None, []
    if not path.exists():
        raise DataError(
            f"--base {given}: no such model; name one, or begin with nothing: --base {NO_BASE}"
        )
    try:
        base, known = load_model(path), read_manifest(path).training_files
        return base, [SourceFile(name, sha256) for sha256, name in known.items()]
    except ModelError as error:
        if path == Settings().base:
            say(f"{error}")
            say(f"{path}: left aside; learning begins with nothing")
            return None, []
        raise DataError(f"--base {error}; or begin with nothing: --base {NO_BASE}") from error


def _refuse_what_the_base_knows(files: Sequence[SourceFile], known: Sequence[SourceFile]) -> None:
    digests = {file.sha256 for file in known}
    if seen := [file.name for file in files if file.sha256 in digests]:
        raise DataError(
            f"{', '.join(seen)}: the base model has learnt from it already, and what is set aside "
            f"would measure nothing; begin with nothing: --base {NO_BASE}"
        )


def _default_data(settings: Settings) -> str:
    if not settings.data.is_dir():
        raise DataError(
            f"no folder {settings.data}/ here; name the data to learn from, "
            "or run this where the project was cloned"
        )
    return str(settings.data)


def _set_aside(
    decided: list[Comment], args: argparse.Namespace
) -> tuple[list[Comment], list[Comment]]:
    """Return the decisions to learn from, and the last ones, which are not learnt from."""
    number = args.set_aside
    if number is None:
        number = count_set_aside(len(decided)) if args.candidate else 0
    first = max(len(decided) - number, 0)
    return decided[:first], decided[first:]


def _leave_out(dataset: Dataset, kept_from_it: Sequence[Comment]) -> Dataset:
    """Return the data without copies of what was set aside; says how many there were."""
    if not kept_from_it:
        return dataset
    left = leave_out(dataset, (comment.text or "" for comment in kept_from_it))
    say(
        f"set aside: the last {len(kept_from_it)} decisions, and with them "
        f"{len(dataset) - len(left)} copies of what they are on"
    )
    return left


def _decided(url: str) -> list[Comment]:
    if "://" not in url:
        raise DataError(
            f"--decisions {url}: not a database address such as sqlite:///data/review.db; "
            "put --decisions last to take the review desk's own"
        )
    try:
        from moderation import database, review
    except ModuleNotFoundError as error:
        raise DataError(
            f"--decisions needs {error.name}; install it with: pip install 'moderation[app]'"
        ) from error
    with database.open_store(url, create=False).reading() as session:
        decided = list(review.decided_comments(session))
    say(f"{database.mask_password(url)}: {len(decided)} decided comments")
    return decided


def _summary(training: Training, path: Path, version: str) -> Iterator[str]:
    data = training.data
    yield (
        f"learnt from {len(training.learned)} comments ({training.learned.removed} removed), "
        f"C = {training.search.strength:g} by cross-validation"
    )
    if data.grouped_by == "comment":
        yield "measured on comments set aside; the data tell no articles or threads to keep whole:"
    else:
        yield f"measured on comments of {data.grouped_by}s set aside:"
    yield from (f"  {line}" for line in summarise(training.report))
    if training.base_report is not None:
        yield f"  the base model alone: ROC-AUC {training.base_report.roc_auc}"
    yield f"model {version}: {path}"
    yield f"card with plots: {path.with_suffix('.md')}; manifest: {path.with_suffix('.json')}"


if __name__ == "__main__":
    sys.exit(main())

"""What the service does while its surroundings fail: the command itself, under load."""

import json
import os
import re
import resource
import shutil
import signal
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from moderation.artifacts import load_model, read_manifest, save_model
from moderation.database import open_store
from moderation.delivery import deliver
from moderation.releases import previous, promote, roll_back
from moderation.scorer import CLASSIFIER
from moderation.serving import load_served
from moderation.spool import Spool
from tests.commands import HURRIED, PATIENCE, Ask, Client, Labels, count, run_command, working
from tests.databases import serve
from tests.services import make_settings

TEXTS = ["The tram was late again.", "Thank you for the report.", "What a muddle this is!"]
BOTH = pytest.mark.parametrize("workers", [1, 2])
GROWTH = 24
"""Megabytes, on some 200: a model of these tests has ten in memory, so that three would show."""


# What is asked, and what has to come back


@dataclass(frozen=True)
class Versions:
    """What each version of a model scores the texts, bit for bit."""

    even: dict[str, list[float]]

    def score(self) -> Ask:
        def check(_, answer):
            assert (answer.status, answer.body["model"]) == (200, answer.model)
            found = [one["scores"]["LIKELY_TO_REJECT"] for one in answer.body["results"]]
            assert found == self.even[answer.model]

        sent = {"comments": [{"text": text} for text in TEXTS]}
        return Ask("/v1/score", lambda: sent, check)

    def score_many(self) -> Ask:
        """As many as are scored in a thread of their own."""

        def check(_, answer):
            assert (answer.status, answer.body["model"]) == (200, answer.model)
            found = [one["scores"]["LIKELY_TO_REJECT"] for one in answer.body["results"]]
            assert found == self.even[answer.model] * 100

        sent = {"comments": [{"text": text} for text in TEXTS * 100]}
        return Ask("/v1/score", lambda: sent, check)

    def analyze(self) -> Ask:
        def check(_, answer):
            assert answer.status == 200
            assert summary(answer.body) == self.even[answer.model][0]

        return Ask("/v1alpha1/comments:analyze", lambda: ANALYZE, check)

    def moderate(self) -> Ask:
        def check(_, answer):
            assert (answer.status, answer.body["model"]) == (200, f"moderation-{answer.model}")

        return Ask("/v1/moderations", lambda: {"input": TEXTS}, check)

    def batch(self) -> Ask:
        def check(_, answer):
            assert answer.status == 200
            found = re.findall(r'"value": ?([0-9.e-]+)', answer.body)
            expected = self.even[answer.model][0]
            assert {float(value) for value in found} == {expected}

        return Ask("/batch", lambda: BATCH, check, "multipart/mixed; boundary=part")

    def all(self) -> list[Ask]:
        return [self.score(), self.analyze(), self.batch(), self.moderate(), self.score_many()]


ANALYZE = {"comment": {"text": TEXTS[0]}, "requestedAttributes": {"LIKELY_TO_REJECT": {}}}
PART = f"""--part\r\nContent-Type: application/http\r\n\r
POST /v1alpha1/comments:analyze HTTP/1.1\r\nContent-Type: application/json\r\n\r
{json.dumps(ANALYZE)}\r\n"""
BATCH = f"{PART * 5}--part--\r\n"


def summary(body) -> float:
    return body["attributeScores"]["LIKELY_TO_REJECT"]["summaryScore"]["value"]


# Models


@pytest.fixture(scope="module")
def pair(trained, tmp_path_factory) -> list[Path]:
    """Return two models that score differently."""
    other = tmp_path_factory.mktemp("other") / trained.name
    pipeline = load_model(trained).pipeline
    pipeline[CLASSIFIER].coef_ *= 0.5
    save_again(pipeline, other, like=trained)
    return [trained, other]


@pytest.fixture(scope="module")
def versions(pair) -> Versions:
    served = [load_served(path, None) for path in pair]
    return Versions({one.version: one.score_texts(TEXTS).even()[:, 0].tolist() for one in served})


def save_again(pipeline, path: Path, *, like: Path, **facts) -> None:
    facts = {**read_manifest(like).facts, **facts}
    given = {k: v for k, v in facts.items() if k not in ("format_version", "sha256", "made_with")}
    save_model(pipeline, path, facts=given, card="a card", plots={})


def by_release(new: Path, in_use: Path) -> None:
    """Put a model in use as people do on the model's page: it goes back where it can."""
    at, version = datetime.now(UTC), read_manifest(new).version
    before = previous(in_use)
    if before is not None and before.version == version:
        roll_back(in_use, version=version, by="ines", at=at)
    else:
        promote(new, in_use, version=version, by="ines", at=at)


def by_training(new: Path, in_use: Path) -> None:
    save_again(load_model(new).pipeline, in_use, like=new)


def by_copying(new: Path, in_use: Path) -> None:
    shutil.copyfile(new, in_use)
    time.sleep(0.01)
    shutil.copyfile(new.with_suffix(".json"), in_use.with_suffix(".json"))


def by_copying_the_manifest_first(new: Path, in_use: Path) -> None:
    shutil.copyfile(new.with_suffix(".json"), in_use.with_suffix(".json"))
    time.sleep(0.01)
    shutil.copyfile(new, in_use)


WAYS = (by_release, by_copying, by_training, by_copying_the_manifest_first)


def cut_short(in_use: Path) -> None:
    in_use.write_bytes(in_use.read_bytes()[:1000])


def fill_with_zeros(in_use: Path) -> None:
    in_use.write_bytes(bytes(in_use.stat().st_size))


def delete(in_use: Path) -> None:
    in_use.unlink()


def delete_the_manifest(in_use: Path) -> None:
    in_use.with_suffix(".json").unlink()


def write_no_json(in_use: Path) -> None:
    in_use.with_suffix(".json").write_text("{")


def write_strange_facts(in_use: Path) -> None:
    path = in_use.with_suffix(".json")
    facts = json.loads(path.read_text()) | {"operating_points": 7, "languages": [1]}
    path.write_text(json.dumps(facts))


def write_no_numbers(in_use: Path) -> None:
    pipeline = load_model(in_use).pipeline
    pipeline[CLASSIFIER].coef_[:] = np.nan
    save_again(pipeline, in_use, like=in_use)


def write_a_base_rate_that_is_none(in_use: Path) -> None:
    rates = {"LIKELY_TO_REJECT": 1.5}
    save_again(load_model(in_use).pipeline, in_use, like=in_use, base_rates=rates)


CORRUPTIONS = (
    cut_short, write_no_json, fill_with_zeros, delete, write_strange_facts, write_no_numbers,
    delete_the_manifest, write_a_base_rate_that_is_none,
)  # fmt: skip


@pytest.mark.parametrize(
    ("workers", "swaps", "corruptions"), [(1, 30, CORRUPTIONS[::2]), (2, 100, CORRUPTIONS[1::2])]
)
def test_a_model_swapped_again_and_again_fails_no_request_and_no_answer_names_another(
    workers, swaps, corruptions, pair, versions, tmp_path
):
    in_use = tmp_path / "model" / pair[0].name
    in_use.parent.mkdir()
    by_copying(pair[0], in_use)
    settings = make_settings(tmp_path, in_use)
    program = ("-c", HURRIED)
    with run_command(settings, "--workers", str(workers), program=program) as command:
        asks = versions.all()
        clients = [Client(command.port, asks[at:] + asks[:at], pause=0.005) for at in range(3)]
        with working(clients):
            told = swap(command, clients, pair, in_use, swaps=swaps, corruptions=corruptions)
        assert command.stop() == 0
    report(f"{swaps} swaps", workers, clients)
    print(f"{told.memory[0]:.1f} MB after 10 swaps, {told.memory[1]:.1f} after {swaps}")
    assert failures(clients) == []
    assert told.alarms == len(corruptions)
    assert told.memory[-1] - told.memory[0] < GROWTH


@dataclass
class Told:
    """What was seen during the swaps."""

    alarms: int
    memory: list[float]


def swap(command, clients, pair, in_use, *, swaps, corruptions) -> Told:
    """Put one model after the other in place, and now and then one that is broken."""
    memory, alarms = [], 0
    ways, corruptions = cycle(WAYS), iter(corruptions)
    for turn in range(1, swaps + 1):
        new = pair[turn % 2]
        next(ways)(new, in_use)
        wait_until_seen(command, clients, read_manifest(new).version)
        if turn in (10, swaps):
            memory.append(command.measure_memory())
        if turn % 7 == 0 and (corrupt := next(corruptions, None)):
            alarms += 1
            corrupt(in_use)
            wait_for_alarm(command, alarms)
    return Told(len(find_alarms(command)), memory)


def wait_until_seen(command, clients, version: str) -> None:
    command.wait_for(lambda: all(client.seen == version for client in clients))


def wait_for_alarm(command, number: int) -> None:
    command.wait_for(lambda: len(find_alarms(command)) == number)


def find_alarms(command) -> list[str]:
    return [line for line in command.read_log() if "goes on answering" in line]


# The database


def wait_until_delivered(command) -> None:
    def is_delivered() -> bool:
        ready = command.ask("/readyz")
        return ready["labels_waiting"] == 0 and ready["labels_wait_because"] is None

    command.wait_for(is_delivered)


def wait_until_told(command) -> str:
    """Return why labels wait."""
    told = []
    command.wait_for(lambda: told.append(command.ask("/readyz")) or why(told[-1]))
    return why(told[-1])


def why(ready) -> str | None:
    return ready["labels_waiting"] and ready["labels_wait_because"]


def wait_for_labels(command, labels: Labels, more: int) -> None:
    """Wait until so many more were acknowledged."""
    until = len(labels.acknowledged) + more
    command.wait_for(lambda: len(labels.acknowledged) >= until)


def test_a_server_stopped_and_started_under_load_loses_no_label(trained, versions, tmp_path):
    labels = Labels()
    # A machine goes on when its server crashes: what was written is not lost without fsync.
    with serve("synchronous_commit=on") as server:
        url = server.new_database()
        settings = replace(make_settings(tmp_path, trained), database_url=url)
        with run_command(settings, "--workers", "2") as command:
            clients = [
                *(Client(command.port, [labels.send()], pause=0.01) for _ in range(3)),
                Client(command.port, [versions.score()], pause=0.01),
            ]
            with working(clients):
                for signum in (signal.SIGQUIT, signal.SIGINT):
                    wait_for_labels(command, labels, 50)
                    server.stop(signum)
                    wait_for_labels(command, labels, 50)
                    assert "postgresql" in wait_until_told(command)
                    server.start()
                    wait_for_labels(command, labels, 50)
            wait_until_delivered(command)
            assert command.stop() == 0
        stored = labels.check(url)
    report("PostgreSQL", 2, clients, labels, stored)
    assert failures(clients) == []
    assert labels.refused == 0


def test_a_file_moved_away_and_back_under_load_loses_no_label(trained, versions, tmp_path):
    labels = Labels()
    settings = make_settings(tmp_path, trained)
    path, away = tmp_path / "review.db", tmp_path / "away"
    away.mkdir()
    with run_command(settings, "--workers", "2") as command:
        clients = [
            *(Client(command.port, [labels.send()], pause=0.01) for _ in range(3)),
            Client(command.port, [versions.score()], pause=0.01),
        ]
        with working(clients):
            for _ in range(2):
                wait_for_labels(command, labels, 50)
                move(path, away)
                wait_for_labels(command, labels, 50)
                assert f"{path}: " in wait_until_told(command)
                time.sleep(1.2)  # so that every worker has tried
                move(away / path.name, tmp_path)
                wait_for_labels(command, labels, 50)
        wait_until_delivered(command)
        assert command.stop() == 0
    stored = labels.check(settings.database_url)
    report("SQLite", 2, clients, labels, stored)
    assert failures(clients) == []
    assert labels.refused == 0


def move(database: Path, folder: Path) -> None:
    """Move a database with the log beside it; itself first where it leaves, and last back."""
    names = [database.name, f"{database.name}-wal", f"{database.name}-shm"]
    for name in names if folder.name == "away" else reversed(names):
        if database.with_name(name).exists():
            database.with_name(name).replace(folder / name)


def failures(clients) -> list[str]:
    return [line for client in clients for line in client.cut + client.wrong]


def report(what, workers, clients, labels=None, stored=None) -> None:
    """Print figures, for whoever wants to see them (`pytest -rP`)."""
    print(f"{what}, {workers} workers: {dict(count(clients))}")
    if labels:
        print(
            f"{len(labels.sent)} labels, {len(labels.acknowledged)} acknowledged, {stored} stored"
        )


# Ends


@BOTH
def test_stopping_under_load_cuts_no_request(workers, trained, versions, tmp_path):
    labels = Labels()
    settings = make_settings(tmp_path, trained)
    with run_command(settings, "--workers", str(workers)) as command:
        asks = [*versions.all(), labels.send()]
        clients = [
            *(Client(command.port, asks[at:] + asks[:at]) for at in range(3)),
            *(Client(command.port, [versions.score()], pause=0.02) for _ in range(2)),
            *(Client(command.port, [versions.score()], kept=False, pause=0.02) for _ in range(2)),
            Client(command.port, [labels.send(many=50)]),
        ]
        with working(clients):
            time.sleep(0.5)
            assert command.stop() == 0
            for client in clients:
                client.join(PATIENCE)
    report("SIGTERM", workers, clients, labels)
    print(sum(client.closed_before for client in clients), "closed before a request was sent")
    assert failures(clients) == []
    spool = Spool(settings.spool, most=100_000)
    store = open_store(settings.database_url)
    while deliver(spool, lambda: store, url="", now=datetime.now(UTC)).left:
        pass
    labels.check(settings.database_url)


@BOTH
def test_who_kills_the_service_loses_no_label(workers, trained, tmp_path):
    labels = Labels()
    settings = make_settings(tmp_path, trained)
    with run_command(settings, "--workers", str(workers)) as command:
        clients = [Client(command.port, [labels.send()]) for _ in range(3)]
        with working(clients):
            wait_for_labels(command, labels, 100)
            for worker in command.find_children()[:1]:
                os.kill(worker, signal.SIGKILL)
                command.wait_for(lambda: any("by itself" in line for line in command.read_log()))
                wait_for_labels(command, labels, 100)
            command.process.kill()
    assert [line for client in clients for line in client.wrong] == []
    with run_command(settings) as command:
        wait_until_delivered(command)
        assert command.stop() == 0
    stored = labels.check(settings.database_url)
    report("SIGKILL", workers, clients, labels, stored)


# The disk


def test_a_full_disk_refuses_labels_for_a_while_and_scoring_goes_on(trained, versions, tmp_path):
    labels = Labels()
    settings = make_settings(tmp_path, trained)
    (tmp_path / "review.db").mkdir()  # so that all waits in the spool
    with run_command(settings) as command:
        clients = [
            *(Client(command.port, [labels.send(many=20, words=3000)]) for _ in range(2)),
            Client(command.port, [versions.score()], pause=0.01),
        ]
        limit_files(command, 1_000_000)
        with working(clients):
            command.wait_for(lambda: labels.refused > 5)
            scored = clients[-1].total
            command.wait_for(lambda: clients[-1].total > scored + 20)
            assert f"{settings.spool}: " in command.ask("/readyz")["labels_refused_because"]
            limit_files(command, resource.RLIM_INFINITY)
            wait_for_labels(command, labels, 20)
        assert command.ask("/readyz")["labels_refused_because"] is None
        (tmp_path / "review.db").rmdir()
        wait_until_delivered(command)
        assert command.stop() == 0
    stored = labels.check(settings.database_url)
    report("full disk", 1, clients, labels, stored)
    assert failures(clients) == []
    assert 1 <= sum("labels are refused" in line for line in command.read_log()) < labels.refused


def limit_files(command, size: int) -> None:
    """Let no file of the command grow beyond some bytes: a disk can be filled by nobody else."""
    resource.prlimit(command.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

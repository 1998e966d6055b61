"""API keys: made once, stored as digests, found at once, revoked for good."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from moderation import keys
from moderation.errors import KeysError, OutputError
from moderation.keys import Keyring, Scope, create_key, read_keys, revoke_key
from moderation.locks import hold
from moderation.parsers import find_files

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCORE = frozenset({Scope.SCORE})


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "data" / "keys.json"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def create(path, name="coral", scopes=SCORE, **given):
    return create_key(path, name, scopes=scopes, at=THEN, **given)


def open_keyring(path, clock, told=None):
    told = [] if told is None else told
    return Keyring(path, tell=told.append, clock=clock)


def test_a_key_is_found_with_what_it_may_do(path, clock):
    token = create(path, scopes=frozenset({Scope.SCORE, Scope.LABEL}), per_minute=60)
    key = open_keyring(path, clock).find(token)
    assert (key.name, key.per_minute, key.created_at) == ("coral", 60, THEN)
    assert [scope for scope in Scope if key.allows(scope)] == [Scope.SCORE, Scope.LABEL]


def test_a_key_has_256_random_bits_behind_what_it_is_known_by(path):
    token = create(path, randomness=lambda number: bytes(range(number)))
    assert token == "mod_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert re.fullmatch(r"mod_[\w-]{43}", create(path, "other"))


def test_only_its_digest_is_stored_for_its_owner_alone(path):
    token = create(path)
    stored = path.read_text()
    assert token not in stored
    assert token.removeprefix("mod_") not in stored
    assert sha256(token.encode()).hexdigest() in stored
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]


@pytest.mark.parametrize("token", ["", "mod_", "tulip", "mod_" + 43 * "x", 47 * "é", 47 * "\ud800"])
def test_what_never_was_a_key_is_not_found(path, clock, token):
    create(path)
    assert open_keyring(path, clock).find(token) is None


def test_an_administrators_key_is_for_everything(path, clock):
    token = create(path, scopes=frozenset({Scope.ADMIN}))
    key = open_keyring(path, clock).find(token)
    assert all(key.allows(scope) for scope in Scope)


def test_a_revoked_key_is_known_and_good_for_nothing(path, clock):
    token = create(path)
    revoke_key(path, "coral", at=THEN + timedelta(1))
    revoke_key(path, "coral", at=THEN + timedelta(2))
    keyring = open_keyring(path, clock)
    key = keyring.find(token)
    assert (key.is_revoked, key.revoked_at) == (True, THEN + timedelta(1))
    assert not any(key.allows(scope) for scope in Scope)
    assert not keyring.is_empty


def test_without_a_file_no_key_was_ever_made(path, clock):
    keyring = open_keyring(path, clock)
    assert keyring.is_empty
    create(path)
    clock.now += 0.6
    assert not keyring.is_empty


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_a_key_file_stays_with_its_owner_whoever_revokes(path):
    """The service, which runs as its owner, would miss the revocation otherwise."""
    create(path)
    os.chown(path, 12345, 23456)
    revoke_key(path, "coral", at=THEN)
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 23456, 0o600)


def test_a_changed_file_is_seen_within_a_second(path, clock):
    keyring = open_keyring(path, clock)
    token = create(path)
    assert keyring.find(token) is None
    clock.now += 0.6
    assert not keyring.find(token).is_revoked
    revoke_key(path, "coral", at=THEN)
    clock.now += 0.6
    assert keyring.find(token).is_revoked


def test_files_are_not_looked_at_for_each_request(path, clock, monkeypatch):
    token = create(path)
    keyring = open_keyring(path, clock)
    monkeypatch.setattr(keys, "_stamp", lambda path: pytest.fail("looked at the file"))
    assert keyring.find(token)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', '{"format": 2, "keys": []}'])
def test_a_file_damaged_later_leaves_the_last_good_keys_and_is_said_once(path, clock, damage):
    token, told = create(path), []
    keyring = open_keyring(path, clock, told)
    path.write_text(damage)
    for _ in range(3):
        clock.now += 1
        assert keyring.find(token)
    [line] = told
    assert str(path) in line
    assert line.endswith("until then the keys read last are in force")


def test_a_file_that_is_gone_leaves_the_last_good_keys_and_is_said_once(path, clock):
    token, told = create(path), []
    keyring = open_keyring(path, clock, told)
    saved = path.read_bytes()
    path.unlink()
    for _ in range(3):
        clock.now += 1
        assert keyring.find(token)
    path.write_bytes(saved)
    clock.now += 1
    assert keyring.find(token)
    assert len(told) == 1


KEY = {
    "name": "coral", "digest": 64 * "a", "scopes": ["score"], "per_minute": None,
    "created_at": THEN.isoformat(), "revoked_at": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "found",
    [
        {**KEY, "name": ""},
        {**KEY, "digest": "short"},
        {**KEY, "scopes": ["garden"]},
        {**KEY, "scopes": None},
        {**KEY, "per_minute": 0},
        {**KEY, "per_minute": True},
        {**KEY, "created_at": "noon"},
        {"name": "coral"},
        "coral",
        None,
    ],
)
def test_a_damaged_file_is_refused_at_the_start_in_one_line(path, clock, found):
    path.parent.mkdir()
    path.write_text(json.dumps({"format": 1, "keys": [found]}))
    with pytest.raises(KeysError, match="expected what python") as refused:
        open_keyring(path, clock)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("other", [{"name": "b"}, {"digest": 64 * "b"}])
def test_a_key_that_is_there_twice_is_refused(path, clock, other):
    path.parent.mkdir()
    path.write_text(json.dumps({"format": 1, "keys": [KEY, KEY | other]}))
    with pytest.raises(KeysError, match="the same key twice"):
        open_keyring(path, clock)


def test_a_file_that_cannot_be_read_is_refused(path, clock):
    path.mkdir(parents=True)
    with pytest.raises(KeysError, match="cannot be read"):
        open_keyring(path, clock)


@pytest.mark.parametrize("name", ["", "-x", "two words", "a/b", "é", 65 * "a", "a\n"])
def test_a_name_that_cannot_be_one_is_refused(path, name):
    with pytest.raises(KeysError, match="letters, digits, dots and dashes"):
        create(path, name)


def test_a_name_is_given_once_also_after_it_was_revoked(path):
    """Quotas, logs and labels go by names: two keys of one name could not be told apart."""
    create(path)
    revoke_key(path, "coral", at=THEN)
    with pytest.raises(KeysError, match="is, or was"):
        create(path)


@pytest.mark.parametrize(
    ("given", "message"), [({"scopes": frozenset()}, "no scope"), ({"per_minute": 0}, "1 or more")]
)
def test_a_key_good_for_nothing_is_refused(path, given, message):
    with pytest.raises(KeysError, match=message):
        create(path, **given)
    assert not path.exists()


def test_who_changes_keys_waits_for_others_and_gives_up(path, monkeypatch):
    create(path)
    monkeypatch.setattr(keys, "hold", lambda lock: hold(lock, patience=0))
    with hold(path.with_name("keys.json.lock")), pytest.raises(KeysError, match="try again"):
        create(path, "other")


def test_a_disk_that_is_full_leaves_the_keys_as_they_are(path, monkeypatch):
    create(path)
    before = path.read_bytes()

    def fail(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        create(path, "other")
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 2


def test_keys_made_at_once_are_all_there(path):
    program = "import sys; from moderation.keys import main; sys.exit(main(sys.argv[1:]))"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", program, "create", f"key-{number}", "--file", str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for number in range(3)
    ]  # fmt: skip
    tokens = [maker.communicate()[0].strip() for maker in makers]
    found = {key.digest: key.name for key in read_keys(path)}
    names = [found[sha256(token.encode()).hexdigest()] for token in tokens]
    assert names == ["key-0", "key-1", "key-2"]


def test_the_command_prints_the_key_alone_once(path, capsys, monkeypatch, clock):
    monkeypatch.setenv("MODERATION_KEYS", str(path))
    assert keys.main(["create", "coral", "--scope", "label", "--scope", "score"]) == 0
    token = capsys.readouterr().out.removesuffix("\n")
    assert open_keyring(path, clock).find(token).scopes == {Scope.SCORE, Scope.LABEL}
    assert keys.main(["create", "bot", "--per-minute", "60"]) == 0
    assert keys.main(["revoke", "coral"]) == 0
    capsys.readouterr()
    assert keys.main(["list"]) == 0
    coral, bot = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"coral\tlabel,score\tno limit\tcreated [\d-]+, revoked [\d-]+", coral)
    assert re.fullmatch(r"bot\tscore\t60 a minute\tcreated [\d-]+", bot)


def test_the_command_refuses_in_one_line(path, capsys):
    assert keys.main(["revoke", "coral", "--file", str(path)]) == 1
    assert "no key of this name" in capsys.readouterr().err
    assert keys.main(["list", "--file", str(path)]) == 0
    assert "no key yet; make one with" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        keys.main(["create", "coral", "--scope", "all", "--file", str(path)])
    assert "there is no scope 'all'; choose among score, label, admin" in capsys.readouterr().err


def test_keys_in_the_data_folder_are_not_taken_for_comments(path):
    create(path)
    page = path.with_name("page.html")
    page.touch()
    assert find_files([path.parent]) == [page]


def test_keys_are_not_shown_where_they_are_printed(path, clock):
    token = create(path)
    key = open_keyring(path, clock).find(token)
    assert token not in repr(replace(key, name="other"))

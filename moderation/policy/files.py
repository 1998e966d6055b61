"""Policies as files (TOML): read with every mistake named by its line, written, and changed."""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moderation.errors import PolicyError
from moderation.policy.goals import EXAMPLE, ErrorLimit, Goal, MissLimit, Promise
from moderation.policy.layout import KeyPath, as_lines, as_toml, change_value, find_lines, quote
from moderation.policy.reading import Mistake, Reader, show
from moderation.policy.rules import (
    HOUSE_RULES,
    Action,
    Evidence,
    Languages,
    Override,
    Policy,
    Rule,
    ScoreScale,
    TooShort,
)

Value = str | float | Mapping[str, Any] | None

_MILD: Final = (Action.APPROVE, Action.HOLD)
_GUARANTEE: Final = "{ error = 0.01, confidence = 0.95 }"
_FOUND: Final = "what python -m moderation.policy settle found"
_POLICY_KEYS: Final = (
    "name", "otherwise", "without_score", "too_short", "languages", "rule", "override",
)  # fmt: skip
_RULE_KEYS: Final = (
    "name", "attribute", "scale", "threshold", "point", "guarantee", "action", "house_rule",
    "audit", "evidence", "suspended",
)  # fmt: skip
_OVERRIDE_KEYS: Final = ("section", "community", "without", "otherwise", "rule")
_EVIDENCE_KEYS: Final = (
    "model",
    "labels",
    "removed",
    "acted",
    "errors",
    "bound",
    "learnt_from",
    "settled_for",
)
_LANGUAGE: Final = re.compile("[a-z]{2,3}")


@dataclass(frozen=True)
class RuleAt:
    """A rule of a file by its name; `override` is the number of its override, from 0."""

    override: int | None
    name: str


def read_policy(path: Path) -> Policy:
    """
    Return the policy of a file.

    Raises:
        PolicyError: it cannot be read, or says what cannot be; each line of the message is one
            mistake, and begins with the path.

    """
    return parse_policy(read_policy_text(path), name=str(path))


def read_policy_text(path: Path) -> str:
    """
    Return the text of a policy file as it is, line ends too, without a byte order mark.

    Raises:
        PolicyError: it cannot be read, or is not in UTF-8.

    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PolicyError(
            f"{path}: cannot be read ({error.strerror}); expected a policy, a TOML file"
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = "found what is not UTF-8, expected text, write the file as UTF-8"
        raise _refusal([(line, found)], str(path)) from error


def parse_policy(text: str, *, name: str = "") -> Policy:
    """
    Return the policy that a text in TOML says; messages begin with `name`, where it is given.

    Raises:
        PolicyError: the text has mistakes. Each is a line of the message, in the order of the
            text, and `line` is that of the first.

    """
    if not text.strip():
        raise _refusal([(1, _EMPTY)], name)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal([_find_syntax(error, text)], name) from error
    top = Reader(table, (), [])
    policy = _read_policy(top)
    if policy is None:
        lines = find_lines(text)
        noted = {(lines.get(one.at, 1), one.says): None for one in top.mistakes}
        raise _refusal(sorted(noted, key=lambda one: one[0]), name)
    return policy


_EMPTY = 'found an empty file, expected a policy, write otherwise = "hold", [[rule]] and its keys'


def _refusal(mistakes: Sequence[tuple[int, str]], name: str) -> PolicyError:
    called = f"{name}, " if name else ""
    error = PolicyError("\n".join(f"{called}line {line}: {says}" for line, says in mistakes))
    error.line = mistakes[0][0]
    return error


def _find_syntax(error: Exception, text: str) -> tuple[int, str]:
    """Return the line and the words for what is no TOML."""
    said = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
    line = int(said[2]) if said and said[2] else 1
    if said and not said[2]:
        line = text.rstrip("\n").count("\n") + 1
    what = f"what is no TOML ({said[1]})" if said else "a number or list too long to read"
    expected = "a line such as threshold = 0.5"
    write = "words in quotes, numbers without, and each key once"
    return line, f"found {what}, expected {expected}, write {write}"


def _read_policy(top: Reader) -> Policy | None:
    top.check_keys(_POLICY_KEYS)
    top.require(otherwise='"hold" or "approve": what no rule matches')
    otherwise = top.choice("otherwise", _MILD)
    without_score = top.choice("without_score", _MILD) or Action.HOLD
    name, too_short, languages = top.remark("name"), _read_too_short(top), _read_languages(top)
    rules = _read_rules(top, "rule")
    known = set(_names(top))
    readers = top.each("override", _OVERRIDE_KEYS, header="override")
    overrides = [_read_override(reader, known) for reader in readers]
    if "rule" not in top.table and not any("rule" in reader.table for reader in readers):
        top.note(None, found="no rule", expected="at least one", write="[[rule]] and its keys")
    return top.make(
        lambda: Policy(
            rules=tuple(rule for rule in rules if rule),
            without_score=Action(without_score),
            otherwise=Action(otherwise or ""),
            too_short=too_short,
            languages=languages,
            overrides=tuple(override for override in overrides if override),
            name=name,
        )
    )


def _names(reader: Reader) -> list[str]:
    """Return the names of the rules in a table, whatever else is wrong with them."""
    rules = reader.table.get("rule")
    listed = rules if isinstance(rules, list) else []
    names = [rule.get("name") for rule in listed if isinstance(rule, dict)]
    return [name for name in names if isinstance(name, str)]


def _read_too_short(top: Reader) -> TooShort | None:
    example = '{ characters = 3, action = "hold" }'
    reader = top.inner("too_short", ("characters", "action"), example=example)
    if reader is None:
        return None
    reader.require(characters="3")
    characters = reader.whole("characters", 3, least=1)
    action = reader.choice("action", _MILD) or Action.HOLD
    return reader.make(lambda: TooShort(characters or 0, Action(action)))


def _read_languages(top: Reader) -> Languages | None:
    example = '{ known = ["en", "und"], action = "hold" }'
    reader = top.inner("languages", ("known", "action"), example=example)
    if reader is None:
        return None
    reader.require(known='["en", "und"]')
    known = reader.names("known", "en", alone=False)
    action = reader.choice("action", _MILD) or Action.HOLD
    for language in known:
        if not _LANGUAGE.fullmatch(language):
            found = f"the language {show(language)}"
            write = '"en" for English, "und" for what cannot be told'
            reader.note("known", found=found, expected="two or three small letters", write=write)
    return reader.make(lambda: Languages(known, Action(action)))


def _read_rules(outer: Reader, header: str) -> list[Rule | None]:
    readers = outer.each("rule", _RULE_KEYS, header=header)
    seen = Counter[str]()
    for reader in readers:
        name = reader.words("name", "clean") or ""
        if name in seen:
            reader.refuse("name", expected="a name that no other rule here has", write="another")
        seen.update([name] if name else [])
    return [_read_rule(reader) for reader in readers]


def _read_rule(reader: Reader) -> Rule | None:
    reader.require(name='"clean"', attribute='"TOXICITY"', action='"approve", "hold" or "remove"')
    action = reader.choice("action", tuple(Action))
    attribute = reader.words("attribute", "TOXICITY")
    threshold = reader.share("threshold", 0.5, ends=True)
    scale = reader.choice("scale", tuple(ScoreScale)) or ScoreScale.PROBABILITY
    house_rule = reader.choice("house_rule", HOUSE_RULES)
    audit = reader.share("audit", 0.02, ends=True) or 0.0
    goal, evidence = _read_goal(reader, action), _read_evidence(reader)
    suspended = reader.words("suspended", "why it is") or ""
    _check_together(reader, action)
    return reader.make(
        lambda: Rule(
            attribute=attribute or "",
            threshold=threshold,
            action=Action(action or ""),
            name=reader.table["name"],
            scale=ScoreScale(scale),
            house_rule=house_rule,
            goal=goal,
            audit=audit,
            evidence=evidence,
            suspended=suspended,
        )
    )


def _read_goal(reader: Reader, action: str | None) -> Goal | Promise | None:
    words = reader.words("point", EXAMPLE)
    keys = ("error", "missed", "confidence", "ahead")
    promise = reader.inner("guarantee", keys, example=_GUARANTEE)
    if promise is not None:
        return _read_promise(promise, action)
    try:
        return Goal.parse(words) if words else None
    except PolicyError as error:
        reader.mistakes.append(Mistake((*reader.at, "point"), f"found a point: {error}"))
        return None


def _read_promise(reader: Reader, action: str | None) -> Promise | None:
    error = reader.share("error", 0.01, ends=False)
    missed = reader.share("missed", 0.1, ends=False)
    confidence = reader.share("confidence", 0.95, ends=False)
    if ("error" in reader.table) == ("missed" in reader.table):
        found = "both error and missed" if "error" in reader.table else "no error or missed"
        write = "error = 0.01 (of what it acts on) or missed = 0.1 (of what is to be removed)"
        reader.note(None, found=found, expected="one of them", write=write)
    if "missed" in reader.table and action == Action.REMOVE:
        found, expected = "missed in a rule that removes", "it in one that approves"
        reader.note("missed", found=found, expected=expected, write="error = 0.01 instead")
    if "missed" in reader.table and "ahead" in reader.table:
        found, expected = "ahead with missed", "it with error"
        reader.note("ahead", found=found, expected=expected, write="missed alone")
    ahead = reader.whole("ahead", 10_000, least=1)
    if missed is not None:
        return reader.make(lambda: MissLimit(missed, confidence))
    sure = ErrorLimit.confidence if confidence is None else confidence
    return reader.make(lambda: ErrorLimit(error or 0.0, sure, ahead))


def _read_evidence(rule: Reader) -> Evidence | None:
    reader = rule.inner("evidence", _EVIDENCE_KEYS, example=_FOUND)
    if reader is None:
        return None
    reader.require(**dict.fromkeys(_EVIDENCE_KEYS[:-2], _FOUND))
    model, learnt_from = reader.words("model", "a7fd7fc78958"), reader.remark("learnt_from")
    settled_for = reader.remark("settled_for")
    labels, removed, acted, errors = (
        reader.whole(key, 100, least=0) or 0 for key in ("labels", "removed", "acted", "errors")
    )
    bound = reader.share("bound", 0.01, ends=True)
    made = reader.make(
        lambda: Evidence(
            model or "", labels, removed, acted, errors, bound or 0.0, learnt_from, settled_for
        )
    )
    if made and not (errors <= acted <= labels and removed <= labels):
        found = f"{labels} labels, {removed} removed, {acted} acted on, {errors} errors"
        reader.note(None, found=found, expected="no part above its whole", write=_FOUND)
    return made


def _check_together(reader: Reader, action: str | None) -> None:
    """Note what cannot stand together in a rule."""
    has = reader.table.keys()
    promise = "guarantee" in has
    threshold = f'threshold = 0.5, point = "{EXAMPLE}" or guarantee = {_GUARANTEE}'
    for wrong, key, found, expected, write in (
        (promise and "point" in has, "point", "both point and guarantee", "one of them",
         "the one that is meant"),
        (not has & {"threshold", "point", "guarantee"}, None,
         "no threshold, point or guarantee", "one of them", threshold),
        (promise and action == Action.HOLD, "guarantee", "a guarantee in a rule that holds",
         "it in one that approves or removes", "a point or a threshold instead"),
        ("house_rule" in has and action == Action.APPROVE, "house_rule",
         "house_rule in a rule that approves", "it where comments are held or removed", "none"),
        ("audit" in has and not promise, "audit", "audit without a guarantee",
         "it where nobody looks otherwise", f"guarantee = {_GUARANTEE} too, or no audit"),
        ("evidence" in has and not promise, "evidence", "evidence without a guarantee",
         "the guarantee that it is for", f"guarantee = {_GUARANTEE} too, or no evidence"),
        (promise and "evidence" in has and "threshold" not in has, "evidence",
         "evidence without a threshold", "the threshold that it is for", f"{_FOUND}, or neither"),
    ):  # fmt: skip
        if wrong:
            reader.note(key, found=found, expected=expected, write=write)


def _read_override(reader: Reader, known: set[str]) -> Override | None:
    """Read an override; `known` are the names of rules above it, and gets those that it adds."""
    sections, communities = reader.names("section", "sport"), reader.names("community", "readers")
    otherwise, without = reader.choice("otherwise", _MILD), reader.names("without", "clean")
    rules = _read_rules(reader, "override.rule")
    added = set(_names(reader))
    for name in without:
        if name not in known - added:
            near = difflib.get_close_matches(name, sorted(known - added), n=1)
            found, write = f"without = {show(name)}", quote(near[0]) if near else "the list less it"
            expected = "the name of a rule above" + (" alone" if name in added else "")
            reader.note("without", found=found, expected=expected, write=write)
    if not reader.table.keys() & {"section", "community"}:
        place = 'section = ["sport"] or community = ["readers"]'
        reader.note(None, found="an override without a place", expected="one", write=place)
    if not reader.table.keys() & {"without", "otherwise", "rule"}:
        found, write = "an override that changes nothing", "[[override.rule]], or no override"
        reader.note(None, found=found, expected="without, otherwise or a rule", write=write)
    known |= added
    return reader.make(
        lambda: Override(
            sections=sections,
            communities=communities,
            rules=tuple(rule for rule in rules if rule),
            without=without,
            otherwise=None if otherwise is None else Action(otherwise),
        )
    )


def write_policy(policy: Policy) -> str:
    """
    Return the text of a file that says a policy: `parse_policy` gives the same one back.

    Raises:
        PolicyError: the policy is one that no file says, such as one with a rule without a name.

    """
    text = "\n\n".join("\n".join(lines) for lines in _policy_parts(policy)) + "\n"
    try:
        text.encode()
        if parse_policy(text) == policy:
            return text
        said = "it would be read as another one"
    except (PolicyError, UnicodeEncodeError) as error:
        said = re.sub(r"^line \d+: ", "", str(error).partition("\n")[0])
    raise PolicyError(f"this policy cannot be a file: {said}")


def _policy_parts(policy: Policy) -> Iterator[list[str]]:
    yield as_lines(
        name=policy.name,
        otherwise=policy.otherwise,
        without_score=policy.without_score,
        too_short=policy.too_short and vars(policy.too_short),
        languages=policy.languages and vars(policy.languages),
    )
    for rule in policy.rules:
        yield ["[[rule]]", *_rule_lines(rule)]
    for override in policy.overrides:
        places = as_lines(section=override.sections, community=override.communities)
        changes = as_lines(without=override.without, otherwise=override.otherwise)
        yield ["[[override]]", *places, *changes]
        for rule in override.rules:
            yield ["[[override.rule]]", *_rule_lines(rule)]


def _rule_lines(rule: Rule) -> list[str]:
    goal = rule.goal
    return as_lines(
        name=rule.name,
        attribute=rule.attribute,
        scale=None if rule.scale is ScoreScale.PROBABILITY else rule.scale,
        action=rule.action,
        house_rule=rule.house_rule,
        point=str(goal) if isinstance(goal, Goal) else None,
        guarantee=vars(goal) if isinstance(goal, ErrorLimit | MissLimit) else None,
        threshold=rule.threshold,
        audit=rule.audit or None,
        evidence=rule.evidence and vars(rule.evidence),
        suspended=rule.suspended,
    )


def change_rules(text: str, changes: Mapping[RuleAt, Mapping[str, Value]]) -> str:
    """
    Return the text of a policy with some keys of some rules set, or with None deleted.

    All else stays as it is, letter for letter. A key that is there keeps its place and the comment
    behind it, a new one follows the last of its rule.

    Raises:
        PolicyError: the text is no policy before or after it, or has no such rule.

    """
    parse_policy(text)
    table = tomllib.loads(text)
    for rule, values in changes.items():
        at = _find_rule(table, rule)
        for key, value in values.items():
            text = change_value(text, (*at, key), value)
            _change_table(table, (*at, key), value)
    parse_policy(text)
    assert tomllib.loads(text) == table  # what was not to be changed was not
    return text


def _find_rule(table: dict[str, Any], rule: RuleAt) -> KeyPath:
    overrides = table.get("override", [])
    if rule.override is not None and not 0 <= rule.override < len(overrides):
        raise PolicyError(f"there is no override {rule.override}; there are {len(overrides)}")
    inside, at = table, tuple[str | int, ...]()
    if rule.override is not None:
        inside, at = overrides[rule.override], ("override", rule.override)
    names = _names(Reader(inside, at, []))
    if rule.name not in names:
        raise PolicyError(f"there is no rule {rule.name!r}; there are {', '.join(names) or 'none'}")
    return (*at, "rule", names.index(rule.name))


def _change_table(table: dict[str, Any], at: KeyPath, value: Value) -> None:
    inside: Any = table
    for key in at[:-1]:
        inside = inside[key]
    if value is None:
        inside.pop(at[-1], None)
    else:
        inside[at[-1]] = tomllib.loads(f"value = {as_toml(value)}")["value"]

"""Policies as files: what they say, their mistakes by line, and changes that keep the rest."""

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import PolicyError
from moderation.policy import (
    HOUSE_RULES,
    MEASURES,
    Action,
    ErrorLimit,
    Evidence,
    Goal,
    Languages,
    MissLimit,
    Override,
    Policy,
    Rule,
    ScoreScale,
    TooShort,
    propose_policy,
)
from moderation.policy.files import (
    RuleAt,
    change_rules,
    parse_policy,
    read_policy,
    read_policy_text,
    write_policy,
)
from moderation.policy.layout import find_lines

WHOLE = """\
# What our desk does.
name = "our site"
otherwise = "hold"            # what no rule matches
without_score = "approve"
too_short = { characters = 3, action = "approve" }
languages = { known = ["en", "und"] }

[[rule]]
name = "clean"
attribute = "TOXICITY"
action = "approve"
guarantee = { error = 0.01, confidence = 0.9 }
audit = 0.02
threshold = 0.0123            # settled in May
evidence = { model = "a7", labels = 5000, removed = 400, acted = 3000, errors = 12, bound = 0.009 }

# The desk asked for this one.
[[rule]]
name = "look at it"
attribute = "TOXICITY"
scale = "50/50"
point = "maximum recall @ precision >= 0.5"
action = "hold"
house_rule = "personal abuse"
suspended = "the promise was broken"

[[override]]
section = "sport"
community = ["readers", "guests"]
without = ["look at it"]
otherwise = "approve"

[[override.rule]]
name = "sure"
attribute = "SPAM"
action = "remove"
threshold = 1

# the end
"""
CLEAN = Rule(
    "TOXICITY",
    0.0123,
    Action.APPROVE,
    "clean",
    goal=ErrorLimit(0.01, 0.9),
    audit=0.02,
    evidence=Evidence("a7", 5000, 400, 3000, 12, 0.009),
)
LOOK = Rule(
    "TOXICITY",
    None,
    Action.HOLD,
    "look at it",
    ScoreScale.EVEN,
    "personal abuse",
    Goal.parse("maximum recall @ precision >= 0.5"),
    suspended="the promise was broken",
)
SURE = Rule("SPAM", 1.0, Action.REMOVE, "sure")


def test_a_file_says_a_whole_policy():
    expected = Policy(
        rules=(CLEAN, LOOK),
        without_score=Action.APPROVE,
        otherwise=Action.HOLD,
        too_short=TooShort(3, Action.APPROVE),
        languages=Languages(("en", "und"), Action.HOLD),
        overrides=(
            Override(("sport",), ("readers", "guests"), (SURE,), ("look at it",), Action.APPROVE),
        ),
        name="our site",
    )
    assert parse_policy(WHOLE) == expected
    assert parse_policy(WHOLE).version == expected.version


shares = st.floats(0, 1, exclude_min=True, exclude_max=True)
counts = st.lists(st.integers(0, 10**6), min_size=4, max_size=4).map(sorted)
words = st.text(min_size=1).filter(str.strip)
goals = st.builds(
    Goal,
    st.sampled_from(["maximum", "minimum"]),
    st.sampled_from(sorted(MEASURES)),
    st.sampled_from(sorted(MEASURES)),
    st.sampled_from([">=", "<="]),
    st.floats(0, 1),
)


@st.composite
def rules(draw):
    action = draw(st.sampled_from(Action))
    promises = (
        [st.builds(ErrorLimit, shares, shares, st.none() | st.integers(1, 10**6))]
        if action is not Action.HOLD
        else []
    )
    if action is Action.APPROVE:
        promises.append(st.builds(MissLimit, shares, st.none() | shares))
    goal = draw(st.one_of(st.none(), goals, *promises))
    threshold = draw(st.floats(0, 1) if goal is None else st.none() | st.floats(0, 1))
    promised = isinstance(goal, ErrorLimit | MissLimit)
    evidence = None
    if promised and threshold is not None and draw(st.booleans()):
        errors, removed, acted, labels = draw(counts)
        bound = draw(st.floats(0, 1))
        evidence = Evidence(draw(words), labels, removed, acted, errors, bound, draw(st.text()))
    return Rule(
        attribute=draw(words),
        threshold=threshold,
        action=action,
        name=draw(words),
        scale=draw(st.sampled_from(ScoreScale)),
        house_rule=draw(st.none() | st.sampled_from(HOUSE_RULES))
        if action is not Action.APPROVE
        else None,
        goal=goal,
        audit=draw(st.floats(0, 1)) if promised else 0.0,
        evidence=evidence,
        suspended=draw(st.just("") | words),
    )


mild = st.sampled_from([Action.APPROVE, Action.HOLD])
rule_lists = st.lists(rules(), max_size=3, unique_by=lambda rule: rule.name).map(tuple)
places = st.lists(words, min_size=1, max_size=2).map(tuple)


@st.composite
def policies(draw):
    own = draw(rule_lists.filter(bool))
    overrides = st.builds(
        Override,
        places,
        st.just(()) | places,
        rule_lists.filter(lambda some: not {r.name for r in some} & {own[0].name}),
        st.just((own[0].name,)),
        st.none() | mild,
    )
    return Policy(
        own,
        draw(mild),
        draw(mild),
        draw(st.none() | st.builds(TooShort, st.integers(1, 99), mild)),
        draw(st.none() | st.just(Languages(("en", "und"))) | st.just(Languages(("de",)))),
        draw(st.lists(overrides, max_size=2).map(tuple)),
        draw(st.just("") | words),
    )


@given(policies())
def test_what_is_written_is_read_as_the_same_policy(policy):
    assert parse_policy(write_policy(policy)) == policy


def test_numbers_of_numpy_are_written_as_numbers():
    rule = Rule("TOXICITY", np.float64(0.25), Action.HOLD, "look")
    policy = Policy((rule,), too_short=TooShort(np.int64(3)))
    assert parse_policy(write_policy(policy)) == policy


def test_what_training_proposes_can_be_a_file():
    policy = propose_policy({"nine in ten": 0.9, "top tenth": 0.2}, attribute="TOXICITY")
    assert parse_policy(write_policy(policy)) == policy


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy((Rule("A", 0.5, Action.HOLD),)), "found no name, expected one, "),
        (Policy((SURE, SURE)), 'found name = "sure", expected a name that no other rule here has'),
        (Policy((SURE,), otherwise=Action.REMOVE), 'found otherwise = "remove"'),
        (Policy(()), "found no rule, expected at least one"),
        (Policy((SURE,), name="\ud800"), "surrogates not allowed"),
        (Policy((SURE,), overrides=(Override(["a"], rules=(LOOK,)),)), "read as another one"),
    ],
)
def test_what_no_file_says_is_not_written(policy, says):
    with pytest.raises(PolicyError, match="this policy cannot be a file: ") as refused:
        write_policy(policy)
    assert says in str(refused.value)
    assert refused.value.line is None


HEAD = 'otherwise = "hold"\n'
RULE = '[[rule]]\nname = "a"\nattribute = "TOXICITY"\naction = "approve"\n'
HOLDING = RULE.replace("approve", "hold")
REMOVING = RULE.replace("approve", "remove")
SETTLED = RULE + "threshold = 0.1\n"
GUARANTEE = "guarantee = { error = 0.01 }\n"


MISTAKES = [
    tuple(case.split("---\n"))
    for case in (Path(__file__).parent / "policy_mistakes.txt").read_text().split("===\n")
]
"""Files with what is said of them: adding a case is adding a block to the text file."""
LONG = [
    ("characters = 1" + "0" * 5000, "line 1: found a number or list too long to read"),
    ("known = " + "[" * 5000, "line 1: found a number or list too long to read"),
    (HEAD + RULE + f"threshold = 0x{'f' * 5000}", "line 6: found threshold = a very large number"),
    (HEAD + RULE + f"threshold = '{'x' * 5000}'", f'line 6: found threshold = "{"x" * 59}..., '),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES)
def test_each_mistake_says_its_line_and_what_to_write(text, says, tmp_path):
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    assert f"{refused.value}\n" == says
    assert refused.value.line == int(says.split()[1].rstrip(":"))
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(PolicyError) as refused:
        read_policy(path)
    assert str(refused.value).split("\n") == [f"{path}, {line}" for line in says.splitlines()]


@pytest.mark.parametrize(("text", "says"), LONG)
def test_what_is_very_long_is_not_repeated(text, says):
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    assert str(refused.value).startswith(says)
    assert len(str(refused.value)) < 200


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = WHOLE.replace("0.0123 ", "7").replace('"approve"\ntoo', '"aprove"\ntoo')
    text = text.replace('"remove"', "3").replace('["look at it"]', '["look"]')
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    assert [line.split(", ")[0] for line in str(refused.value).split("\n")] == [
        'line 4: found without_score = "aprove"',
        "line 14: found threshold = 7",
        'line 30: found without = "look"',
        "line 36: found action = 3",
    ]
    assert refused.value.line == 4


TRICKY = '''\
# [[rule]]

"otherwise" = """
a = 1
[[rule]]
"""
x . "y z" = [ # why
  1,  # "]"

  { b = 2 },
]

[[ rule ]] # first
name = \'\'\'
name = 1\'\'\'
[rule.evidence]
errors.of.a = 1
errors.of.b = 1

[[rule]]
name = "b"
[[rule.list]]
c = 1
[[rule.list]]
c = 1
  [x.w]
c = {d = 1}
'''


def test_lines_are_those_where_statements_begin():
    lines = find_lines(TRICKY)
    assert {".".join(map(str, at)): line for at, line in lines.items()} == {
        "otherwise": 3, "x": 7, "x.y z": 7, "x.y z.0": 7, "x.y z.1": 7, "x.y z.1.b": 7,
        "rule": 13, "rule.0": 13, "rule.0.name": 14, "rule.0.evidence": 16,
        "rule.0.evidence.errors": 17, "rule.0.evidence.errors.of": 17,
        "rule.0.evidence.errors.of.a": 17, "rule.0.evidence.errors.of.b": 18,
        "rule.1": 20, "rule.1.name": 21, "rule.1.list": 22, "rule.1.list.0": 22,
        "rule.1.list.0.c": 23, "rule.1.list.1": 24, "rule.1.list.1.c": 25,
        "x.w": 26, "x.w.c": 27, "x.w.c.d": 27,
    }  # fmt: skip
    assert find_lines(TRICKY.replace("\n", "\r\n")) == lines


@given(policies())
def test_every_key_has_the_line_that_brings_it(policy):
    """Independently: the first line to which the text can be read and has the key."""
    lines = write_policy(policy).split("\n")
    expected: dict[tuple[str | int, ...], int] = {}
    for end in range(1, len(lines) + 1):
        for at in paths_of(tomllib.loads("\n".join(lines[:end]))):
            expected.setdefault(at, end)
    assert find_lines("\n".join(lines)) == expected


def paths_of(value, at=()):
    inside = value if isinstance(value, dict) else range(len(value))
    for key in inside:
        yield (*at, key)
        if isinstance(value[key], dict | list):
            yield from paths_of(value[key], (*at, key))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"name = 'ok'\nname = '\xff'\n", "{}, line 2: found what is not UTF-8, expected text"),
        (b"", "{}, line 1: found an empty file, expected a policy"),
        (None, "{}: cannot be read (No such file or directory); expected a policy"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(body, says, tmp_path):
    path = tmp_path / "policy.toml"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(PolicyError) as refused:
        read_policy(path)
    assert str(refused.value).startswith(says.format(path))
    assert "\n" not in str(refused.value)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"cannot be read \(Is a directory\)"):
        read_policy(tmp_path)


def test_a_file_of_another_editor_says_the_same(tmp_path):
    """A byte order mark and carriage returns are Windows' own."""
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert read_policy(path) == parse_policy(WHOLE)
    assert read_policy_text(path) == WHOLE.replace("\n", "\r\n")


EVIDENCE_VALUES = {
    "model": "b8", "labels": 9, "removed": 1, "acted": 5, "errors": 0, "bound": 0.4,
}  # fmt: skip


def test_a_changed_rule_leaves_all_else_as_it_was():
    changed = change_rules(
        WHOLE,
        {
            RuleAt(None, "clean"): {"threshold": 0.5, "evidence": EVIDENCE_VALUES},
            RuleAt(None, "look at it"): {"threshold": 0.25, "suspended": None},
            RuleAt(0, "sure"): {"house_rule": "spam"},
        },
    )
    before, after = WHOLE.split("\n"), changed.split("\n")
    assert [line for line in before if line not in after] == [
        "threshold = 0.0123            # settled in May", before[14],
        'suspended = "the promise was broken"',
    ]  # fmt: skip
    assert [line for line in after if line not in before] == [
        "threshold = 0.5            # settled in May",
        'evidence = { model = "b8", labels = 9, removed = 1, acted = 5, errors = 0, bound = 0.4 }',
        "threshold = 0.25",
        'house_rule = "spam"',
    ]
    assert after[after.index("threshold = 0.25") - 1] == 'house_rule = "personal abuse"'
    assert after[after.index('house_rule = "spam"') - 1] == "threshold = 1"


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        (SETTLED + "# end", {"audit": None}, SETTLED + "# end"),
        (SETTLED[:-1], {"suspended": "x"}, SETTLED + 'suspended = "x"'),
        (SETTLED + "\n# b\n", {"suspended": "x"}, SETTLED + 'suspended = "x"\n\n# b\n'),
        (SETTLED + "[rule.guarantee]\nerror = 0.1 # e\n# kept\n", {"guarantee": {"error": 0.2}},
         SETTLED + "guarantee = { error = 0.2 }\n# kept\n"),
        (SETTLED + "guarantee.error = 0.1\nguarantee.confidence = 0.9\n", {"guarantee": None},
         SETTLED),
        (SETTLED + "guarantee.error = 0.1\nguarantee.confidence = 0.9\n# c",
         {"guarantee": {"error": 0.2}},
         SETTLED + "guarantee = { error = 0.2 }\n# c"),
        (SETTLED + GUARANTEE + "[rule.evidence]\nmodel = 'x'\nlabels = 1\nremoved=0\n"
         "acted=1\nerrors=0\nbound=0.9\n", {"evidence": None}, SETTLED + GUARANTEE),
        (RULE + 'point = """\nmaximum recall @ precision >= 0.9""" # "#"\n',
         {"point": "minimum recall @ fpr <= 1"},
         RULE + 'point = "minimum recall @ fpr <= 1" # "#"\n'),
        (RULE + '  "threshold" = 0.1#c\n', {"threshold": 1e-05}, RULE + "  threshold = 1e-05#c\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_key_is_changed_wherever_it_stands(text, changes, expected, ends):
    given = (HEAD + text).replace("\n", ends)
    changed = change_rules(given, {RuleAt(None, "a"): changes})
    assert changed == (HEAD + expected).replace("\n", ends)


@given(policies(), st.text(), st.floats(0, 1))
def test_a_change_is_one_of_the_policy(policy, why, threshold):
    rule = policy.rules[-1]
    changes = {"threshold": threshold, "suspended": why if why.strip() else None}
    text = change_rules(write_policy(policy), {RuleAt(None, rule.name): changes})
    changed = dataclasses.replace(rule, threshold=threshold, suspended=why if why.strip() else "")
    rules = (*policy.rules[:-1], changed)
    assert parse_policy(text) == dataclasses.replace(policy, rules=rules)


@pytest.mark.parametrize(
    ("text", "rule", "changes", "says"),
    [
        (HEAD + SETTLED, RuleAt(None, "b"), {}, "there is no rule 'b'; there are a"),
        (HEAD + SETTLED, RuleAt(0, "a"), {}, "there is no override 0; there are 0"),
        (WHOLE, RuleAt(0, "clean"), {}, "there is no rule 'clean'; there are sure"),
        (HEAD + SETTLED, RuleAt(None, "a"), {"threshold": 7}, "line 6: found threshold = 7"),
        (HEAD + SETTLED, RuleAt(None, "a"), {"a b": 7}, "line 7: found what is no TOML"),
        (HEAD, RuleAt(None, "a"), {}, "line 1: found no rule"),
        (
            HEAD + 'rule = [{ name = "a", attribute = "A", action = "hold", threshold = 1 }]',
            RuleAt(None, "a"),
            {"threshold": 0.5},
            "write each rule as a [[rule]] of its own",
        ),
    ],
)
def test_what_cannot_be_changed_is_refused(text, rule, changes, says):
    with pytest.raises(PolicyError) as refused:
        change_rules(text, {rule: changes})
    assert says in str(refused.value)

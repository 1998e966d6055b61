"""`explain`: what a policy does, in plain words."""

import io

import pytest

from moderation import load_model
from moderation.policy.files import read_policy
from moderation.policy_command.command import main
from tests.test_policy_files import WHOLE

SETTLED = WHOLE.replace('point = "maximum recall @ precision >= 0.5"', "threshold = 0.4")
NO_QUESTIONS = """\
otherwise = "approve"
[[rule]]
name = "look"
attribute = "LIKELY_TO_REJECT"
action = "hold"
threshold = 0.5
"""


@pytest.fixture
def explain(tmp_path, capsys):
    """Explain a policy and return the lines of the result, or the one of the refusal."""

    def run(text, *options):
        path = tmp_path / "policy.toml"
        path.write_text(text)
        status = main(["explain", str(path), *options])
        printed = capsys.readouterr()
        if status:
            assert printed.out == ""
            return printed.err.strip()
        return [line.strip() for line in printed.out.splitlines()]

    return run


def test_each_number_and_each_promise_is_explained(explain):
    lines = explain(WHOLE.replace("TOXICITY", "LIKELY_TO_REJECT"))
    start = lines.index("- clean: LIKELY_TO_REJECT below 0.0123 is approved without a person")
    assert lines[start + 1 : start + 6] == [
        "Of comments with a score of 0.0123, moderators remove about 1 in 81, at the share of "
        "removals that the model learnt from.",
        "It promises: of what is approved without a person, at most 1% is what a person would "
        "have removed, with 90% confidence.",
        "That stands on 5,000 labelled comments, 400 of them removed, with scores of model a7: "
        "3,000 on its side of the threshold, 12 of those wrong; so it errs on 0.900% of what it "
        "acts on at most.",
        "A person sees 2% of what it does all the same, chosen by chance, blind.",
        "- no rule matches: held",
    ]
    assert "Its threshold is to give: maximum recall @ precision >= 0.5." in lines


def test_of_another_score_no_share_of_removals_is_said(explain):
    said = "A score of TOXICITY, which is not that of a removal on your site."
    assert said in explain(WHOLE)


def test_what_is_asked_first_stands_first(explain):
    lines = [line for line in explain(WHOLE) if line.startswith("- ")]
    assert [line.split()[1] for line in lines] == [
        "without", "text", "language", "look", "clean:", "no",
    ]  # fmt: skip


def test_a_place_has_its_own_rules(explain, tmp_path):
    title, *lines = explain(WHOLE, "--section", "sport", "--community", "guests")
    version = read_policy(tmp_path / "policy.toml").version
    assert title == f"our site, version {version}, in section sport and community guests"
    rules = [line.split(":")[0] for line in lines if " is " in line and line.startswith("-")]
    assert rules == ["- sure", "- clean"]
    assert "Nobody sees these, and no guarantee says how many are to be removed." in lines


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        ("guarantee = { missed = 0.1 }", "to be removed passes unseen by it, on average."),
        ("guarantee = { error = 0.1 }\nthreshold = 0.2", "it acts through a person only."),
        ("guarantee = { error = 0.1 }", "before: run python -m moderation.policy settle."),
        ('threshold = 0.5\nscale = "50/50"', "1 in 2, where half of all comments are removed."),
    ],
)  # fmt: skip
def test_what_is_missing_and_what_is_promised_is_said(goal, says, explain):
    head = 'otherwise = "hold"\n[[rule]]\nname = "a"\naction = "approve"\n'
    head += 'attribute = "LIKELY_TO_REJECT"\n'
    assert any(line.endswith(says) for line in explain(head + goal))


ABOUT = ("--characters", "10", "--language", "en", "--base-rate", "0.1")


@pytest.mark.parametrize(
    ("score", "verdict", "nearest"),
    [
        ("0.01", "approve, without a person: by 'clean'",
         ["decides: the score is 0.01, 0.0023 from the threshold",
          "does not match: the score is 0.0833333, 0.316667 from the threshold"]),
        ("0.0123", "hold: no rule matches",
         ["does not match: the score is 0.0123, 0 from the threshold",
          "does not match: the score is 0.100783, 0.299217 from the threshold"]),
        ("0.9", "hold: by 'look at it'",
         ["decides: the score is 0.987805, 0.587805 from the threshold",
          "does not match: the score is 0.9, 0.8877 from the threshold"]),
    ],
)  # fmt: skip
def test_a_score_gets_a_verdict_and_its_distance_from_each_rule(score, verdict, nearest, explain):
    lines = explain(SETTLED, "--score", f"TOXICITY={score}", *ABOUT)
    assert lines[1] == verdict
    assert [line for line in lines if "from the threshold" in line] == nearest


def test_a_second_rule_that_matches_is_named(explain):
    both = SETTLED.replace("threshold = 0.4", "threshold = 0.05")
    lines = explain(both, "--score", "TOXICITY=0.01", *ABOUT)
    assert lines[1] == "hold: by 'look at it'"
    assert "matches: the score is 0.01, 0.0023 from the threshold" in lines


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("2", "en"), "approve, without a person: the text is too short"),
        (("9", "de"), "hold: the model does not know the language"),
    ],
)
def test_what_the_text_forbids_is_said(options, says, explain):
    about = ["--characters", options[0], "--language", options[1], "--base-rate", "0.1"]
    assert says in explain(SETTLED, "--score", "TOXICITY=0.5", *about)


@pytest.mark.parametrize("given", ["-", "option"])
def test_a_text_is_scored_by_a_model(given, explain, trained, monkeypatch):
    text = "The heron is back."
    score = load_model(trained).score([text])[0]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    said = "-" if given == "-" else text
    lines = explain(NO_QUESTIONS, "--model", str(trained), "--text", said)
    assert (
        f"does not match: the score is {score:.6g}, {0.5 - score:.6g} from the threshold" in lines
    )
    assert not any("heron" in line for line in lines)


def test_a_text_without_words_has_no_score(explain, trained):
    lines = explain(NO_QUESTIONS, "--model", str(trained), "--text", " ")
    assert lines[1:] == ["hold: there is no score"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--score", "SPAM=0.5"], "compares TOXICITY, and there is a score only for SPAM; add"),
        (["--score", "TOXICITY=0.5"], "asks how long a text is: add --characters 100"),
        (["--score", "TOXICITY=0.5", "--characters", "9"], "language: add --language en, or und"),
        (["--score", "TOXICITY=0.5", *ABOUT[:4]], "a rule is on the 50/50 scale: add --base-rate"),
        (["--text", "a"], "--text needs --model MODEL to score it"),
        (["--text", "a", "--model", "m.joblib", "--score", "A=1"], "and no --score besides"),
        (["--model", "m.joblib"], "--model without --text"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_asked_for_in_one_line(options, says, explain):
    refusal = explain(SETTLED, *options)
    assert refusal.startswith("policy explain: ")
    assert says in refusal
    assert "\n" not in refusal


def test_nothing_is_decided_before_it_is_settled(explain):
    assert "no threshold was found for it yet" in explain(WHOLE, "--score", "TOXICITY=0.5", *ABOUT)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--score=TOXICITY", "is not ATTRIBUTE=SCORE, such as TOXICITY=0.8"),
        ("--score==0.5", "is not ATTRIBUTE=SCORE"),
        ("--score=TOXICITY=80", "is not ATTRIBUTE=SCORE"),
        ("--score=TOXICITY=nan", "is not ATTRIBUTE=SCORE"),
        ("--characters=-1", "is not a number of characters"),
        ("--base-rate=0", "is not a share"),
    ],
)
def test_an_option_that_is_none_is_refused(option, says, explain, capsys):
    with pytest.raises(SystemExit) as refused:
        explain(WHOLE, option)
    assert refused.value.code == 2
    assert says in capsys.readouterr().err

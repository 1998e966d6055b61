"""The discovery document: what Google's client libraries build their calls from."""

import copy
from typing import Any, Final

from moderation.perspective.errors import TEXT_LIMIT

VERSION: Final = "v1alpha1"
BATCH_PATH: Final = "batch"
ANALYZE_PATH: Final = f"{VERSION}/comments:analyze"
SUGGEST_PATH: Final = f"{VERSION}/comments:suggestscore"
ANALYZE_ANSWER, SUGGEST_ANSWER = "AnalyzeCommentResponse", "SuggestCommentScoreResponse"

Schema = dict[str, Any]


def make_discovery(root_url: str) -> dict[str, Any]:
    """
    Return the document for a server at `root_url`, which every call then goes to.

    Raises:
        ValueError: `root_url` is no address of HTTP.

    """
    if not root_url.startswith(("http://", "https://")):
        raise ValueError(f"root_url={root_url!r}: expected http:// or https://")
    root_url = f"{root_url.rstrip('/')}/"
    document: dict[str, Any] = {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"commentanalyzer:{VERSION}",
        "name": "commentanalyzer",
        "canonicalName": "Comment Analyzer",
        "version": VERSION,
        "version_module": True,
        "revision": "20261231",
        "title": "Comment scores",
        "description": "Scores comments with a newsroom's own model, and learns from corrections.",
        "ownerDomain": "localhost",
        "ownerName": "moderation",
        "icons": {},
        "documentationLink": root_url,
        "protocol": "rest",
        "rootUrl": root_url,
        "baseUrl": root_url,
        "basePath": "",
        "servicePath": "",
        "batchPath": BATCH_PATH,
        "parameters": _PARAMETERS,
        "resources": {
            "comments": {
                "methods": {
                    "analyze": {
                        **_method("analyze", ANALYZE_PATH, "AnalyzeCommentRequest", ANALYZE_ANSWER),
                        "description": "Returns the scores of a comment for some attributes.",
                        "parameters": {"wordContributions": _WORDS},
                    },
                    "suggestscore": {
                        **_method(
                            "suggestscore",
                            SUGGEST_PATH,
                            "SuggestCommentScoreRequest",
                            SUGGEST_ANSWER,
                        ),
                        "description": "Takes the scores that a comment should have, to learn.",
                    },
                }
            }
        },
        "schemas": SCHEMAS,
    }
    return copy.deepcopy(document)  # Google's client writes into the one that it is given


def _method(name: str, path: str, request: str, answer: str) -> dict[str, Any]:
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": request},
        "response": {"$ref": answer},
        "scopes": [],
    }


def _query(description: str, kind: str = "string", **more: Any) -> Schema:
    return {"type": kind, "location": "query", "description": description, **more}


_WORDS: Final = _query(
    "An addition of this server: tell what each word adds to the logit of the model's own "
    "attribute.",
    "boolean",
    default="false",
)
_PARAMETERS: Final[dict[str, Schema]] = {
    "$.xgafv": _query(
        "Accepted; errors have one form.",
        enum=["1", "2"],
        enumDescriptions=["the same", "the same"],
    ),
    "access_token": _query("Accepted and not read."),
    "alt": _query(
        "The form of the answer; only json is served.",
        default="json",
        enum=["json", "media", "proto"],
        enumDescriptions=["JSON", "not served", "not served"],
    ),
    "callback": _query("Not served: it would let any page read the answers."),
    "fields": _query("What of the answer to send, as attributeScores/TOXICITY/summaryScore."),
    "key": _query("The API key that the newsroom gave out."),
    "oauth_token": _query("Accepted and not read."),
    "prettyPrint": _query("Whether the answer is indented.", "boolean", default="true"),
    "quotaUser": _query("Accepted; the quota is the key's."),
    "uploadType": _query("Accepted and not read."),
    "upload_protocol": _query("Accepted and not read."),
}


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _number(description: str) -> Schema:
    return {"type": "number", "format": "float", "description": description}


def _integer(description: str) -> Schema:
    return {"type": "integer", "format": "int32", "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _list(of: Schema, description: str) -> Schema:
    return {"type": "array", "items": of, "description": description}


def _map(of: Schema, description: str) -> Schema:
    return {"type": "object", "additionalProperties": of, "description": description}


def _choice(description: str, **meanings: str) -> Schema:
    names, told = list(meanings), list(meanings.values())
    return {"type": "string", "enum": names, "enumDescriptions": told, "description": description}


def _message(name: str, description: str, **properties: Schema) -> Schema:
    return {"id": name, "type": "object", "description": description, "properties": properties}


_SCORE_TYPE: Final = _choice(
    "The scale of a score.",
    SCORE_TYPE_UNSPECIFIED="PROBABILITY.",
    PROBABILITY="From 0 to 1: the probability where half of all comments deserve removal.",
    STD_DEV_SCORE="Not served.",
    PERCENTILE="Not served.",
    RAW="Not served.",
)
_TAGS: Final = _text("A language: its ISO 639 code, or a BCP 47 tag.")
_SENT: Final[dict[str, Schema]] = {
    "comment": {"$ref": "TextEntry", "description": "The comment."},
    "context": {"$ref": "Context", "description": "What it is about or answers; not scored."},
    "languages": _list(_TAGS, "Its languages; where none is told, it is detected."),
    "doNotStore": _flag("Keep nothing of the text, on disk or in a log."),
    "clientToken": _text("Comes back in the answer."),
    "sessionId": _text("Of the client's own; not read."),
    "communityId": _text("The site or section that the comment belongs to."),
}

SCHEMAS: Final[dict[str, Schema]] = {
    message["id"]: message
    for message in (
        _message(
            "AnalyzeCommentRequest",
            "A comment to score.",
            **_SENT,
            requestedAttributes=_map(
                {"$ref": "AttributeParameters"}, "The attributes to score, by name."
            ),
            spanAnnotations=_flag("Score each sentence, too."),
        ),
        _message(
            ANALYZE_ANSWER,
            "The scores of a comment.",
            attributeScores=_map(
                {"$ref": "AttributeScores"}, "By attribute; absent where none is left."
            ),
            languages=_list(_TAGS, "Those asked for, or what was detected."),
            detectedLanguages=_list(_TAGS, "What was detected; und where it cannot be told."),
            clientToken=_text("What the request had."),
        ),
        _message(
            "SuggestCommentScoreRequest",
            "The scores that a comment should have.",
            **_SENT,
            attributeScores=_map(
                {"$ref": "AttributeScores"}, "By attribute: 1 for removal, 0 for approval."
            ),
        ),
        _message(
            SUGGEST_ANSWER,
            "What was taken down.",
            clientToken=_text("What the request had."),
            detectedLanguages=_list(_TAGS, "What was detected; und where it cannot be told."),
            requestedLanguages=_list(_TAGS, "Those that the request told."),
        ),
        _message(
            "TextEntry",
            "A text.",
            text=_text(f"At most {TEXT_LIMIT} bytes of UTF-8."),
            type=_choice(
                "Its form.",
                TEXT_TYPE_UNSPECIFIED="Plain text.",
                PLAIN_TEXT="Plain text.",
                HTML="Not served.",
            ),
        ),
        _message(
            "Context",
            "What a comment is about or answers, in one of two forms.",
            entries=_list({"$ref": "TextEntry"}, "Earlier texts, in their order."),
            articleAndParentComment={
                "$ref": "ArticleAndParentComment",
                "description": "An article and the comment that is answered.",
            },
        ),
        _message(
            "ArticleAndParentComment",
            "An article and the comment that is answered.",
            article={"$ref": "TextEntry", "description": "The article, or what tells of it."},
            parentComment={"$ref": "TextEntry", "description": "The comment that is answered."},
        ),
        _message(
            "AttributeParameters",
            "How to score an attribute.",
            scoreType=_SCORE_TYPE,
            scoreThreshold=_number("Leave the attribute out where its summary is lower."),
        ),
        _message(
            "AttributeScores",
            "The scores of an attribute.",
            summaryScore={"$ref": "Score", "description": "Of the whole text."},
            spanScores=_list({"$ref": "SpanScore"}, "Of its parts."),
            wordContributions=_list(
                {"$ref": "WordContribution"}, "What its words add; only where it was asked for."
            ),
        ),
        _message("Score", "A score.", value=_number("From 0 to 1."), type=_SCORE_TYPE),
        _message(
            "SpanScore",
            "The score of a part of a text.",
            begin=_integer("Where it begins, in UTF-16 code units from 0."),
            end=_integer("Where it has ended, in UTF-16 code units."),
            score={"$ref": "Score", "description": "Its score."},
        ),
        _message(
            "WordContribution",
            "What a word adds to the logit of the score.",
            begin=_integer("Where it begins, in UTF-16 code units from 0."),
            end=_integer("Where it has ended, in UTF-16 code units."),
            value=_number("Negative where it lowers the score."),
        ),
    )
}  # fmt: skip
"""The messages, by name; what `fields` may select is read from them, too."""

"""`google-api-python-client` by discovery, as HELM, garak and many bots use it; also in batches."""

import json
import sys


def main() -> None:
    plan = json.loads(sys.argv[1])
    from googleapiclient import discovery
    from googleapiclient.errors import HttpError

    def build(key):
        return discovery.build(
            "commentanalyzer",
            "v1alpha1",
            developerKey=key,
            discoveryServiceUrl=plan["address"] + "/$discovery/rest?version=v1alpha1",
            static_discovery=False,
        ).comments()

    def body(text, *names):
        return {
            "comment": {"text": text},
            "requestedAttributes": {name: {} for name in names},
            "languages": ["en"],
            "spanAnnotations": True,
        }

    def describe(error):
        return {
            "status": error.status_code,
            "reason": error.reason,
            **json.loads(error.content),
        }

    def refusal(call):
        try:
            return {"answered": call()}
        except HttpError as error:
            return describe(error)

    comments, text = build(plan["key"]), plan["text"]
    answers = {}

    def keep(number, answer, error):
        answers[number] = describe(error) if error else answer

    service = discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=plan["key"],
        discoveryServiceUrl=plan["address"] + "/$discovery/rest?version=v1alpha1",
        static_discovery=False,
    )
    batch = service.new_batch_http_request(callback=keep)
    batch.add(comments.analyze(body=body(text, "TOXICITY", "INSULT")), request_id="first")
    batch.add(comments.analyze(body=body("", "TOXICITY")), request_id="empty")
    batch.add(comments.analyze(body=body("another remark", "TOXICITY")), request_id="third")
    batch.execute()
    suggestion = {
        "comment": {"text": text},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
        "clientToken": "token-1",
        "languages": ["en"],
    }
    found = {
        "analyze": comments.analyze(body=body(text, "TOXICITY", "INSULT")).execute(),
        "suggest": comments.suggestscore(body=suggestion).execute(),
        "batch": answers,
        "unknown": refusal(lambda: comments.analyze(body=body(text, "TULIP")).execute()),
        "wrong key": refusal(
            lambda: build(plan["wrong_key"]).analyze(body=body(text, "TOXICITY")).execute()
        ),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

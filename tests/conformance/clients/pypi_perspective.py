"""`perspective` 1.0.3 (Conway/perspective): its address is an attribute."""

import json
import sys
from urllib.error import HTTPError


def main() -> None:
    plan = json.loads(sys.argv[1])
    from perspective import PerspectiveAPI

    def client(key):
        api = PerspectiveAPI(key)
        api.api_client.url = plan["address"] + "/v1alpha1/{endpoint}"
        return api

    def refusal(call):
        try:
            return {"answered": call()}
        except HTTPError as error:
            return {"status": error.code, **json.load(error)}

    api, text = client(plan["key"]), plan["text"]
    context = [{"text": "an earlier remark", "type": "PLAIN_TEXT"}]
    found = {
        "analyze": api.analyze_comment(
            text,
            comment_type="PLAIN_TEXT",
            context=context,
            requested_attributes={"TOXICITY": {"scoreType": "PROBABILITY"}, "INSULT": {}},
            span_annotations=True,
            languages=["en"],
            do_not_store=True,
            client_token="token-1",
            session_id="session-1",
            community_id="site/section",
        ),
        "above": api.analyze_comment(
            text, requested_attributes={"TOXICITY": {"scoreThreshold": 1.0}}
        ),
        "score": api.score(text, tests=["TOXICITY", "INSULT"]),
        "suggest": api.suggest_score(
            text,
            {"TOXICITY": {"summaryScore": {"value": 1.0, "type": "PROBABILITY"}}},
            comment_type="PLAIN_TEXT",
            context=context,
            languages=["en"],
            client_token="token-2",
            community_id="site/section",
        ),
        "empty": refusal(lambda: api.analyze_comment("")),
        "unknown": refusal(lambda: api.score(text, tests=["TULIP"])),
        "html": refusal(lambda: api.analyze_comment(text, comment_type="HTML")),
        "nothing suggested": refusal(lambda: api.suggest_score(text, {})),
        "wrong key": refusal(lambda: client(plan["wrong_key"]).score(text)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

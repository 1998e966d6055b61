"""The `openai` SDK's moderations; its address is a parameter."""

import json
import sys


def main() -> None:
    plan = json.loads(sys.argv[1])
    from openai import APIStatusError, OpenAI

    def client(key):
        return OpenAI(base_url=plan["address"] + "/v1", api_key=key, max_retries=0)

    def refusal(call):
        try:
            return {"answered": call().id}
        except APIStatusError as error:
            return {"raised": type(error).__name__, "status": error.status_code}

    moderations, text = client(plan["key"]).moderations, plan["text"]
    one = moderations.create(input=text)
    several = moderations.create(input=[text, "another remark"], model="omni-moderation-latest")
    found = {
        "one": one.model_dump(by_alias=True),
        "several": several.model_dump(by_alias=True),
        "wrong key": refusal(lambda: client(plan["wrong_key"]).moderations.create(input=text)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

// `@conversationai/perspectiveapi-js-client` 1.0.1: its address is fixed.
const { Client } = require("@conversationai/perspectiveapi-js-client");

const plan = JSON.parse(process.argv[2]);

async function refusal(promise) {
  try {
    return { answered: await promise };
  } catch (error) {
    return { raised: error.name, said: error.message };
  }
}

async function main() {
  const api = new Client(plan.key);
  const attributes = ["TOXICITY", "INSULT"];
  const context = { entries: [{ text: "an earlier remark", type: "PLAIN_TEXT" }] };
  const found = {
    both: await api.getScores(plan.text, { attributes }),
    context: await api.getScores(`<b>${plan.text}</b>`, { attributes, context, doNotStore: false }),
    defaults: await refusal(api.getScores(plan.text)),
    "other language": await refusal(api.getScores(plan.text, { attributes, languages: ["om"] })),
    "wrong key": await refusal(new Client(plan.wrong_key).getScores(plan.text, { attributes })),
  };
  console.log(JSON.stringify(found));
}

main();

// `perspective-api-client` 3.1.0 (sloria): its address is fixed.
const Perspective = require("perspective-api-client");

const LONG = "The ferry leaves at noon and comes back at night. ".repeat(500);
const plan = JSON.parse(process.argv[2]);

async function refusal(promise) {
  try {
    return { answered: await promise };
  } catch (error) {
    return { raised: error.name, said: error.message, status: error.response?.status };
  }
}

async function main() {
  const api = new Perspective({ apiKey: plan.key });
  const full = {
    comment: { text: plan.text },
    requestedAttributes: { TOXICITY: { scoreType: "PROBABILITY" } },
    languages: ["en"],
    spanAnnotations: true,
    clientToken: "token-1",
  };
  const found = {
    plain: await api.analyze(plan.text),
    both: await api.analyze(`<p>${plan.text}</p>`, { attributes: ["toxicity", "insult"] }),
    full: await api.analyze(full, { doNotStore: false }),
    long: await api.analyze(LONG, { truncate: true }),
    empty: await refusal(api.analyze("", { validate: false })),
    "too long": await refusal(api.analyze(LONG, { validate: false })),
    unknown: await refusal(api.analyze(plan.text, { attributes: ["TULIP"] })),
    "wrong key": await refusal(new Perspective({ apiKey: plan.wrong_key }).analyze(plan.text)),
  };
  console.log(JSON.stringify(found));
}

main();

// The stock clients for Node, through the gateway; prints what each call gave, as JSON.
//   node node_clients.mjs FOLDER-OF-NODE_MODULES BASE-URL KEY
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, baseURL, apiKey] = process.argv.slice(2);
const require = createRequire(pathToFileURL(folder + "/"));
const OpenAI = require("openai").default ?? require("openai");
const Anthropic = require("@anthropic-ai/sdk").default ?? require("@anthropic-ai/sdk");

const client = new OpenAI({ apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 });
const anthropic = new Anthropic({ apiKey, baseURL, maxRetries: 0 });
const told = {};

const messages = [{ role: "user", content: "Hello" }];
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
  },
};
const schema = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    strict: true,
    schema: {
      type: "object",
      properties: { number: { type: "integer" } },
      required: ["number"],
      additionalProperties: false,
    },
  },
};

const whole = await client.chat.completions.create({ model: "sonnet", messages });
told.whole = { text: whole.choices[0].message.content, model: whole.model, usage: whole.usage };

const stream = await client.chat.completions.create({
  model: "sonnet",
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
told.stream = { text: "", finish: null, usage: null };
for await (const chunk of stream) {
  told.stream.text += chunk.choices[0]?.delta?.content ?? "";
  told.stream.finish = chunk.choices[0]?.finish_reason ?? told.stream.finish;
  told.stream.usage = chunk.usage ?? told.stream.usage;
}

const called = await client.chat.completions.create({
  model: "sonnet",
  messages,
  tools: [weather],
  tool_choice: "required",
});
const call = called.choices[0].message.tool_calls[0];
told.tool = { name: call.function.name, city: typeof JSON.parse(call.function.arguments).city };
const after = await client.chat.completions.create({
  model: "sonnet",
  messages: [
    ...messages,
    called.choices[0].message,
    { role: "tool", tool_call_id: call.id, content: "Sunny" },
  ],
  tools: [weather],
});
told.after = { finish: after.choices[0].finish_reason };

const runner = client.chat.completions.stream({
  model: "sonnet",
  messages,
  tools: [weather],
  tool_choice: "required",
});
const final = await runner.finalChatCompletion();
told.streamedTool = { name: final.choices[0].message.tool_calls[0].function.name };

const parsed = await client.chat.completions.parse({
  model: "sonnet",
  messages,
  response_format: schema,
});
told.structured = { number: typeof JSON.parse(parsed.choices[0].message.content).number };

told.models = [];
for await (const model of client.models.list()) told.models.push(model.id);
told.model = (await client.models.retrieve("sonnet")).id;

const refusal = async (work) => {
  try {
    await work();
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code };
  }
};
told.refused = await refusal(() =>
  client.chat.completions.create({ model: "sonnet", messages, logprobs: true }),
);
told.nowhere = await refusal(() => client.embeddings.create({ model: "x", input: "y" }));
const stranger = new OpenAI({ apiKey: "sk-wrong", baseURL: `${baseURL}/v1`, maxRetries: 0 });
told.stranger = await refusal(() => stranger.models.list());

const message = await anthropic.messages.create({
  model: "sonnet",
  max_tokens: 100,
  messages,
});
told.anthropic = { text: message.content.find((block) => block.type === "text").text };
const events = anthropic.messages.stream({ model: "sonnet", max_tokens: 100, messages });
told.anthropicStream = { text: await events.finalText() };
told.count = (await anthropic.messages.countTokens({ model: "sonnet", messages })).input_tokens;

const left = await client.chat.completions.create({ model: "sonnet", messages, stream: true });
for await (const _ of left) break;
told.left = left.controller.signal.aborted;

console.log(JSON.stringify(told));

// Tests of the journey, under Node: `npm install` once, then `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "@mite/sdk/local";
import * as journeys from "./journeys.js";

/** One run of the journey; every request gets this answer. */
const answered = (status, body) =>
  run(journeys, "search", { args: [{ user: "ada", password: "secret" }], responses: () => ({ status, body }) });

test("it finds what there is", async () => {
  const ran = await answered(200, { items: [{ id: 1, name: "tea" }] });
  assert.equal(ran.error, null);
  assert.deepEqual(ran.requests.map((it) => it.method), ["POST", "GET"]);
});

test("it notices what is wrong", async () => {
  assert.match((await answered(200, { items: [] })).error.message, /there is no tea/);
  assert.match((await answered(500, {})).error.message, /can't log in: 500/);
});

// The SDK under Node, with the cases that all languages share.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import * as cases from "../../../journeys/js/cases.js";
import { plan, run } from "../local/index.js";
import { check, constant, journey, ramp, scenario, sleep } from "@mite/sdk";

const config = { url: "http://test" };

test("messages, transactions, arguments", async () => {
  assert.deepEqual((await run(cases, "hello")).messages[0].list, [1, 2, 3]);
  const nested = await run(cases, "nested_transactions");
  assert.deepEqual(nested.messages.map((it) => [it.type, it.transaction]), [
    ["step", "__root__ :: outer :: first"],
    ["txn", "__root__ :: outer :: first"],
    ["step", "__root__ :: outer :: second :: inner"],
    ["txn", "__root__ :: outer :: second :: inner"],
    ["txn", "__root__ :: outer :: second"],
    ["txn", "__root__ :: outer"],
  ]);
  const user = await run(cases, "datapool_arguments", { args: [{ name: "ada", password: "x" }, 7] });
  assert.deepEqual([user.messages[0].name, user.messages[0].number], ["ada", 7]);
});

test("recorded responses", async () => {
  const responses = ({ method, url, body }) => {
    assert.deepEqual([method, url, body], ["POST", "http://test/api/items", '{"name":"tea","price":4.5}']);
    return { status: 201, body: { id: 3, name: "tea" } };
  };
  const { messages } = await run(cases, "post_json", { config, responses });
  assert.deepEqual([messages[0].status, messages[0].id], [201, 3]);
  const failed = await run(cases, "failing_check", { config, responses: () => ({ status: 503 }) });
  assert.equal(failed.error.message, "MiteError: the page answered 503");
  assert.match(failed.error.location, /cases\.js:\d+:/);
});

test("secrets are variables here", async () => {
  process.env.MITE_SECRET_token = "of the environment";
  const script = {
    known: journey(async (ctx) => ctx.send("got", { token: ctx.secret("token") })),
    unknown: journey(async (ctx) => ctx.secret("other")),
  };
  assert.equal((await run(script, "known")).messages[0].token, "of the environment");
  assert.match((await run(script, "unknown")).error.message, /^MiteError: there is no secret `other` here: /);
});

test("a real server, ten requests at once", async () => {
  let [open, most] = [0, 0];
  const server = createServer((_, response) => {
    most = Math.max(most, ++open);
    const held = setInterval(() => {
      if (most < 10) return;
      clearInterval(held);
      open--;
      response.end("ok");
    }, 1);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const ran = await run(cases, "parallel_requests", { config: { url } });
  server.close();
  server.closeAllConnections();
  assert.deepEqual([ran.error, most, ran.messages.at(-1).count], [null, 10, 10]);
});

test("errors and what waits for ever", async () => {
  const script = {
    type: journey(() => null.x),
    stuck: journey(() => new Promise(() => {})),
    thinks: journey(async () => check((await Promise.race([sleep(9).then(() => 9), sleep(0.001).then(() => 1)])) === 1)),
  };
  const { error } = await run(script, "type");
  assert.deepEqual([error.type, error.ex_type], ["exception", "TypeError"]);
  assert.match(error.location, /local\.test\.js:\d+/);
  await assert.rejects(run(script, "stuck"), /never happen/);
  assert.ok((await run(script, "thinks")).ok);
  const missing = await run(script, "missing");
  assert.match(missing.error.message, /no journey `missing` in this component; it has: `stuck`, `thinks`, `type`/);
});

test("what a scenario asks for", async () => {
  const wave = journey(() => {});
  const peak = (volume) => ({ wave, peak: scenario(() => [{ journey: wave, volume }]) });
  const volumes = [
    [[ramp.to(1, 20), constant(2, 30)], "ramp 1 0.. | constant 0 20 | constant 2 30"],
    [constant(3, 2), "constant 3 2"],
    [[constant(2, 3), ramp.between(1, 5, 9)], "constant 2 3 | constant 0 5 | ramp 1 ..9"],
    [[ramp.to(1, 20), ramp.to(1, 40)], "ramp 1 0.. | constant 0 20 | ramp 1 ..40"],
  ];
  const short = ({ kind, seconds, start, end, journeys }) => `${kind} ${seconds} ${kind === "ramp" ? `${start ?? ""}..${end ?? ""}` : journeys}`;
  for (const [volume, want] of volumes) {
    const [item] = await plan(peak(volume), "peak");
    assert.equal(item.volume.map(short).join(" | "), want);
    assert.equal(item.journey, "wave");
  }
  for (const [volume, why] of [[ramp(1), /last ramp/], [[], /without parts/], [{}, /made of constant/], [constant(1, 1.5), /1\.5 is no number/]]) {
    await assert.rejects(plan(peak(volume), "peak"), why);
  }
});

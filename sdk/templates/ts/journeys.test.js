// Runs the journey once against a server that answers what the test wants: `npm test`. It needs `mite` on PATH, or its path in MITE.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

/** Runs the journey; every request gets this answer. Gives the exit code: 99 where a check failed. */
async function run(status, body) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(status).end(JSON.stringify(body)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `url:http://127.0.0.1:${server.address().port}`;
  const words = ["journey", "run", ".:search", ".:users", "--quiet", "--add-to-config", url];
  const [code] = await once(spawn(process.env.MITE ?? "mite", words), "exit");
  server.closeAllConnections();
  server.close();
  return code;
}

test("it finds what there is", async () => {
  assert.equal(await run(200, { items: [{ id: 1, name: "tea" }] }), 0);
});

test("it notices what is wrong", async () => {
  assert.equal(await run(200, { items: [] }), 99);
  assert.equal(await run(500, {}), 99);
});

// Runs journeys in Node, for tests and debuggers: no WebAssembly, no runner, nothing measured.

import * as component from "../src/component.js";
import { setHost } from "../src/host.js";
import { installLocal } from "./globals.js";
import { Host } from "./host.js";

let busy = false;
let runs = 0; // each has a config of its own

async function one(host, namespace, ask) {
  if (busy) throw new Error("a journey runs already: await it first");
  busy = true;
  const restore = installLocal(globalThis);
  setHost(host.functions);
  try {
    component.open(namespace);
    const answer = ask(component);
    await host.pump(answer);
    return await answer;
  } finally {
    component.end();
    restore();
    busy = false;
  }
}

/**
 * One run of an exported journey. `script` is the namespace of its module: `import * as script from "./journeys.js"`.
 *
 * `config` are values of the config; `args` the arguments after the context; `setup` what it finds in `ctx.setup`; `responses` a function that answers requests
 * instead of the network: it gets `{ method, url, headers, body }` and gives `{ status, headers, body }`.
 */
export async function run(script, journey, { args = [], config = {}, setup = null, responses = null } = {}) {
  const host = new Host({ args, config: { ...config, ...(setup === null ? {} : { "mite.setup": setup }) }, responses });
  const answer = await one(host, script, (sdk) => sdk.run(journey, 1, ++runs, args.length ? new Uint8Array(args.length) : undefined));
  const error = answer.failure ? host.told(answer.failure, 1) : answer.reported ? host.messages.findLast((it) => it.message) : null;
  return { ok: !error, error, messages: host.messages, requests: host.requests, config: host.config, log: host.log };
}

/** What a scenario asks for. */
export async function plan(script, scenario, { config = {} } = {}) {
  return ok(new Host({ config }), script, (sdk) => sdk.plan(scenario));
}

async function ok(host, script, ask) {
  const answer = await one(host, script, ask);
  if (answer.failure) throw new Error(answer.failure.message);
  return answer.ok;
}

/** What the script exports. */
export const names = (script, { config = {} } = {}) => ok(new Host({ config }), script, (sdk) => sdk.describe());

/** The arguments that the first run gets of a datapool whose items are in the script. */
export async function first(script, datapool, { config = {} } = {}) {
  const [item] = await ok(new Host({ config }), script, (sdk) => sdk.nextItems(datapool, 1));
  if (!item) throw new Error(`the datapool \`${datapool}\` has no items`);
  return item;
}

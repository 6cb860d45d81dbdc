#!/usr/bin/env node
// A journey, once, in Node: what `python -m mite.local` is for Python.

import { existsSync } from "node:fs";
import { register } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `usage: mite-local FILE.js:JOURNEY [DATAPOOL] [--add-to-config NAME:VALUE]...

Runs a journey once in Node and prints its messages. Of a datapool the first item is used.

example:
  mite-local journeys.js:visit users --add-to-config=url:http://127.0.0.1:14380/
  node --inspect-brk node_modules/@mite/sdk/local/cli.js journeys.js:visit`;

class Refused extends Error {}

function asked() {
  const options = { "add-to-config": { type: "string", multiple: true, default: [] }, modules: { type: "string" }, help: { type: "boolean" } };
  let parsed;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new Refused(`${error.message}\n\n${USAGE}`);
  }
  const { values, positionals: [spec, pool] } = parsed;
  if (values.help || !spec) throw new Refused(USAGE);
  const at = spec.lastIndexOf(":");
  if (at < 1) throw new Refused(`${spec}: give FILE.js:JOURNEY`);
  const config = values["add-to-config"].map((entry) => {
    const colon = entry.indexOf(":");
    if (colon < 1) throw new Refused(`--add-to-config: \`${entry}\` is no NAME:VALUE`);
    return [entry.slice(0, colon), entry.slice(colon + 1)];
  });
  return { file: spec.slice(0, at), journey: spec.slice(at + 1), pool, config: Object.fromEntries(config), modules: values.modules };
}

async function load(file, modules) {
  const url = pathToFileURL(resolve(file)).href;
  // What `mite` has made of the sources: TypeScript without its types, and what each specifier means.
  register("./modules.js", { parentURL: import.meta.url, data: { modules, sdk: new URL("../src/index.js", import.meta.url).href } });
  return import(url);
}

const shown = ([key, value]) => `${key}=${value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value)}`;

function show({ messages, requests, log, error }) {
  for (const line of log) console.log(line);
  for (const { method, url, start } of requests) console.log(`http_metrics method=${method} url=${url} start_time=${start}`);
  for (const { type, stacktrace, ...fields } of messages) {
    console.log([type, ...Object.entries(fields).map(shown)].join(" "));
    if (stacktrace) console.error(stacktrace);
  }
  return error ? 99 : 0;
}

async function main() {
  const { file, journey, pool, config, modules } = asked();
  if (!existsSync(file)) throw new Refused(`there is no file ${file}; give FILE.js:JOURNEY`);
  const script = await load(file, modules);
  const { first, names, run } = await import("./index.js");
  const { journeys, datapools } = await names(script, { config });
  if (!journeys.includes(journey)) throw new Refused(`${file}: there is no journey '${journey}'; there is: ${journeys.join(", ") || "none"}`);
  if (pool && !datapools.includes(pool)) throw new Refused(`${file}: there is no datapool '${pool}'; there is: ${datapools.join(", ") || "none"}`);
  const args = pool ? await first(script, pool, { config }) : [];
  return show(await run(script, journey, { args, config }));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Refused ? error.message : error);
  process.exitCode = error instanceof Refused ? 104 : 1;
}

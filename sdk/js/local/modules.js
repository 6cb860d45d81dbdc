// How Node finds the modules of a script that `mite` has read: see `cli.js`.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

let sdk;
let sources = new Map(); // by URL
let meanings = new Map();

export function initialize({ modules, sdk: ours }) {
  sdk = ours;
  if (!modules) return;
  const { base, modules: all } = JSON.parse(readFileSync(modules, "utf8"));
  const url = (name) => new URL(name, pathToFileURL(`${base}/`)).href;
  for (const [name, source, imports] of all) {
    sources.set(url(name), source);
    meanings.set(url(name), new Map(imports.map(([specifier, meant]) => [specifier, url(meant)])));
  }
}

export function resolve(specifier, context, next) {
  if (specifier === "@mite/sdk") return { url: sdk, format: "module", shortCircuit: true };
  const meant = meanings.get(context.parentURL)?.get(specifier) ?? (sources.has(specifier) ? specifier : null);
  return meant ? { url: meant, format: "module", shortCircuit: true } : next(specifier, context);
}

export function load(url, context, next) {
  const source = sources.get(url);
  return source === undefined ? next(url, context) : { format: "module", source, shortCircuit: true };
}

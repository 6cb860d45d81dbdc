// How Node finds the modules of a script that `mite` has read: see `cli.js`.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

let sdk;
let commonjs = []; // modules of CommonJS
let sources = new Map(); // by URL
let meanings = new Map();

export function initialize({ modules, sdk: ours }) {
  sdk = ours;
  if (!modules) return;
  const { base, modules: all, commonjs: others } = JSON.parse(readFileSync(modules, "utf8"));
  commonjs = others.map(([name, source, imports, refused]) => [name, { file: `${base}/${name}`, source, imports, refused }]);
  const url = (name) => new URL(name, pathToFileURL(`${base}/`)).href;
  for (const [name, source, imports] of all) {
    sources.set(url(name), source);
    meanings.set(url(name), new Map(imports.map(([specifier, meant]) => [specifier, url(meant)])));
  }
}

// What modules import that stand for those of CommonJS.
const COMMONJS = "mite:commonjs";
const runtime = () => `
  import { compileFunction } from "node:vm";
  import { commonjs, named } from ${JSON.stringify(new URL("../src/commonjs.js", import.meta.url).href)};
  const modules = new Map(${JSON.stringify(commonjs)});
  const names = ["exports", "require", "module", "__filename", "__dirname"];
  const host = {
    commonjs: (name) => modules.has(name) && compileFunction(modules.get(name).source, names, { filename: modules.get(name).file }),
    meaning: (base, specifier) => {
      const { imports, refused } = modules.get(base);
      return { name: new Map(imports).get(specifier), refused: new Map(refused).get(specifier) };
    },
  };
  export const required = commonjs(() => host);
  export { named };
`;

export function resolve(specifier, context, next) {
  if (specifier === "@mite/sdk/commonjs") return { url: COMMONJS, format: "module", shortCircuit: true };
  if (specifier === "@mite/sdk") return { url: sdk, format: "module", shortCircuit: true };
  const meant = meanings.get(context.parentURL)?.get(specifier) ?? (sources.has(specifier) ? specifier : null);
  return meant ? { url: meant, format: "module", shortCircuit: true } : next(specifier, context);
}

export function load(url, context, next) {
  const source = url === COMMONJS ? runtime() : sources.get(url);
  return source === undefined ? next(url, context) : { format: "module", source, shortCircuit: true };
}

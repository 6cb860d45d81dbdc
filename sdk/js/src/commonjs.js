// CommonJS modules of a script: each is a function, called where it is asked for first.

import { host } from "./host.js";

const directory = (name) => (name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : ".");

/** `of` gives what knows the modules: `commonjs(name)`, a function or nothing, and `meaning(base, specifier)`: `{ name }` or `{ refused }`. */
export function commonjs(of) {
  const modules = new Map(); // by name, from before they are called: circles end

  function requireIn(base) {
    const resolve = (specifier) => {
      const { name, refused } = of().meaning(base, String(specifier));
      if (name !== undefined) return name;
      const why = refused ?? `\`${specifier}\` is no part of the script: \`mite build\` takes what \`require("...")\` names`;
      throw Object.assign(new Error(why), { code: "MODULE_NOT_FOUND" });
    };
    return Object.assign((specifier) => required(resolve(specifier)), { resolve, cache: Object.create(null), main: undefined });
  }

  function required(name) {
    const known = modules.get(name);
    if (known) return known.exports;
    const work = of().commonjs(name);
    if (!work) throw new Error(`${name} is an ES module: it can be imported, not required`);
    const require = requireIn(name);
    const module = { exports: {}, id: name, filename: name, loaded: false, children: [], paths: [], require };
    modules.set(name, module);
    try {
      work.call(module.exports, module.exports, require, module, name, directory(name));
    } catch (error) {
      modules.delete(name);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }
  return required;
}

/** What a module exports. */
export const required = commonjs(() => host);

/** One of the exports; `place` says who imports it, unless nobody minds whether it is there. */
export function named(exports, name, module, place) {
  const all = Object(exports);
  if (place !== null && !(name in all)) throw new SyntaxError(`${module} exports no \`${name}\` (imported at ${place})`);
  return all[name];
}

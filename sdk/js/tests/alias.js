// `@mite/sdk` is this package, wherever it is imported from.

import { register } from "node:module";

const hook = `export const resolve = (name, context, next) =>
  next(name === "@mite/sdk" ? ${JSON.stringify(new URL("../src/index.js", import.meta.url).href)} : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

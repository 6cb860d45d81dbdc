// The entry of the engine: sets the host and the globals that scripts expect, and gives what the engine calls.

import { setHost } from "./host.js";
import { install } from "./platform/install.js";
import { rehearse } from "./rehearsal.js";

export { begin, describe, describeDatapool, end, failed, finish, nextItems, open, plan, required } from "./component.js";
export { enter, leave, runSetup } from "./hooks.js";
export { idle, rejected } from "./loop.js";

export function start(host) {
  setHost(host);
  install(globalThis);
  rehearse();
}

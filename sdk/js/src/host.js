// What the world gives: the functions of mite's host, set once before anything else is called. In a component they are the
// contract's imports (engine/src/host.rs), under Node those of ../local.

export let host = null;

export function setHost(given) {
  host = given;
}

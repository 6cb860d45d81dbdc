// What stands around the runs of a test.

import { all, guarded, hasNo, marked, nameOf } from "./component.js";
import { useVersion } from "./config.js";
import { Context, ROOT } from "./context.js";
import { MiteError } from "./errors.js";
import { hasOrphans, orphans, report } from "./loop.js";

/** Called once a test, on the controller; every journey finds its answer in `ctx.setup`. */
export const setup = (work) => marked("setup", { work }, work);
/** Called where a journey is about to run, once for each place, and in no figure; of these journeys only if some are given. */
export const onStart = (work, ...journeys) => marked("function of onStart", { work, journeys }, work);
/** The same for when no more runs come. */
export const onStop = (work, ...journeys) => marked("function of onStop", { work, journeys }, work);

// Nobody measures it, and the config is asked for anew.
const apart = (work) => guarded(async (...args) => {
  useVersion(null);
  const answer = await work(...args);
  const [error, ...others] = orphans();
  for (const other of others) report(other, ROOT);
  if (error !== undefined) throw error;
  return answer;
});

async function called(kind, journey) {
  for (const { work, journeys } of all(kind)) {
    if (!journeys.length || journeys.some((one) => nameOf("journey", one) === journey)) await work(new Context(0, ROOT));
  }
}

// Undefined: there is none. What a setup answers is in a list, since it may be anything.
export const runSetup = apart(async () => {
  const setups = all("setup");
  if (setups.length > 1) throw new MiteError(`one export is a setup, not ${setups.length}`);
  return setups.length ? [(await setups[0].work(new Context(0, ROOT))) ?? null] : undefined;
});
// Most scripts have none, and every instance is asked.
const NOTHING = Object.freeze({ ok: undefined });
const around = (kind) => {
  const call = apart((journey) => called(kind, journey));
  return (journey) => (hasNo(kind) && !hasOrphans() ? NOTHING : call(journey));
};
export const enter = around("function of onStart");
export const leave = around("function of onStop");

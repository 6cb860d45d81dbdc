// Sleeping and keeping a pace.

import { host } from "./host.js";
import { timer } from "./loop.js";

const until = (at) => new Promise((resolve) => timer(at, resolve));

/** Waits so many seconds. */
export const sleep = (seconds) => until(host.now() + Math.max(0, Math.round(seconds * 1e9)));

async function separated(nanoseconds, work) {
  const start = host.intended();
  try {
    return await work();
  } finally {
    await until(start + nanoseconds);
  }
}

/** Makes the work take at least so many seconds, also where it fails, from when the journey was meant to go on. */
export const ensureFixedSeparation = (seconds, work) => separated(Math.max(0, seconds) * 1e9, work);

/** The same for a time drawn evenly from `mean` +- `plusMinus` seconds (a quarter of the mean). */
export const ensureAverageSeparation = (mean, work, plusMinus = mean / 4) =>
  separated(Math.max(0, mean - plusMinus + 2 * plusMinus * Math.random()) * 1e9, work);

/** One of a list; undefined of none. */
export const choose = (list) => list[Math.floor(Math.random() * list.length)];

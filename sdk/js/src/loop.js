// Promises over the host: requests and timers, and the one place where a journey blocks.

import { HttpError, failure, reported } from "./errors.js";
import { host } from "./host.js";

let requests = []; // in the order they were made
let ready = []; // those of `requests` whose answer is there
const timers = new Map();
let lastTimer = 0;
let broken = []; // what was thrown in callbacks of timers
const unhandled = new Map(); // rejections that nobody handles until the run is over

/** Begins a request when all runnable code has run: only then it is known whether it is the only one. */
export function request(what, signal) {
  if (signal?.aborted) return Promise.reject(signal.reason);
  // The place is noted here: where the request fails nothing of the journey is on the stack.
  const entry = { what, promise: host.promise(), frames: host.frames(), pending: null };
  requests.push(entry);
  signal?.addEventListener("abort", () => {
    if (!remove(entry)) return;
    entry.pending?.cancel();
    host.settle(entry.promise, signal.reason, true);
  });
  return entry.promise;
}

function remove(entry) {
  const at = requests.lastIndexOf(entry);
  if (at === requests.length - 1) requests.pop();
  else if (at >= 0) requests.splice(at, 1);
  return at >= 0;
}

function settle(entry, take) {
  if (requests.length === 1) requests.pop();
  else remove(entry);
  let answer;
  try {
    answer = take(entry);
  } catch (cause) {
    const kind = cause.kind ?? "invalid";
    const error = new HttpError(`${kind}: ${cause.message}`, kind);
    Object.defineProperty(error, "stack", { value: host.stack(entry.frames), writable: true, configurable: true });
    return host.settle(entry.promise, error, true);
  }
  host.settle(entry.promise, answer, false);
}
const finished = (entry) => entry.pending.finish();
const sent = (entry) => host.send(entry.what);

function begin(entry) {
  try {
    entry.pending ??= host.start(entry.what);
  } catch (error) {
    settle(entry, () => {
      throw error;
    });
  }
}

/** Calls `run` at a moment of the host's clock (nanoseconds); answers the timer's number, which may be one that was there. */
export function timer(at, run, id = ++lastTimer) {
  timers.set(id, { at, run });
  return id;
}
export function clearTimer(id) {
  timers.delete(id);
}

function first() {
  let found = null;
  for (const [id, { at, run }] of timers) if (!found || at < found.at) found = { id, at, run };
  return found;
}

function fire({ id, run }) {
  if (!timers.delete(id)) return;
  try {
    run();
  } catch (error) {
    broken.push(error);
  }
}

/**
 * Called when nothing can run: blocks at most once, then makes one thing runnable. One only, so that its code runs before
 * the next answer is taken: the message of an answer is sealed at the next call of the host.
 */
export function idle() {
  while (ready.length) {
    const entry = ready.shift();
    if (requests.includes(entry)) return settle(entry, finished);
  }
  if (requests.length === 1 && !timers.size) return settle(requests[0], requests[0].pending ? finished : sent);
  const before = requests.length;
  for (const entry of [...requests]) begin(entry);
  if (requests.length < before) return;
  wait(first());
}

function wait(due) {
  if (!requests.length) {
    if (!due) throw new Error("the journey waits for something that can never happen");
    host.sleepUntil(due.at);
    return fire(due);
  }
  const entries = [...requests];
  const timeout = due && Math.max(0, due.at - host.now());
  ready = host.waitAny(entries.map((entry) => entry.pending), timeout).map((position) => entries[position]);
  if (!ready.length && due) fire(due);
}

/**
 * The same where nothing can block, as under Node: `start` gives a promise of a request's answer, `sleep` one of the time.
 */
export async function idleWith({ start, sleep }) {
  const due = first();
  if (!requests.length && !due) throw new Error("the journey waits for something that can never happen");
  const waiting = [...requests].map((entry) => {
    entry.pending ??= Object.assign(start(entry.what).then((answer) => () => answer, (error) => () => { throw error; }), { cancel() {} });
    return entry.pending.then((take) => () => requests.includes(entry) && settle(entry, take));
  });
  if (due) waiting.push(sleep(due.at - host.now()).then(() => () => fire(due)));
  (await Promise.race(waiting))();
}

/** What the engine tells of promises that are rejected. */
export function rejected(promise, reason, handled) {
  if (handled) unhandled.delete(promise);
  else unhandled.set(promise, reason);
}

const NONE = Object.freeze([]);

/** Whether there may be errors that nobody has handled. */
export const hasOrphans = () => broken.length > 0 || unhandled.size > 0;
/** The errors that nobody has handled or told about. */
export function orphans() {
  if (!hasOrphans()) return NONE;
  const errors = [...broken, ...unhandled.values()].filter((error) => !reported(error));
  broken = [];
  unhandled.clear();
  return errors;
}

/** Tells of an error that isn't the run's own. */
export function report(error, transaction) {
  const { isError, exType, message, location, stacktrace, fields } = failure(error);
  const told = { message, ex_type: exType, location };
  if (isError) host.message("error", { ...fields, ...told }, transaction);
  else host.message("exception", { ...told, stacktrace }, transaction);
}

/** Nothing of one run is left for the next. */
export function end() {
  for (const entry of requests) entry.pending?.cancel();
  if (requests.length) requests = [];
  if (ready.length) ready = [];
  if (timers.size) timers.clear();
  orphans();
}

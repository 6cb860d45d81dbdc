// What goes wrong in a journey, and how it is told.

/** Something that the journey itself says is wrong: an `error` message, with the fields as fields of the message. */
export class MiteError extends Error {
  constructor(message, fields = {}) {
    super(message);
    this.fields = fields;
  }
}
/** A request got no answer; `kind` says at which step. */
export class HttpError extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}
/** As browsers have it: `AbortError`, `TimeoutError`, `DataCloneError` ... */
export class DOMException extends Error {
  #name;
  constructor(message = "", name = "Error") {
    super(message);
    this.#name = name;
  }
  get name() {
    return this.#name;
  }
}
for (const [type, name] of [[MiteError, "MiteError"], [HttpError, "HttpError"]]) {
  Object.defineProperty(type.prototype, "name", { value: name, writable: true, configurable: true });
}

/** Fails with a MiteError unless the condition holds. */
export function check(condition, message = "check failed", fields = {}) {
  if (!condition) throw new MiteError(message, fields);
}

const told = new WeakSet(); // what a transaction has reported
const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

export function tell(error) {
  if (isObject(error)) told.add(error);
}
export function reported(error) {
  if (error instanceof AggregateError && error.errors.length) return error.errors.every(reported);
  return isObject(error) && told.has(error);
}

// Frames of the SDK and of the engine tell an author nothing.
const OWN = /\(?(@mite\/sdk|node:|native|<evalScript>|file:.*\/sdk\/js\/(src|local)\/)/;
const FRAME = /^\s*at (?:(?:async )?(.+?) \()?(?:file:\/\/)?([^()]+?):(\d+)(?::\d+)?\)?$/;

/** `file:line:function` of the innermost place in the journey, from a stack. */
export function place(stack) {
  for (const line of stack.split("\n")) {
    if (OWN.test(line)) continue;
    const [, name, file, number] = line.match(FRAME) ?? [];
    if (file) return `${file}:${number}:${name ?? "<anonymous>"}`;
  }
  return "";
}
const ownFrames = (stack) => stack.split("\n").filter((line) => line.trim() && !OWN.test(line)).join("\n");

// What the engine says in few words.
function explained(error) {
  const text = String(error);
  if (text === "InternalError: interrupted") return `${text}: it computed too long without waiting for anything`;
  if (text === "null") return "InternalError: out of memory";
  return text;
}

/** An error in the host's form. Doesn't throw, whatever the value does when it is looked at. */
export function failure(error) {
  try {
    const is = error instanceof Error;
    const isError = error instanceof MiteError;
    const stack = is ? String(error.stack ?? "") : "";
    const message = is || error === null ? explained(error) : `${typeof error}: ${String(error)}`;
    const exType = is ? String(error.name) : error === null ? "InternalError" : typeof error;
    const frames = ownFrames(stack.startsWith(String(error)) ? stack.slice(String(error).length) : stack);
    const cause = is && error.cause !== undefined ? `\ncaused by: ${String(error.cause)}` : "";
    const stacktrace = isError ? null : `${message}\n${frames}${cause}`;
    return { isError, exType, message, location: place(stack), stacktrace, fields: isError ? error.fields : null };
  } catch {
    const message = "Error: what was thrown can't be described";
    return { isError: false, exType: "Error", message, location: "", stacktrace: message, fields: null };
  }
}

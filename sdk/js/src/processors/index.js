// What `import { ... } from "@mite/sdk/processor"` gives.

import { host } from "../host.js";

const marked = new WeakSet();
let current = { raw: null, value: undefined }; // the message at hand

/**
 * A processor: `export const Failures = processor(class { processMessage(message) { ... } })`. It is made without arguments; `tick` is
 * called about every 250 ms, `close` at the end.
 */
export function processor(type) {
  const takes = (name) => typeof type?.prototype?.[name] === "function";
  if (typeof type !== "function" || !(takes("processMessage") || takes("processRawMessage"))) {
    throw new TypeError("a processor is a class with `processMessage(message)` or `processRawMessage(bytes)`");
  }
  marked.add(type);
  return type;
}
export const isProcessor = (thing) => typeof thing === "function" && marked.has(thing);

/** Makes a message the one at hand; its value is decoded, with an error if it is no message. */
export function atHand(raw, decoded) {
  current = { raw, value: decoded ? host.decodeMessage(raw) : undefined };
  return current.value;
}

// A message as it came; one that was made here as msgpack.
function rawOf(message) {
  if (message instanceof Uint8Array) return message;
  return current.value !== undefined && message === current.value ? current.raw : host.pack(message);
}

/** A socket that messages go out by. Its endpoint has to be granted by `--grant-socket`. */
export class Sender {
  #id;
  constructor(id) { this.#id = id; }
  /** Listens there. */
  static bind(endpoint) { return new Sender(host.bind(String(endpoint))); }
  /** Connects, again and again until somebody is there. */
  static connect(endpoint) { return new Sender(host.connect(String(endpoint))); }
  /** Never waits: answers whether there was room for it (32 MiB for each peer). */
  send(message) { return host.send(this.#id, rawOf(message)); }
  get id() { return this.#id; }
}

/** Folds messages into figures, as `mite stats` does; they go out by a sender every 250 ms and at the end. */
export class Stats {
  #id;
  constructor(sender, { include = [], exclude = [] } = {}) {
    if (!(sender instanceof Sender)) throw new TypeError("figures go out by a Sender");
    this.#id = host.stats(sender.id, include, exclude);
  }
  take(message) { host.statsTake(this.#id, rawOf(message)); }
}

/** Writes messages to files, as `mite collector` does, in the directory `id` of the receiver's `--collector-dir`. */
export class Collector {
  #id;
  constructor(id) { this.#id = host.collector(String(id)); }
  /** An error is final: nothing is kept any more. */
  write(message) { host.collectorWrite(this.#id, rawOf(message)); }
}

/** A line on standard output: texts as they are, messages and all other values like JSON. */
export function print(value) {
  host.print(typeof value === "string" ? value : host.show(rawOf(value)));
}

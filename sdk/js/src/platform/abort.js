// AbortController and AbortSignal.

import { DOMException } from "../errors.js";
import { host } from "../host.js";
import { timer } from "../loop.js";

const KEY = Symbol("made here");

export class AbortSignal {
  #listeners = new Set();
  #reason;
  aborted = false;
  onabort = null;
  constructor(key) {
    if (key !== KEY) throw new TypeError("make an AbortController, or call AbortSignal.timeout(milliseconds)");
  }
  get reason() { return this.#reason; }
  addEventListener(type, listener) { if (type === "abort") this.#listeners.add(listener); }
  removeEventListener(type, listener) { if (type === "abort") this.#listeners.delete(listener); }
  throwIfAborted() { if (this.aborted) throw this.#reason; }
  /** For AbortController. */
  [KEY](reason = new DOMException("the operation was aborted", "AbortError")) {
    if (this.aborted) return;
    this.aborted = true;
    this.#reason = reason;
    const event = { type: "abort", target: this };
    this.onabort?.(event);
    for (const listener of this.#listeners) (listener.handleEvent ?? listener).call(this, event);
  }
  static abort(reason) {
    const signal = new AbortSignal(KEY);
    signal[KEY](reason);
    return signal;
  }
  static timeout(milliseconds) {
    const signal = new AbortSignal(KEY);
    const late = () => signal[KEY](new DOMException("the time is over", "TimeoutError"));
    timer(host.now() + Math.max(0, milliseconds) * 1e6, late);
    return signal;
  }
  static any(signals) {
    const signal = new AbortSignal(KEY);
    for (const one of signals) {
      if (one.aborted) signal[KEY](one.reason);
      else one.addEventListener("abort", () => signal[KEY](one.reason));
    }
    return signal;
  }
}

export class AbortController {
  signal = new AbortSignal(KEY);
  abort(reason) { this.signal[KEY](reason); }
}

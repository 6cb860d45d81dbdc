// mite's host as far as one run in Node needs it.

import { randomBytes } from "node:crypto";
import { setTimeout as nodeTimeout } from "node:timers/promises";

import { idleWith } from "../src/loop.js";

const nodeFetch = globalThis.fetch;
const NodeHeaders = globalThis.Headers;
const now = () => Number(process.hrtime.bigint());
const encoder = new TextEncoder();
const settling = new WeakMap();

export class Host {
  constructor({ args = [], config, responses = null }) {
    this.args = args;
    this.config = { ...config };
    this.responses = responses;
    this.messages = [];
    this.requests = [];
    this.log = [];
    this.cookies = new Map();
    this.names = new Map([[1, "__root__"]]);
    this.functions = this.#functions();
  }

  /** An error as the message it becomes. */
  told({ isError, exType, message, location, stacktrace, fields }, transaction) {
    const type = isError ? "error" : "exception";
    const told = { ...fields, message, ex_type: exType, location, type, transaction: this.names.get(transaction) };
    if (!isError) told.stacktrace = stacktrace;
    this.messages.push(told);
    return told;
  }

  /** Works until a promise is settled: microtasks, then one wait, as the engine does. */
  async pump(promise) {
    let settled = false;
    promise.then(() => { settled = true; }, () => { settled = true; });
    for (;;) {
      for (let turn = 0; turn < 100 && !settled; turn++) await null;
      await new Promise(setImmediate);
      if (settled) return;
      await idleWith({ start: (what) => this.#send(what), sleep: (ns) => nodeTimeout(Math.max(0, ns / 1e6)) });
    }
  }

  async #send(what) {
    const { method, url, headers, body, timeout, maxRedirects } = what;
    this.requests.push({ method, url, headers, body, start: Date.now() / 1000 });
    if (this.responses) return answer(url, await this.responses({ method, url, headers, body }));
    return this.#overNetwork(what, method, url, headers, body, timeout, maxRedirects, []);
  }

  async #overNetwork(what, method, url, headers, body, timeout, left, history) {
    const sent = new NodeHeaders(headers);
    const cookies = [...this.cookies.values()].filter((cookie) => new URL(url).hostname.endsWith(cookie.domain));
    if (cookies.length) sent.append("cookie", cookies.map(({ name, value }) => `${name}=${value}`).join("; "));
    const signal = timeout === null ? undefined : AbortSignal.timeout(timeout / 1e6);
    let got;
    try {
      got = await nodeFetch(url, { method, headers: sent, body, redirect: "manual", signal });
    } catch (error) {
      const kind = error.name === "TimeoutError" ? "timeout" : "connect";
      throw Object.assign(new Error(error.cause?.message ?? error.message), { kind });
    }
    for (const line of got.headers.getSetCookie()) {
      const [name, value] = line.split(";")[0].split("=");
      this.cookies.set(name, { name, value, domain: new URL(url).hostname, path: "/" });
    }
    const to = got.headers.get("location");
    if (to && left > 0 && [301, 302, 303, 307, 308].includes(got.status)) {
      const again = got.status < 304 ? ["GET", [], null] : [method, headers, body];
      return this.#overNetwork(what, again[0], new URL(to, url).href, again[1], again[2], timeout, left - 1,
        [...history, { status: got.status, url }]);
    }
    const bytes = new Uint8Array(await got.arrayBuffer());
    return answer(url, { status: got.status, headers: Object.fromEntries(got.headers), body: bytes }, history);
  }

  #functions() {
    let last = 1;
    return {
      // What the engine has in C: a request's promise, and the place of its author.
      promise: () => {
        let ways;
        const promise = new Promise((resolve, reject) => { ways = { resolve, reject }; });
        settling.set(promise, ways);
        return promise;
      },
      settle: (promise, value, rejected) => settling.get(promise)[rejected ? "reject" : "resolve"](value),
      frames: () => new Error(),
      stack: (noted) => noted.stack.slice(noted.stack.indexOf("\n") + 1),
      plain: (method, url, transaction) => ({
        method, url, headers: [], body: null, name: null, transaction, timeout: null, maxRedirects: 5,
        identity: null, insecure: false, discardBody: false,
      }),
      now,
      intended: now,
      shouldStop: () => false,
      random: Math.random,
      randomBytes: (count) => new Uint8Array(randomBytes(count)),
      encode: (text) => encoder.encode(text),
      decode: (bytes, encoding, fatal) => {
        try {
          return new TextDecoder(encoding, { fatal, ignoreBOM: true }).decode(bytes);
        } catch {
          return null;
        }
      },
      unpack: () => this.args,
      log: (text) => { this.log.push(text); },
      begin: (name, parent) => {
        this.names.set(++last, `${this.names.get(parent)} :: ${name}`);
        return last;
      },
      end: (id, outcome, failure) => {
        if (failure) this.told(failure, id);
        const had_error = outcome === "failed";
        this.messages.push({ type: "txn", transaction: this.names.get(id), had_error });
      },
      message: (type, fields, transaction) => {
        this.messages.push({ ...fields, type, transaction: this.names.get(transaction) });
      },
      configGet: (key) => this.config[key],
      // Here the journey has the value: there is no host to fill it in.
      secret: (name) => process.env[`MITE_SECRET_${name}`] ?? null,
      configKeys: () => Object.keys(this.config),
      configSet: (key, value) => { this.config[key] = value; },
      cookies: () => [...this.cookies.values()],
      setCookie: (name, value, domain, path) => { this.cookies.set(name, { name, value, domain, path }); },
      clearCookies: () => this.cookies.clear(),
      identity: () => { throw new Error("client certificates are not for local runs"); },
    };
  }
}

function answer(url, { status = 200, headers = {}, body = "" }, history = []) {
  const isJson = typeof body === "object" && !(body instanceof Uint8Array);
  const bytes = body instanceof Uint8Array ? body : encoder.encode(isJson ? JSON.stringify(body) : body);
  const names = new NodeHeaders(isJson ? { "content-type": "application/json", ...headers } : headers);
  const text = () => new TextDecoder().decode(bytes);
  return {
    status, url, bodySize: bytes.length, primaryIp: "127.0.0.1",
    timings: { dns: 0, connect: 0, tls: 0, transferStart: 0, firstByte: 0, total: 0 },
    header: (name) => names.get(name) ?? undefined,
    headers: () => [...names],
    body: () => bytes,
    text,
    json: () => JSON.parse(text()),
    history: () => history,
    annotate() {},
  };
}

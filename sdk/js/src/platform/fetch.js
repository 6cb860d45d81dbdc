// fetch, Headers, Request and Response: over the host's requests, whole bodies at once.

import { current } from "../context.js";
import { HttpError } from "../errors.js";
import { Http, bytes, pairs } from "../http.js";
import { host } from "../host.js";
import { URLSearchParams } from "./url.js";

export class Headers {
  #pairs = [];
  constructor(init = []) {
    for (const [name, value] of pairs(init)) this.append(name, value);
  }
  #with(name) {
    const lower = String(name).toLowerCase();
    return this.#pairs.filter(([known]) => known === lower).map(([, value]) => value);
  }
  append(name, value) { this.#pairs.push([String(name).toLowerCase(), String(value).trim()]); }
  delete(name) { this.#pairs = this.#pairs.filter(([known]) => known !== String(name).toLowerCase()); }
  get(name) {
    const values = this.#with(name);
    return values.length ? values.join(", ") : null;
  }
  getSetCookie() { return this.#with("set-cookie"); }
  has(name) { return this.#with(name).length > 0; }
  set(name, value) {
    this.delete(name);
    this.append(name, value);
  }
  forEach(work, self) { for (const [name, value] of this) work.call(self, value, name, this); }
  *entries() {
    const names = [...new Set(this.#pairs.map(([name]) => name))].sort();
    for (const name of names) yield [name, this.get(name)];
  }
  *keys() { for (const [name] of this.entries()) yield name; }
  *values() { for (const [, value] of this.entries()) yield value; }
  [Symbol.iterator]() { return this.entries(); }
}

class Body {
  #take;
  bodyUsed = false;
  constructor(take) { this.#take = take; }
  async #once(form) {
    if (this.bodyUsed) throw new TypeError("the body is used already");
    this.bodyUsed = true;
    return this.#take(form);
  }
  text() { return this.#once("text"); }
  async json() { return JSON.parse(await this.#once("text")); }
  bytes() { return this.#once("bytes"); }
  async arrayBuffer() {
    const given = await this.#once("bytes");
    return given.buffer.slice(given.byteOffset, given.byteOffset + given.byteLength);
  }
  /** For clone(). */
  get take() { return this.#take; }
}

function content(body) {
  if (body instanceof URLSearchParams) return [body.toString(), "application/x-www-form-urlencoded;charset=UTF-8"];
  if (body !== null && typeof body === "object" && !ArrayBuffer.isView(body) && !(body instanceof ArrayBuffer)) {
    throw new TypeError("a body is a text, bytes or URLSearchParams here");
  }
  return [bytes(body), typeof body === "string" ? "text/plain;charset=UTF-8" : null];
}
const taking = (body) => (form) => {
  const given = body ?? "";
  if (form === "text") return typeof given === "string" ? given : host.decode(given, "utf-8", false);
  return typeof given === "string" ? host.encode(given) : given;
};

export class Request extends Body {
  constructor(input, init = {}) {
    const from = input instanceof Request ? input : null;
    const [body, type] = init.body === undefined ? [from?.content ?? null, null] : content(init.body);
    super(taking(body));
    this.content = body;
    this.url = from ? from.url : String(input);
    this.method = String(init.method ?? from?.method ?? "GET").toUpperCase();
    this.headers = new Headers(init.headers ?? from?.headers ?? []);
    if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.signal = init.signal ?? from?.signal ?? null;
    if (body !== null && ["GET", "HEAD"].includes(this.method)) throw new TypeError(`a ${this.method} has no body`);
  }
  clone() { return new Request(this); }
}

const REASONS = { 200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 302: "Found", 304: "Not Modified",
  400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests",
  500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable" };

export class Response extends Body {
  constructor(body = null, { status = 200, statusText = "", headers = [] } = {}, answer = null) {
    const [own, type] = answer ? [null, null] : content(body);
    super(answer ? (form) => (form === "text" ? answer.text() : answer.body()) : taking(own));
    this.status = status;
    this.statusText = statusText;
    this.headers = new Headers(headers);
    if (type && !this.headers.has("content-type")) this.headers.set("content-type", type);
    this.url = answer?.url ?? "";
    this.redirected = Boolean(answer?.history().length);
    this.type = "basic";
    this.answer = answer;
  }
  get ok() { return this.status >= 200 && this.status < 300; }
  clone() {
    if (this.bodyUsed) throw new TypeError("the body is used already");
    const copy = new Response(null, this, this.answer);
    if (this.answer) return copy;
    return Object.setPrototypeOf(Object.assign(new Body(this.take), { ...this }), Response.prototype);
  }
  static json(value, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(JSON.stringify(value), { ...init, headers });
  }
}

/** A request in the transaction begun last of those that are open; `ctx.http` says which itself. */
export async function fetch(input, init) {
  const asked = new Request(input, init);
  const { method, url, headers, redirect, signal, content: body } = asked;
  const options = { headers, body, redirects: redirect === "follow" ? 20 : 0, signal: signal ?? undefined };
  let answer;
  try {
    answer = await new Http(current()).request(method, url, options);
  } catch (error) {
    if (error instanceof HttpError) throw new TypeError(`fetch failed: ${error.message}`, { cause: error });
    throw error;
  }
  if (redirect === "error" && answer.status >= 300 && answer.status < 400) throw new TypeError("fetch failed: a redirect");
  return new Response(null, { status: answer.status, statusText: REASONS[answer.status] ?? "", headers: answer.headers() }, answer);
}

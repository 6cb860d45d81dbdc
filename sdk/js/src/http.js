// Requests of a journey.

import { host } from "./host.js";
import { request } from "./loop.js";
import { encodeBase64 } from "./platform/base64.js";
import { utf8 } from "./platform/text.js";

/** Any form of pairs as a list of pairs of texts. */
export function pairs(of) {
  const list = typeof of?.[Symbol.iterator] === "function" && typeof of !== "string" ? [...of] : Object.entries(of);
  return list.map(([name, value]) => [String(name), String(value)]);
}
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
/** As a form or query: `a=1&b=x%20y`. */
export const encoded = (of) => pairs(of).map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");

function withQuery(url, query) {
  const [rest, fragment] = url.split("#", 2);
  const joint = !rest.includes("?") ? "?" : /[?&]$/.test(rest) ? "" : "&";
  return `${rest}${joint}${encoded(query)}${fragment === undefined ? "" : `#${fragment}`}`;
}

/** What a body may be, as text or bytes. */
export function bytes(body) {
  if (body === null || body === undefined) return null;
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError("a body is a text or bytes; for others say { json: value } or { form: fields }");
}

const KNOWN = new Set(["headers", "query", "body", "json", "form", "name", "timeout", "redirects", "insecure", "identity",
  "discardBody", "basicAuth", "bearerAuth", "cookies", "signal"]);

function nanoseconds(timeout) {
  if (timeout === undefined || timeout === null) return null;
  if (!(timeout >= 0)) throw new RangeError(`a timeout of ${timeout} s`);
  return timeout * 1e9;
}

function parts(options) {
  for (const name in options) if (!KNOWN.has(name)) throw new TypeError(`there is no option '${name}' of a request`);
  const headers = options.headers ? pairs(options.headers) : [];
  let body = bytes(options.body);
  const typed = (type) => {
    if (!headers.some(([name]) => name.toLowerCase() === "content-type")) headers.push(["content-type", type]);
  };
  if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    typed("application/json");
  } else if (options.form !== undefined) {
    body = encoded(options.form).replaceAll("%20", "+");
    typed("application/x-www-form-urlencoded");
  } else if (typeof body === "string") typed("text/plain;charset=UTF-8");
  if (options.basicAuth) headers.push(["authorization", `Basic ${encodeBase64(utf8(options.basicAuth.join(":")))}`]);
  if (options.bearerAuth) headers.push(["authorization", `Bearer ${options.bearerAuth}`]);
  if (options.cookies) headers.push(["cookie", pairs(options.cookies).map((pair) => pair.join("=")).join("; ")]);
  return { headers, body };
}

/** The host's form of a request. */
function made(transaction, method, url, options) {
  const { headers, body } = parts(options);
  return {
    method,
    url: options.query ? withQuery(String(url), options.query) : String(url),
    headers,
    body,
    name: options.name ?? null,
    transaction,
    timeout: nanoseconds(options.timeout),
    maxRedirects: options.redirects ?? 5,
    identity: options.identity ?? null,
    insecure: options.insecure ?? false,
    discardBody: options.discardBody ?? false,
  };
}

function requested(http, method, url, options) {
  if (options === undefined) return request(host.plain(method, typeof url === "string" ? url : String(url), http._transaction));
  return request(made(http._transaction, method, url, options), options.signal);
}

/** Requests, and the cookies of the run. */
export class Http {
  constructor(transaction) {
    this._transaction = transaction;
  }
  request(method, url, options) {
    return requested(this, method, url, options);
  }
  get(url, options) { return requested(this, "GET", url, options); }
  post(url, options) { return requested(this, "POST", url, options); }
  put(url, options) { return requested(this, "PUT", url, options); }
  patch(url, options) { return requested(this, "PATCH", url, options); }
  delete(url, options) { return requested(this, "DELETE", url, options); }
  head(url, options) { return requested(this, "HEAD", url, options); }
  options(url, options) { return requested(this, "OPTIONS", url, options); }
  /** Makes a client certificate known, for the option `identity`. Both PEM. */
  identity(chain, key) { return host.identity(chain, key); }
  cookies() { return host.cookies(); }
  setCookie(domain, name, value, path = "/") { host.setCookie(name, value, domain, path); }
  clearCookies() { host.clearCookies(); }
}

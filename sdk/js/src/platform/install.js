// The globals that scripts expect of any JavaScript platform.

import { DOMException } from "../errors.js";
import { host } from "../host.js";
import { clearTimer, timer } from "../loop.js";
import { AbortController, AbortSignal } from "./abort.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { console } from "./console.js";
import { Headers, Request, Response, fetch } from "./fetch.js";
import { TextDecoder, TextEncoder } from "./text.js";
import { URL, URLSearchParams } from "./url.js";

const soon = (ms) => host.now() + Math.max(0, Number(ms) || 0) * 1e6;

function setTimeout(work, ms = 0, ...args) {
  return timer(soon(ms), () => work(...args));
}
function setInterval(work, ms = 0, ...args) {
  const tick = () => {
    timer(soon(Math.max(1, ms)), tick, id);
    work(...args);
  };
  const id = timer(soon(Math.max(1, ms)), tick);
  return id;
}

const wrong = (what) => new DOMException(what, "InvalidCharacterError");
function btoa(text) {
  const codes = Array.from(String(text), (character) => character.codePointAt(0));
  if (codes.some((code) => code > 0xff)) throw wrong("btoa takes characters of one byte: encode the text first");
  return encodeBase64(codes);
}
function atob(text) {
  const bytes = decodeBase64(String(text));
  if (!bytes) throw wrong("that is not base64");
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

const QUOTA = 65536;
const crypto = Object.freeze({
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || array instanceof Float32Array || array instanceof Float64Array) {
      throw new DOMException("getRandomValues fills arrays of whole numbers", "TypeMismatchError");
    }
    if (array.byteLength > QUOTA) throw new DOMException(`at most ${QUOTA} bytes at once`, "QuotaExceededError");
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(host.randomBytes(array.byteLength));
    return array;
  },
  randomUUID() {
    const bytes = host.randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
});

function structuredClone(value, seen = new Map()) {
  if (value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => (seen.set(value, copy), copy);
  if (value instanceof Date) return keep(new Date(value));
  if (value instanceof RegExp) return keep(new RegExp(value));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(new value.constructor(structuredClone(value.buffer, seen), value.byteOffset, value.length));
  if (value instanceof Error) return keep(Object.assign(new value.constructor(value.message), { stack: value.stack }));
  const copy = value instanceof Map ? new Map() : value instanceof Set ? new Set() : Array.isArray(value) ? [] : null;
  if (copy === null && typeof value !== "object") throw new DOMException("that can't be cloned", "DataCloneError");
  const into = keep(copy ?? {});
  if (value instanceof Map) for (const [key, item] of value) into.set(structuredClone(key, seen), structuredClone(item, seen));
  else if (value instanceof Set) for (const item of value) into.add(structuredClone(item, seen));
  else for (const key of Object.keys(value)) into[key] = structuredClone(value[key], seen);
  return into;
}

/** Gives `to` what the engine lacks. */
export function install(to) {
  const fresh = {
    AbortController, AbortSignal, DOMException, Headers, Request, Response, TextDecoder, TextEncoder, URL, URLSearchParams,
    atob, btoa,
    clearInterval: clearTimer, clearTimeout: clearTimer, console, crypto, fetch, setInterval, setTimeout,
    structuredClone: (value) => structuredClone(value),
  };
  for (const [name, value] of Object.entries(fresh)) {
    Object.defineProperty(to, name, { value, writable: true, configurable: true });
  }
  to.global = to.self = to;
  Math.random = host.random; // the host's: the engine's own begins with the time of the build
}

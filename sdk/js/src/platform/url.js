// URL and URLSearchParams. The host takes URLs apart, as the URL standard says.

import { host } from "../host.js";

const decode = (text) => {
  const bytes = host.encode(text.replaceAll("+", " "));
  const out = [];
  for (let at = 0; at < bytes.length; at++) {
    const hex = bytes[at] === 37 ? String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0) : "";
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      out.push(parseInt(hex, 16));
      at += 2;
    } else out.push(bytes[at]);
  }
  return host.decode(new Uint8Array(out), "utf-8", false);
};
const encode = (text) =>
  encodeURIComponent(text.toWellFormed()).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll("%20", "+");

function parse(text) {
  const query = text.startsWith("?") ? text.slice(1) : text;
  return query.split("&").filter(Boolean).map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? [decode(pair), ""] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
  });
}

export class URLSearchParams {
  #pairs;
  #changed;
  constructor(init = "", changed = () => {}) {
    if (init !== null && typeof init === "object") {
      const list = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
      this.#pairs = list.map(([name, value]) => [String(name), String(value)]);
    } else this.#pairs = parse(String(init));
    this.#changed = changed;
  }
  #set(pairs) {
    this.#pairs = pairs;
    this.#changed(this.toString());
  }
  get size() { return this.#pairs.length; }
  get(name) { return this.#pairs.find(([known]) => known === String(name))?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter(([known]) => known === String(name)).map(([, value]) => value); }
  has(name, value) {
    return this.#pairs.some(([known, is]) => known === String(name) && (value === undefined || is === String(value)));
  }
  append(name, value) { this.#set([...this.#pairs, [String(name), String(value)]]); }
  delete(name, value) {
    this.#set(this.#pairs.filter(([known, is]) => known !== String(name) || (value !== undefined && is !== String(value))));
  }
  set(name, value) {
    const at = this.#pairs.findIndex(([known]) => known === String(name));
    if (at < 0) return this.append(name, value);
    const others = (pair, position) => position <= at || pair[0] !== String(name);
    this.#set(this.#pairs.with(at, [String(name), String(value)]).filter(others));
  }
  sort() { this.#set(this.#pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))); }
  forEach(work, self) { for (const [name, value] of this) work.call(self, value, name, this); }
  *keys() { for (const [name] of this.#pairs) yield name; }
  *values() { for (const [, value] of this.#pairs) yield value; }
  *entries() { for (const pair of this.#pairs) yield [...pair]; }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&"); }
}

export class URL {
  #parts;
  #params = null;
  constructor(url, base) {
    this.#parts = host.parseUrl(String(url), base === undefined ? null : String(base));
    if (!this.#parts) throw new TypeError(`'${url}' is not a URL`);
  }
  static canParse(url, base) { return host.parseUrl(String(url), base === undefined ? null : String(base)) !== null; }
  static parse(url, base) { return URL.canParse(url, base) ? new URL(url, base) : null; }
  get origin() { return this.#parts.origin; }
  get searchParams() {
    const changed = (query) => { this.#parts = host.setUrl(this.href, "search", query) ?? this.#parts; };
    return (this.#params ??= new URLSearchParams(this.search, changed));
  }
  set(part, value) {
    const parts = host.setUrl(this.#parts.href, part, String(value));
    if (!parts && part === "href") throw new TypeError(`'${value}' is not a URL`);
    if (parts) this.#parts = parts;
    if (part === "href" || part === "search") this.#params = null;
  }
  get(part) { return this.#parts[part]; }
  toString() { return this.#parts.href; }
  toJSON() { return this.#parts.href; }
}
const { get, set } = URL.prototype;
delete URL.prototype.get;
delete URL.prototype.set;
for (const part of ["href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"]) {
  Object.defineProperty(URL.prototype, part, {
    get() { return get.call(this, part); },
    set(value) { set.call(this, part, value); },
    configurable: true,
    enumerable: true,
  });
}

// console: lines of the log.

import { host } from "../host.js";

const LONGEST = 1000; // what a line of the log has room for

function shown(value, seen = []) {
  if (typeof value === "string") return seen.length ? JSON.stringify(value) : value;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "(anonymous)"}]`;
  if (value instanceof Error) return `${value}${value.stack ? `\n${value.stack}` : ""}`;
  if (value === null || typeof value !== "object") return String(value);
  if (seen.includes(value)) return "[circular]";
  if (seen.length > 3) return Array.isArray(value) ? "[array]" : "[object]";
  const inside = [...seen, value];
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Map) return `Map ${shown([...value], inside)}`;
  if (value instanceof Set) return `Set ${shown([...value], inside)}`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `[${[...value].slice(0, 100).map((item) => shown(item, inside)).join(", ")}]`;
  const fields = Object.entries(value).slice(0, 100).map(([key, item]) => `${key}: ${shown(item, inside)}`);
  return fields.length ? `{ ${fields.join(", ")} }` : "{}";
}

export function format(values) {
  const [first, ...rest] = values;
  let text = typeof first === "string" && rest.length
    ? first.replace(/%[sdifoOj%]/g, (what) => {
      if (what === "%%") return "%";
      if (!rest.length) return what;
      const value = rest.shift();
      return what === "%s" ? shown(value) : what === "%d" ? String(Number(value)) : what === "%i" ? String(parseInt(value, 10)) : shown(value, []);
    })
    : shown(first);
  for (const value of rest) text += ` ${shown(value)}`;
  return text.length > LONGEST * 8 ? text.slice(0, LONGEST * 8) : text;
}

const counts = new Map();
const started = new Map();
const log = (...values) => host.log(values.length ? format(values) : "");

export const console = {
  log, info: log, debug: log, warn: log, error: log, dir: log,
  trace: (...values) => log(...values, new Error("trace").stack),
  assert: (condition, ...values) => condition || log("assertion failed:", ...values),
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    log(`${label}: ${counts.get(label)}`);
  },
  time: (label = "default") => void started.set(label, host.now()),
  timeEnd(label = "default") {
    if (started.has(label)) log(`${label}: ${((host.now() - started.get(label)) / 1e6).toFixed(3)} ms`);
    started.delete(label);
  },
  table: log, group: log, groupEnd() {},
};

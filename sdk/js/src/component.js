// What a script exports, and what the host asks it for.

import { config, useVersion } from "./config.js";
import { Context, ROOT, endTransactions } from "./context.js";
import { MiteError, failure, reported } from "./errors.js";
import { host } from "./host.js";
import { end as endLoop, orphans, report } from "./loop.js";
import { parts } from "./volume.js";

// What the functions below make: a thing of a kind, known by the name it is exported under.
const KIND = Symbol("mite");
const WORK = Symbol("work");
const kinds = {
  journey: "journeys", scenario: "scenarios", datapool: "datapools", "volume model": "volumeModels",
  setup: "setups", "function of onStart": "onStart", "function of onStop": "onStop",
};
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function marked(kind, thing, work) {
  if (typeof work !== "function") throw new TypeError(`a ${kind} is made of a function`);
  thing[KIND] = kind;
  return thing;
}

/** A journey: `export const visit = journey(async (ctx, ...args) => { ... })`. */
export function journey(work) {
  const made = marked("journey", (...args) => work(...args), work);
  made[WORK] = work; // called without the detour
  return made;
}
/** A scenario: `export const peak = scenario((config) => [{ journey: visit, volume: constant(60, 50) }])`. */
export const scenario = (work) => marked("scenario", { work }, work);
/** A volume model: a function of `start` and `end` in seconds that gives how many journeys at once; null: it is over. */
export const volumeModel = (work) => marked("volume model", { work }, work);

function pool(kind, source, given) {
  const of = typeof given === "function" ? given : () => given;
  return marked("datapool", { kind, source, of, path: source === "items" ? null : String(given) }, of);
}
/** The data that runs of a journey get. Items, or a function of the config that gives them (a generator may be endless). */
export const datapool = Object.freeze({
  recyclable: (items) => pool("recyclable", "items", items),
  iterable: (items) => pool("iterable", "items", items),
  singleRun: (item) => pool("single-run", "items", typeof item === "function" ? (config) => [item(config)] : [item]),
  recyclableCsv: (path) => pool("recyclable", "csv", path),
  iterableCsv: (path) => pool("iterable", "csv", path),
  recyclableJsonLines: (path) => pool("recyclable", "json-lines", path),
  iterableJsonLines: (path) => pool("iterable", "json-lines", path),
  recyclableMsgpack: (path) => pool("recyclable", "msgpack", path),
  iterableMsgpack: (path) => pool("iterable", "msgpack", path),
});

let component = null;
let loading = null;
let positions = new Map(); // of the datapools' iterators

/** Takes a module's namespace apart. */
export function collect(namespace) {
  const found = { journeys: {}, scenarios: {}, datapools: {}, volumeModels: {}, setups: {}, onStart: {}, onStop: {} };
  for (const name of Object.keys(namespace).sort()) {
    const kind = namespace[name]?.[KIND];
    if (!kind) continue;
    if (!NAME.test(name)) throw new MiteError(`the ${kind} \`${name}\` can't be named: letters a to z, digits and _ only`);
    found[kinds[kind]][name] = namespace[name];
  }
  if (!Object.keys(found.journeys).length) {
    throw new MiteError("the script exports no journey: export const visit = journey(async (ctx) => { ... })");
  }
  return found;
}

/** Gives the script: its namespace, and the promise of its evaluation where that isn't over. */
export function open(namespace, evaluated) {
  component = lately = null;
  positions = new Map();
  if (!evaluated) {
    try {
      component = collect(namespace);
      return;
    } catch (error) {
      evaluated = Promise.reject(error);
    }
  }
  loading = evaluated.then(() => {
    component = collect(namespace);
  });
  loading.catch(() => {}); // whoever needs the script is told
}

/** As if there had been no script. */
export function forget() {
  component = loading = lately = work = null;
}

function find(kind, name) {
  const table = component[kinds[kind]];
  if (Object.hasOwn(table, name)) return table[name];
  const names = Object.keys(table).map((known) => `\`${known}\``).join(", ") || "none";
  throw new MiteError(`there is no ${kind} \`${name}\` in this component; it has: ${names}`);
}
/** All of a kind that the script exports, in the order of their names. */
export const all = (kind) => Object.values(component[kinds[kind]]);
/** Whether it is known that there is none. */
export const hasNo = (kind) => component !== null && !all(kind).length;

// The name that something is exported under, or the name itself.
export function nameOf(kind, thing) {
  if (typeof thing === "string") {
    if (kind !== "journey" || !thing.includes(":")) find(kind, thing);
    return thing;
  }
  const found = Object.entries(component[kinds[kind]]).find(([, known]) => known === thing);
  if (found) return found[0];
  throw new MiteError(`a ${kind} of the scenario isn't exported by the script, or isn't a ${kind}`);
}

function item({ journey, datapool = null, volume, ...others }) {
  const [unknown] = Object.keys(others);
  if (unknown) throw new MiteError(`an item of a scenario has journey, datapool and volume, not \`${unknown}\``);
  if (volume === undefined) throw new MiteError("an item of a scenario needs a volume: constant(60, 50)");
  return {
    journey: nameOf("journey", journey),
    datapool: datapool === null ? null : nameOf("datapool", datapool),
    volume: volume?.[KIND] === "volume model" ? nameOf("volume model", volume) : parts(volume),
  };
}
function items(made) {
  const list = Array.isArray(made) ? made : [made];
  if (!list.length) throw new MiteError("a scenario without journeys");
  return list.map(item);
}

const iterable = (value) => typeof value?.[Symbol.iterator] === "function" && typeof value !== "string";
async function drawn(name) {
  const found = find("datapool", name);
  if (found.source === "items" && !positions.has(name)) {
    const items = await found.of(config);
    if (!iterable(items)) throw new MiteError(`the datapool \`${name}\` has no items: give a list or a generator`);
    positions.set(name, items[Symbol.iterator]());
  }
  return found;
}

// Each answers `{ ok }`, `{ failure }` or `{ reported }` and never rejects.
export const failed = (error) => (reported(error) ? { reported: true } : { failure: failure(error) });
export const guarded = (work) => async (...args) => {
  try {
    if (!component) await loading;
    return { ok: await work(...args) };
  } catch (error) {
    return failed(error);
  }
};
const planning = (work) => guarded((...args) => {
  useVersion(null);
  return work(...args);
});

export const describe = guarded(() => {
  const names = ([kind, table]) => [kind, Object.keys(table)];
  return Object.fromEntries(Object.entries(component).map(names));
});
let lately = null; // the journey that ran last
let work = null; // its function

/** Begins a run of a journey: what it gives, maybe a promise. */
export function begin(name, id, version, args) {
  if (!component) return loading.then(() => begin(name, id, version, args));
  useVersion(version);
  if (name !== lately) {
    work = find("journey", name)[WORK];
    lately = name;
  }
  const context = new Context(id, ROOT);
  const made = args === undefined ? work(context) : work(context, ...host.unpack(args));
  if (typeof made?.then !== "function" || made instanceof Promise) return made;
  return Promise.resolve(made);
}
/** The end of a run that went well, but for what nobody handled: undefined or as the functions above. */
export function finish() {
  const error = orphaned();
  const answer = error === undefined ? undefined : failed(error);
  end();
  return answer;
}
// What nobody handled until here is this run's error; a second one is told about beside it.
function orphaned() {
  const errors = orphans();
  for (let other = 1; other < errors.length; other++) report(errors[other], ROOT);
  return errors[0];
}
export const run = guarded(async (name, id, version, args) => {
  await begin(name, id, version, args);
  const error = orphaned();
  if (error !== undefined) throw error;
});
export const plan = planning(async (name) => items(await find("scenario", name).work(config)));
export const describeDatapool = planning(async (name) => {
  const { kind, source, path } = await drawn(name);
  return { kind, source, path };
});
export const nextItems = planning(async (name, most) => {
  await drawn(name);
  const [iterator, taken] = [positions.get(name), []];
  for (let next; taken.length < most && !(next = iterator.next()).done;) {
    taken.push(Array.isArray(next.value) ? next.value : [next.value]);
  }
  return taken;
});
export const required = planning(async (name, start, end) => {
  const number = await find("volume model", name).work(start, end);
  if (number === null || number === undefined) return null;
  if (!(number >= 0)) throw new MiteError(`the volume model \`${name}\` gave ${number}, which is no number of journeys`);
  return Math.floor(number);
});

/** The end of a call: nothing of it is left for the next. */
export function end() {
  endLoop();
  endTransactions();
}

// What the SDK gives to JavaScript journeys: promises over `wait-any`, timers, fetch, and a context.
(() => {
  const host = globalThis.host;
  delete globalThis.host;
  const ROOT = 1;
  let component = { journeys: {}, scenarios: {}, datapools: {} };
  let positions = new Map(); // of the datapools' iterators

  // What goes wrong.

  class MiteError extends Error {
    constructor(message, fields = {}) { super(message); this.fields = fields; }
    get name() { return "MiteError"; }
  }
  class HttpError extends Error {
    get name() { return "HttpError"; }
  }
  class AbortError extends Error {
    get name() { return "AbortError"; }
  }

  const told = new WeakSet(); // errors that a transaction has reported
  function reported(error) {
    if (error instanceof AggregateError && error.errors.length) return error.errors.every(reported);
    return typeof error === "object" && error !== null && told.has(error);
  }
  // Must not throw, whatever the value does when it is looked at.
  function failure(error) {
    try {
      const is = error instanceof Error;
      const stack = is ? String(error.stack ?? "") : "";
      const [, name, line] = stack.match(/at (?:(\S+) \()?journeys\.js:(\d+)/) ?? [];
      const message = is ? String(error) : `${typeof error}: ${String(error)}`;
      return {
        isError: error instanceof MiteError,
        exType: is ? String(error.name) : typeof error,
        message,
        location: line ? `journeys.js:${line}:${name ?? "<anonymous>"}` : "",
        stacktrace: is && !(error instanceof MiteError) ? `${message}\n${stack}` : null,
        fields: error instanceof MiteError ? error.fields : null,
      };
    } catch {
      const message = "Error: what was thrown can't be described";
      return { isError: false, exType: "Error", message, location: "", stacktrace: null, fields: null };
    }
  }
  function orphaned(error) {
    if (reported(error)) return;
    const { exType, message, location, stacktrace } = failure(error);
    host.message("exception", { message, ex_type: exType, location, stacktrace: stacktrace ?? "" }, ROOT);
  }
  // Rejections that nobody handles until the run is over.
  const unhandled = new Map();
  function rejected(promise, reason, handled) {
    if (handled) unhandled.delete(promise); else unhandled.set(promise, reason);
  }

  // Requests and timers.

  let requests = new Set();
  let ready = []; // those of `requests` whose answer is there
  let timers = new Map();
  let lastTimer = 0;

  // A request begins when all runnable code has run: then it is known whether it is the only one.
  function request(transaction, method, url, options = {}) {
    const { headers = [], body = null, name = null, timeout = null, maxRedirects = 5 } = options;
    const { identity = null, insecure = false, discardBody = false, signal } = options;
    if (timeout !== null && !(timeout >= 0)) throw new RangeError(`a timeout of ${timeout} ms`);
    const what = {
      method, url: String(url), headers, body, name, transaction, timeout, maxRedirects, identity, insecure, discardBody,
    };
    const error = new HttpError(); // made here, since where it is thrown nothing of the journey is on the stack
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const entry = { what, error, pending: null, resolve, reject };
      requests.add(entry);
      signal?.addEventListener("abort", () => {
        if (requests.delete(entry)) { entry.pending?.cancel(); reject(signal.reason); }
      });
    });
  }
  function settle(entry, take) {
    requests.delete(entry);
    try {
      entry.resolve(take());
    } catch (error) {
      entry.error.reason = error.reason;
      entry.error.message = error.reason ? `${error.reason}: ${error.message}` : error.message;
      entry.reject(entry.error);
    }
  }
  function begin(entry) {
    try {
      entry.pending ??= host.start(entry.what);
    } catch (error) {
      settle(entry, () => { throw error; });
    }
  }

  // Called when nothing can run: blocks at most once, then makes one thing runnable. One only, so that its code runs before
  // the next answer is taken: the message of an answer is sealed at the next call of the host.
  function idle() {
    while (ready.length) {
      const entry = ready.shift();
      if (requests.has(entry)) return settle(entry, () => entry.pending.finish());
    }
    if (!timers.size && requests.size === 1) {
      const [entry] = requests;
      return settle(entry, () => (entry.pending ? entry.pending.finish() : host.send(entry.what)));
    }
    const before = requests.size;
    for (const entry of requests) begin(entry);
    if (requests.size < before) return;
    let [id, timer] = [0, null];
    for (const [key, value] of timers) if (!timer || value.at < timer.at) [id, timer] = [key, value];
    const timeout = timer && Math.max(0, timer.at - host.now());
    if (requests.size) {
      const entries = [...requests];
      ready = host.waitAny(entries.map((entry) => entry.pending), timeout).map((position) => entries[position]);
    } else if (!timer) {
      throw new Error("the journey waits for something that can never happen");
    } else if (timeout) {
      host.sleep(timeout);
    }
    if (timer && timer.at <= host.now() && timers.delete(id)) {
      try { timer.run(); } catch (error) { orphaned(error); }
    }
  }
  // Nothing of one run is left for the next.
  function end() {
    for (const entry of requests) entry.pending?.cancel();
    for (const reason of unhandled.values()) orphaned(reason);
    requests = new Set();
    ready = [];
    timers = new Map();
    unhandled.clear();
  }

  // What a journey gets.

  class Http {
    constructor(transaction) { this.transaction = transaction; }
    request(method, url, options) { return request(this.transaction, method, url, options); }
    get(url, options) { return this.request("GET", url, options); }
    post(url, body, options) { return this.request("POST", url, { ...options, body }); }
    identity(chain, key) { return host.identity(chain, key); }
    cookies() { return host.cookies(); }
    setCookie(name, value, domain, path = "/") { host.setCookie(name, value, domain, path); }
    clearCookies() { host.clearCookies(); }
  }

  let configVersion = null;
  const kept = new Map(); // values of the config, until it changes
  const config = {
    get(key, fallback) {
      if (!kept.has(key)) kept.set(key, host.configGet(key));
      return kept.get(key) ?? fallback;
    },
    keys: () => host.configKeys(),
    set(key, value) { host.configSet(key, value); kept.delete(key); },
  };

  // Which transaction code belongs to can't be followed through promises here, so each has a context of its own.
  class Context {
    constructor(id, transaction) {
      this.contextId = id;
      this.number = transaction;
      this.http = new Http(transaction);
      this.config = config;
    }
    async transaction(name, work) {
      const id = host.begin(name, this.number);
      try {
        const result = await work(new Context(this.contextId, id));
        host.end(id, "ok", null);
        return result;
      } catch (error) {
        if (error instanceof AbortError) host.end(id, "cancelled", null);
        else host.end(id, "failed", reported(error) ? null : failure(error));
        if (typeof error === "object" && error !== null) told.add(error);
        throw error;
      }
    }
    send(messageType, fields = {}) { host.message(messageType, fields, this.number); }
    get shouldStop() { return host.shouldStop(); }
    get intended() { return host.intended(); }
    sleepUntil(at) { host.sleepUntil(at); }
  }

  // What the component exports. Each answers `{ ok }`, `{ failure }` or `{ reported }` and never rejects.

  const failed = (error) => (reported(error) ? { reported: true } : { failure: failure(error) });
  const guarded = (work) => async (...args) => {
    try { return { ok: await work(...args) }; } catch (error) { return failed(error); }
  };
  function find(table, kind, name) {
    if (!Object.hasOwn(table, name)) throw new ReferenceError(`there is no ${kind} '${name}' in this component`);
    return table[name];
  }
  const planning = (work) => guarded((...args) => { kept.clear(); return work(...args); });
  function open(name) {
    const pool = find(component.datapools, "datapool", name);
    positions.set(name, pool.items(config)[Symbol.iterator]());
    return pool.kind;
  }

  globalThis.mite = {
    load(contents) { component = contents; },
    describe: guarded(() => {
      const names = ([kind, table]) => [kind, Object.keys(table)];
      return Object.fromEntries(Object.entries(component).map(names));
    }),
    run: guarded(async (name, args, id, version) => {
      if (version !== configVersion) { kept.clear(); configVersion = version; }
      const journey = find(component.journeys, "journey", name);
      await journey(new Context(id, ROOT), ...(args.length ? host.unpack(args) : []));
    }),
    scenario: planning((name) => find(component.scenarios, "scenario", name)(config)),
    datapool: planning(open),
    items: planning((name, most) => {
      if (!positions.has(name)) open(name);
      const items = [];
      for (let item; items.length < most && !(item = positions.get(name).next()).done;) items.push(item.value);
      return items;
    }),
    required: planning((model) => find({}, "volume model", model)),
    rejected, idle, end, failed,
  };

  // What journeys expect of any JavaScript engine.

  globalThis.MiteError = MiteError;
  globalThis.HttpError = HttpError;
  Math.random = host.random;
  globalThis.setTimeout = (work, ms = 0, ...args) => {
    timers.set(++lastTimer, { at: host.now() + Math.max(0, ms) * 1e6, run: () => work(...args) });
    return lastTimer;
  };
  globalThis.clearTimeout = (id) => { timers.delete(id); };
  globalThis.console = { log: (...args) => host.log(args.join(" ")) };
  globalThis.AbortController = class {
    constructor() {
      const listeners = [];
      this.signal = { aborted: false, reason: undefined, addEventListener: (_, work) => listeners.push(work) };
      this.abort = (reason = new AbortError("aborted")) => {
        if (this.signal.aborted) return;
        Object.assign(this.signal, { aborted: true, reason });
        for (const work of listeners) work();
      };
    }
  };
})();

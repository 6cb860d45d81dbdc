// The journeys of the tests: ordinary promises, nothing here knows about WebAssembly.
import { MiteError, constant, datapool, journey, scenario } from "@mite/sdk";

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const noop = journey(async () => {});

export const get = journey(async (ctx) => {
  await ctx.transaction("get", async (ctx) => {
    const response = await ctx.http.get(ctx.config.get("url"));
    if (response.status !== 200) throw new MiteError(`status ${response.status}`, { status: response.status });
  });
});

export const gather = journey(async (ctx) => {
  const [url, start] = [ctx.config.get("url"), performance.now()];
  const answers = await ctx.transaction("gather", (ctx) =>
    Promise.all(Array.from({ length: 10 }, () => ctx.http.get(url))));
  ctx.send("gathered", { count: answers.length, ms: performance.now() - start });
});

export const fails = journey(async (ctx) => {
  await ctx.transaction("outer", (ctx) => ctx.transaction("inner", async () => lookUp({}, "missing")));
});

export const timeout = journey(async (ctx) => {
  const [start, controller] = [performance.now(), new AbortController()];
  setTimeout(() => controller.abort(), ctx.config.get("timeout", 0.05) * 1e3);
  try {
    await slow(ctx, controller.signal);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    ctx.send("timed_out", { ms: performance.now() - start });
  }
});

export const with_user = journey(async (ctx, name, number) => {
  await ctx.transaction("user", async (ctx) => {
    await delay(10); // the item is in use for a while
    ctx.send("user", { name, number });
  });
});

// Calls everything of the contract that the others don't, so that it is bound and stays so.
export const tour = journey(async (ctx) => {
  const { http, config } = ctx;
  const seen = { context_id: ctx.id, keys: config.keys(), should_stop: ctx.shouldStop };
  http.setCookie("127.0.0.1", "sent", "1");
  const options = { body: "body", headers: { "x-tour": "1" }, name: "tour", timeout: 5 };
  const response = await http.post(config.get("url"), options);
  response.annotate({ tour: true });
  const { total, firstByte, transferStart } = response.timings;
  Object.assign(seen, {
    url: response.url, header: response.header("Content-Type"), headers: response.headers().length,
    body: response.body().length, text: response.text().slice(0, 20), size: response.bodySize, ip: response.primaryIp,
    history: response.history().map((hop) => [hop.status, hop.url]), steps: total >= firstByte && firstByte >= transferStart,
    cookies: http.cookies().map((c) => [c.name, c.value, c.domain, c.path]),
  });
  http.clearCookies();
  seen.cleared = http.cookies().length;
  const discarded = await http.get(config.get("url"), { discardBody: true, redirects: 0, insecure: true });
  seen.discarded = discarded.body().length;
  seen.certificate = refusal(() => http.identity("no chain", "no key"));
  seen.set = refusal(() => config.set("key", 1));
  ctx.send("tour", seen);
});

function lookUp(table, key) {
  return table[key].value;
}

async function slow(ctx, signal) {
  const url = ctx.config.has("slow_url") ? ctx.config.get("slow_url") : ctx.config.get("url");
  await ctx.transaction("slow", (ctx) => ctx.http.get(url, { signal }));
}

function refusal(work) {
  try {
    return `no error but ${work()}`;
  } catch (error) {
    return error.message;
  }
}

const volume = (config) => constant(config.get("seconds", 2), config.get("volume", 1));
const one = (name, data = null) => scenario((config) => ({ journey: name, datapool: data, volume: volume(config) }));

export const users = datapool.recyclable(function* items(config) {
  for (let number = 1; number <= config.get("users", 10); number++) yield [`user-${number}`, number];
});
export const getting = one(get);
export const gathering = one(gather);
export const using = one(with_user, users);

export * from "../../../journeys/hostile/hostile.js";

// The journeys of the tests: ordinary promises, nothing here knows about WebAssembly.
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const journeys = {
  async noop() {},

  async get(ctx) {
    await ctx.transaction("get", async (ctx) => {
      const response = await ctx.http.get(ctx.config.get("url"));
      if (response.status !== 200) throw new MiteError(`status ${response.status}`, { status: response.status });
    });
  },

  async gather(ctx) {
    const [url, start] = [ctx.config.get("url"), performance.now()];
    const answers = await ctx.transaction("gather", (ctx) =>
      Promise.all(Array.from({ length: 10 }, () => ctx.http.get(url))));
    ctx.send("gathered", { count: answers.length, ms: performance.now() - start });
  },

  async fails(ctx) {
    await ctx.transaction("outer", (ctx) => ctx.transaction("inner", async () => lookUp({}, "missing")));
  },

  async timeout(ctx) {
    const [start, controller] = [performance.now(), new AbortController()];
    setTimeout(() => controller.abort(), ctx.config.get("timeout", 0.05) * 1e3);
    try {
      await slow(ctx, controller.signal);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      ctx.send("timed_out", { ms: performance.now() - start });
    }
  },

  async with_user(ctx, name, number) {
    await ctx.transaction("user", async (ctx) => {
      await delay(10); // the item is in use for a while
      ctx.send("user", { name, number });
    });
  },

  // Calls everything of the contract that the others don't, so that it is bound and stays so.
  async tour(ctx) {
    const { http, config } = ctx;
    const seen = { context_id: ctx.contextId, keys: config.keys(), should_stop: ctx.shouldStop };
    http.setCookie("sent", "1", "127.0.0.1");
    const response = await http.post(config.get("url"), "body", { headers: [["x-tour", "1"]], name: "tour", timeout: 5000 });
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
    const discarded = await http.get(config.get("url"), { discardBody: true, maxRedirects: 0, insecure: true });
    seen.discarded = discarded.body().length;
    seen.certificate = refusal(() => http.identity("no chain", "no key"));
    seen.set = refusal(() => config.set("key", 1));
    ctx.sleepUntil(ctx.intended + 1e6);
    ctx.send("tour", seen);
  },
};

function lookUp(table, key) {
  return table[key].value;
}

async function slow(ctx, signal) {
  await ctx.transaction("slow", (ctx) => ctx.http.get(ctx.config.get("slow_url") ?? ctx.config.get("url"), { signal }));
}

function refusal(work) {
  try {
    return `no error but ${work()}`;
  } catch (error) {
    return error.message;
  }
}

const volume = (config) => [
  { kind: "constant", seconds: Number(config.get("seconds", 2)), journeys: Number(config.get("volume", 1)) },
];

const scenarios = {
  get: (config) => [{ journey: "get", volume: volume(config) }],
  gather: (config) => [{ journey: "gather", volume: volume(config) }],
  users: (config) => [{ journey: "with_user", datapool: "users", volume: volume(config) }],
};

const datapools = {
  users: {
    kind: "recyclable",
    *items(config) {
      for (let number = 1; number <= Number(config.get("users", 10)); number++) yield [`user-${number}`, number];
    },
  },
};

export default { journeys, scenarios, datapools };

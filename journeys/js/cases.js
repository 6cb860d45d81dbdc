// The ten cases that every language has, and what stands around runs, in JavaScript: see `journeys/golden/README.md`.

import {
  MiteError, check, constant, datapool, ensureAverageSeparation, ensureFixedSeparation, journey, onStart, onStop,
  scenario, setup, sleep,
} from "@mite/sdk";

const url = (ctx) => ctx.config.get("url");

export const hello = journey((ctx) => {
  ctx.send("hello", { text: "hello, world", number: 42, share: 0.5, list: [1, 2, 3], yes: true });
});

export const http_get = journey((ctx) => ctx.transaction("get", async (ctx) => {
  const answer = await ctx.http.get(`${url(ctx)}/json`);
  check(answer.status === 200, `the document answered ${answer.status}`);
  ctx.send("got", { type_of_content: answer.header("Content-Type"), size: answer.body().length });
}));

export const post_json = journey((ctx) => ctx.transaction("post", async (ctx) => {
  const item = { name: "tea", price: 4.5 };
  const answer = await ctx.http.post(`${url(ctx)}/api/items`, { json: item, name: "make an item" });
  const made = answer.json();
  ctx.send("made", { status: answer.status, id: made.id, name: made.name });
}));

export const login_cookie = journey(async (ctx) => {
  await ctx.transaction("log in", async (ctx) => {
    const front = await ctx.http.post(`${url(ctx)}/shop/login`, { form: { user: "user1", password: "secret" } });
    check(front.history().length === 1, "logging in leads to the front page");
  });
  const basket = await ctx.http.get(`${url(ctx)}/shop/basket`);
  ctx.send("basket", { status: basket.status, cookies: ctx.http.cookies().map((cookie) => cookie.name) });
});

export const nested_transactions = journey((ctx) => ctx.transaction("outer", async (ctx) => {
  await ctx.transaction("first", (ctx) => ctx.send("step", { number: 1 }));
  await ctx.transaction("second", (ctx) => ctx.transaction("inner", (ctx) => ctx.send("step", { number: 2 })));
}));

export const failing_check = journey((ctx) => ctx.transaction("broken", async (ctx) => {
  const answer = await ctx.http.get(`${url(ctx)}/status/503`);
  check(answer.status === 200, `the page answered ${answer.status}`);
}));

export const error_with_fields = journey((ctx) => ctx.transaction("buy", (ctx) => ctx.transaction("pay", () => {
  throw new MiteError("sold out", { left: 0, item: "tea" });
})));

export const parallel_requests = journey(async (ctx) => {
  const answers = await ctx.transaction("side by side", (ctx) =>
    Promise.all(Array.from({ length: 10 }, () => ctx.http.get(`${url(ctx)}/delay/100`))));
  ctx.send("answers", { count: answers.length });
});

export const users = datapool.recyclable(
  [1, 2, 3].map((number) => [{ name: `user${number}`, password: "secret" }, number]),
);

export const datapool_arguments = journey((ctx, user, number) => {
  ctx.send("user", { name: user.name, password: user.password, number });
});

export const think_time = journey(async (ctx) => {
  const start = performance.now();
  await ctx.transaction("think", async () => {
    await ensureFixedSeparation(0.05, () => {});
    await ensureAverageSeparation(0.04, () => {}, 0.01);
    await sleep(0.01);
  });
  ctx.send("thought", { long_enough: performance.now() - start >= 85 });
});

export const prepare = setup(async (ctx) => {
  if (!ctx.config.has("around")) return null;
  const answer = await ctx.http.get(`${url(ctx)}/json`);
  return { status: answer.status, size: answer.body().length };
});

let [entered, runs] = [0, 0];

export const log_in = onStart(async (ctx) => {
  check(ctx.config.get("around", "") !== "broken", "closed today");
  await ctx.transaction("log in", (ctx) =>
    ctx.http.post(`${url(ctx)}/shop/login`, { form: { user: "user1", password: "secret" } }));
  entered += 1;
}, "around");

export const around = journey(async (ctx) => {
  const basket = await ensureFixedSeparation(0.05, () => ctx.http.get(`${url(ctx)}/shop/basket`));
  runs += 1;
  ctx.send("around", { setup: ctx.setup, entered, status: basket.status });
});

export const log_out = onStop(async (ctx) => {
  const basket = await ctx.http.get(`${url(ctx)}/shop/basket`);
  ctx.send("left", { status: basket.status, runs });
}, around);

export const thinking = scenario(() => [
  { journey: think_time, volume: constant(1, 1) },
  { journey: datapool_arguments, datapool: users, volume: constant(1, 1) },
]);

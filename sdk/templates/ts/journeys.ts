import { type Config, type Context, check, constant, datapool, journey, ramp, scenario, sleep } from "@mite/sdk";

interface User {
  user: string;
  password: string;
}

/** Each run of the journey gets one. "Recyclable" means that an item comes back after its run. */
export const users = datapool.recyclable(Array.from({ length: 50 }, (_, n) => ({ user: `user${n + 1}`, password: "secret" })));

/** What one user does. */
export const search = journey(async (ctx: Context, user: User) => {
  const shop: string = ctx.config.get("url", "http://127.0.0.1:14380");
  // A transaction is a named, timed part of a journey.
  await ctx.transaction("log in", async (ctx) => {
    const answer = await ctx.http.post(`${shop}/shop/login`, { form: { ...user } });
    // What is wrong is counted as an error; the test goes on.
    check(answer.status === 200, `${user.user} can't log in: ${answer.status}`);
  });
  // People think, a second on average.
  await sleep(0.5 + Math.random());
  await ctx.transaction("search", async (ctx) => {
    const answer = await ctx.http.get(`${shop}/shop/search`, { query: { q: "tea" } });
    check(answer.status === 200, `the search answered ${answer.status}`);
    check((answer.json() as { items: unknown[] }).items.length > 0, "there is no tea");
  });
});

/** Which journeys run, with which data, and how many at once: up to 5 in 2 seconds, then 5 for as many as the config says. */
export const peak = scenario((config: Config) => ({
  journey: search,
  datapool: users,
  volume: [ramp.to(2, 5), constant(config.get("seconds", 5), 5)],
}));

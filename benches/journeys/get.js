// One request and a check, as `load` in Rust.
import { check, journey } from "@mite/sdk";

export const get = journey((ctx) => ctx.transaction("get", async (ctx) => {
  const url = ctx.config.get("url");
  const answer = await ctx.http.get(url);
  check(answer.status === 200, `${url} answered ${answer.status}`);
}));

/** What a run costs. */
export const nothing = journey(async () => {});

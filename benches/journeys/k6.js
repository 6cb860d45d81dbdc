// The same as `get.js`, for k6.
import { check, group } from "k6";
import http from "k6/http";

export const options = { vus: 64, duration: "60s" };

export default function () {
  group("get", () => {
    const answer = http.get(__ENV.URL);
    check(answer, { "status is 200": (answer) => answer.status === 200 });
  });
}

"""Journeys in the local world: asyncio, transactions, errors, HTTP of the playground at MITE_PLAYGROUND."""

import asyncio
import copy
import json
import os
import pickle
import time
import unittest
from unittest import mock

import mite
from mite import MiteError, check, ensure_fixed_separation
from mite._loop import loop
from mite.local import run
from mite.test import http_spy
from mite_browser import browser_decorator
from mite_http import Cookie, HttpError, mite_http

URL = os.environ.get("MITE_PLAYGROUND", "")


async def slow(seconds=60):
    await asyncio.sleep(seconds)


class Secrets(unittest.TestCase):
    def test_they_are_variables_here(self):
        async def journey(ctx):
            ctx.send("got", token=ctx.secret("token"))
            with self.assertRaisesRegex(MiteError, "there is no secret 'other' here"):
                ctx.secret("other")

        with mock.patch.dict(os.environ, MITE_SECRET_token="of the environment"):
            ran = run(journey)
        self.assertEqual([it["token"] for it in ran.messages if it["type"] == "got"], ["of the environment"])


class Asyncio(unittest.TestCase):
    def test_what_waits(self):
        async def journey(ctx):
            queue, event, done = asyncio.Queue(2), asyncio.Event(), []

            async def worker():
                await event.wait()
                while (item := await queue.get()) is not None:
                    done.append(item)

            tasks = [asyncio.create_task(worker()) for _ in range(3)]
            asyncio.get_running_loop().call_later(0.001, event.set)
            for item in [1, 2, 3, None, None, None]:
                await queue.put(item)
            await asyncio.gather(*tasks)
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(slow(), 0.001)
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await slow()
            finished, rest = await asyncio.wait(
                [asyncio.create_task(slow(0.001)), asyncio.create_task(slow())], return_when=asyncio.FIRST_COMPLETED
            )
            return sorted(done), len(finished), len(rest)

        self.assertEqual(run(journey).check().result, ([1, 2, 3], 1, 1))

    def test_nothing_is_left_behind(self):
        seen = []

        async def leaves(ctx):
            async def left():
                try:
                    await slow()
                finally:
                    seen.append("cancelled")
            asyncio.create_task(left())
            await asyncio.sleep(0)

        run(leaves).check()
        self.assertEqual(seen, ["cancelled"])

    def test_a_task_that_wont_end(self):
        async def stubborn(ctx):
            async def left():
                while True:
                    try:
                        await slow()
                    except asyncio.CancelledError:
                        pass
            asyncio.create_task(left())
            await asyncio.sleep(0)

        with mock.patch("mite._loop.CLEANUP_SECONDS", 0.02):
            run(stubborn).check()
        self.assertTrue(loop.alone(), "the next run has nothing of it")

    def test_what_can_never_happen(self):
        async def stuck(ctx):
            await asyncio.Event().wait()

        self.assertIn("can never happen", str(run(stuck).error))

    def test_an_exception_that_nobody_looks_at(self):
        async def orphan(ctx):
            async def broken():
                raise KeyError("nobody looks")
            asyncio.create_task(broken())
            await asyncio.sleep(0)

        ran = run(orphan).check()
        import gc
        gc.collect()
        self.assertTrue([it for it in ran.messages if it.get("ex_type") == "KeyError"], ran.messages)


class Telling(unittest.TestCase):
    def test_errors_are_told_once(self):
        async def journey(ctx):
            async with ctx.transaction("outer"):
                async with ctx.transaction("inner"):
                    raise MiteError("bad", code=42)

        ran = run(journey)
        [error] = ran.of_type("error")
        self.assertEqual((error["transaction"], error["code"], error["ex_type"]), ("__root__ :: outer :: inner", 42, "MiteError"))
        self.assertEqual(error["message"], "mite.exceptions.MiteError: bad")
        self.assertRegex(error["location"], r"^test_runs\.py:\d+:journey$")
        self.assertEqual([it["had_error"] for it in ran.of_type("txn")], [True] * 3)

    def test_exceptions_have_a_stack(self):
        class Odd(Exception):
            def __str__(self):
                raise ValueError

        async def journey(ctx, error):
            raise error

        [told] = run(journey, KeyError("x")).of_type("exception")
        self.assertEqual((told["message"], told["ex_type"]), ("KeyError: 'x'", "KeyError"))
        self.assertIn("raise error", told["stacktrace"])
        self.assertEqual(len(run(journey, Odd()).of_type("exception")), 1)

    def test_transactions_follow_tasks(self):
        async def journey(ctx):
            async def part(name):
                async with ctx.transaction(name):
                    await asyncio.sleep(0.001)
                    ctx.send("in", name=name)

            async with ctx.transaction("all"):
                await asyncio.gather(part("a"), part("b"))
            await part("c")

        told = run(journey).check().of_type("in")
        names = {it["transaction"] for it in told}
        self.assertEqual(names, {"__root__ :: all :: a", "__root__ :: all :: b", "__root__ :: c"})

    def test_the_place_is_the_authors(self):
        async def journey(ctx):
            json.loads("x")

        [told] = run(journey).of_type("exception")
        self.assertRegex(told["location"], r"^test_runs\.py:\d+:journey$")

    def test_separation(self):
        async def journey(ctx):
            start = time.monotonic()
            with self.assertRaises(MiteError):
                async with ensure_fixed_separation(0.02):
                    check(False, "no")
            return time.monotonic() - start

        self.assertGreaterEqual(run(journey).check().result, 0.02)

    def test_config(self):
        async def journey(ctx):
            with self.assertRaises(KeyError):
                ctx.config["other"]
            return ctx.config["a"], ctx.config.get("b", 2), "a" in ctx.config, dict(ctx.config)

        self.assertEqual(run(journey, config={"a": "1"}).check().result, ("1", 2, True, {"a": "1"}))
        self.assertEqual(mite.test_context(a=1).config["a"], 1)


@unittest.skipUnless(URL, "MITE_PLAYGROUND is the address of a playground")
class Http(unittest.TestCase):
    def test_verbs_and_options(self):
        @mite_http
        async def journey(ctx):
            http = ctx.http
            for verb in ("get", "post", "put", "patch", "delete", "options"):
                seen = (await getattr(http, verb)(f"{URL}/echo", headers={"X-A": "1"}, params={"q": "a b"})).json()
                self.assertEqual((seen["method"], seen["headers"]["x-a"], seen["query"]["q"]), (verb.upper(), "1", "a b"))
            self.assertEqual((await http.head(f"{URL}/json")).body, b"")
            sent = (await http.post(f"{URL}/echo", json={"a": [1]})).json()
            self.assertEqual((sent["body"], sent["headers"]["content-type"]), ('{"a": [1]}', "application/json"))
            sent = (await http.post(f"{URL}/echo", data={"a": "b c"})).json()
            self.assertEqual((sent["body"], sent["headers"]["content-type"]), ("a=b+c", "application/x-www-form-urlencoded"))
            self.assertEqual((await http.get(f"{URL}/basic-auth/ada/x", auth=("ada", "x"))).status_code, 200)
            with self.assertRaises(ValueError):
                await http.post(f"{URL}/echo", json=1, data="x")

        run(journey).check()

    def test_answers(self):
        async def journey(ctx):
            ctx.http.additional_metrics["shop"] = "tea"
            ctx.http.set_response_callback(lambda response, metrics: metrics.update(code=response.status_code))
            answer = await ctx.http.get(f"{URL}/redirect/2", name="hops")
            self.assertEqual((answer.status_code, [it.status_code for it in answer.history]), (200, [302, 302]))
            self.assertEqual(answer.headers["CONTENT-TYPE"], answer.headers["content-type"])
            self.assertGreaterEqual(answer.total_time, answer.starttransfer_time)
            self.assertEqual(answer.request.method, b"GET")
            self.assertIn("curl -X GET", answer.request.to_curl())
            self.assertIs(copy.deepcopy(answer), answer)
            self.assertRaises(TypeError, pickle.dumps, answer)
            self.assertLess(abs(answer.start_time + answer.total_time - time.time()), 60)
            stays = await ctx.http.get(f"{URL}/redirect/1", allow_redirects=False)
            self.assertEqual((stays.status_code, stays.redirect_url), (302, "/redirect/0"))
            self.assertEqual(len((await ctx.http.get(f"{URL}/gzip/1000")).body), 1000)

        metrics = run(journey).check().of_type("http_metrics")
        self.assertEqual([it.get("shop") for it in metrics], [None, None, "tea", "tea", "tea"])
        self.assertEqual((metrics[2]["name"], metrics[2]["code"]), ("hops", 200))

    def test_cookies(self):
        async def journey(ctx):
            await ctx.http.get(f"{URL}/cookies/set?a=1")
            seen = await ctx.http.get(f"{URL}/cookies", cookies={"b": "2", "c": Cookie("127.0.0.1", "c", "3")})
            self.assertEqual(seen.json()["cookies"], {"a": "1", "b": "2", "c": "3"})
            self.assertEqual(ctx.http.cookies(), {"a": "1", "b": "2", "c": "3"})
            ctx.http.erase_all_cookies()
            return ctx.http.cookies()

        self.assertEqual(run(journey).check().result, {})

    def test_no_answer(self):
        async def journey(ctx):
            reasons = []
            for url, options in [(f"{URL}/hang", {"timeout": 0.05}), (f"{URL}/close", {}), ("ftp://x/", {}),
                                 (f"{URL}/redirect/9", {"max_redirects": 2})]:
                with self.assertRaises(HttpError) as raised:
                    await ctx.http.get(url, **options)
                reasons.append(raised.exception.reason)
            return reasons

        ran = run(journey).check()
        self.assertEqual(ran.result, ["timeout", "protocol", "invalid", "redirects"])
        self.assertEqual([it["error_class"] for it in ran.of_type("http_error")], ["timeout", "protocol"])

    def test_side_by_side(self):
        async def journey(ctx):
            await asyncio.gather(*(ctx.http.get(f"{URL}/delay/200") for _ in range(10)))

        metrics = run(journey).check().of_type("http_metrics")
        self.assertLess(max(it["time"] - it["total_time"] for it in metrics), min(it["time"] for it in metrics))

    def test_spy(self):
        @http_spy
        async def journey(ctx):
            await ctx.http.get(f"{URL}/status/404")

        self.assertEqual(run(journey).check().result["http"]["get"][0].status_code, 404)


PAGE = b"""<html><head><script src="/a.js"></script><link rel="stylesheet" href="b.css"></head><body>
<p class="x big">one<p>two<ul><li>a<li>b</ul><a href="/next">on &amp; on</a>
<form name="login" action="/login" method="post"><input name="user" value="ada"><input type="checkbox" name="keep" checked>
<select name="lang"><option value="en">English<option value="de" selected>German</select></select>
<textarea name="note">hi</textarea><input type="radio" name="size" value="m" checked><input type="radio" name="size" value="l">
<input type="submit" name="go"><input name="off" disabled></form></body></html>"""


class Browsing(unittest.TestCase):
    def test_pages_forms_and_links(self):
        sent = []

        def site(method, url, body):
            sent.append((method, url, body))
            return 200, {"content-type": "text/html; charset=utf-8"}, PAGE

        @browser_decorator(separation=0.001, embedded_resources=True)
        async def journey(ctx):
            page = await ctx.browser.get("http://shop.example/dir/")
            self.assertEqual([it.text.strip() for it in page.find_all("li")], ["a", "b"])
            self.assertEqual(page.find("p", class_="big").text, "one")
            self.assertEqual(page.status_code, 200)
            form = page.get_form("login")
            values = {name: field.value for name, field in form.fields.items() if not field.disabled}
            self.assertEqual(values, {"user": "ada", "keep": "on", "lang": "de", "note": "hi", "size": "m"})
            self.assertEqual((form["lang"].options, form["off"].disabled), (["en", "de"], True))
            form["user"], form["lang"].value, form["script"], form["size"] = "bob & co", "en", "made", "l"
            form["keep"].toggle()
            with self.assertRaises(mite.OptionError):
                form["size"] = "xxl"
            with self.assertRaises(KeyError):
                form["nobody"]
            await form.submit(embedded_res=False)
            await page.click_link("on & on", embedded_resources=False)
            await page.xhr_post("more", formdata={"n": 1})
            self.assertEqual([it["name"] for it in page.find("form").find_all(True, {"type": "radio"}, recursive=False)], ["size", "size"])
            with self.assertRaises(mite.ElementNotFoundError):
                page.assert_element_in("h1")

        run(journey, recording=site).check()
        self.assertEqual(sent, [
            ("GET", "http://shop.example/dir/", None), *sorted(sent[1:3]),
            ("POST", "http://shop.example/login", b"user=bob+%26+co&lang=en&note=hi&size=l&script=made"),
            ("GET", "http://shop.example/next", None), ("POST", "http://shop.example/dir/more", b"n=1"),
        ])
        self.assertEqual({url for _, url, _ in sent[1:3]}, {"http://shop.example/a.js", "http://shop.example/dir/b.css"})


if __name__ == "__main__":
    unittest.main()

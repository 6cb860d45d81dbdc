"""`ctx.browser`."""

import asyncio

from mite_browser.page import Page


class Browser:
    """Verbs as of `ctx.http`, each giving a `Page`. At most `SIDE_BY_SIDE` embedded resources are got at once."""

    SIDE_BY_SIDE = 6

    def __init__(self, http, embedded_resources=False):
        #: The session of the run, `ctx.http`.
        self.http = http
        self._embedded = embedded_resources
        #: Sent with every request.
        self.headers = {}

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def post(self, url, **options):
        return self.request("POST", url, **options)

    def put(self, url, **options):
        return self.request("PUT", url, **options)

    def patch(self, url, **options):
        return self.request("PATCH", url, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    async def request(self, method, url, embedded_resources=None, headers=(), embedded_res=None, **options):
        """A page. `embedded_resources`, also called `embedded_res`, says for this one whether what belongs to it is got."""
        if embedded_resources is None:
            embedded_resources = embedded_res
        response = await self.http.request(method, url, headers={**self.headers, **dict(headers)}, **options)
        page = Page(self, response)
        if self._embedded if embedded_resources is None else embedded_resources:
            await self._get_all(page.resources)
        return page

    async def _get_all(self, urls):
        room = asyncio.Semaphore(self.SIDE_BY_SIDE)

        async def get(url):
            async with room:
                await self.http.get(url, headers=self.headers, discard_body=True)

        await asyncio.gather(*map(get, urls))

    def erase_all_cookies(self):
        self.http.erase_all_cookies()

    def erase_session_cookies(self):
        self.http.erase_session_cookies()

    def get_cookie_list(self):
        return self.http.get_cookie_list()

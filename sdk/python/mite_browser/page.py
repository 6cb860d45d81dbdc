"""A page: an answer and what is on it."""

from urllib.parse import urljoin

from mite import ElementNotFoundError
from mite_browser.dom import parse
from mite_browser.form import Form


class Page:
    """`find`, `find_all`, `get_form`, `click_link`; and of its answer `text`, `status_code`, `headers`, `cookies`, `url`, `json()`."""

    def __init__(self, browser, response):
        self.browser, self.response = browser, response
        self._dom = None

    def __getattr__(self, name):
        if name.startswith("_") or name == "response":
            raise AttributeError(name)
        return getattr(self.response, name)

    @property
    def dom(self):
        if self._dom is None:
            self._dom = parse(self.response.text)
        return self._dom

    def find(self, *args, **attrs):
        return self.dom.find(*args, **attrs)

    def find_all(self, *args, **attrs):
        return self.dom.find_all(*args, **attrs)

    def assert_element_in(self, *args, **attrs):
        """The element, or an `ElementNotFoundError`."""
        found = self.find(*args, **attrs)
        if found is None:
            looked_for = ", ".join([*map(repr, args), *(f"{key}={value!r}" for key, value in attrs.items())])
            raise ElementNotFoundError(f"there is no element {looked_for} on {self.url}", url=self.url)
        return found

    def get_forms(self):
        return [Form(self, element) for element in self.find_all("form")]

    def get_form(self, name=None, **attrs):
        """The form of a name or with other attributes; without any the first one."""
        if name is not None:
            attrs = {"name": name, **attrs}
        found = self.find("form", attrs) or (name is not None and self.find("form", {"id": name}))
        if not found:
            raise ElementNotFoundError(f"there is no form {attrs or ''} on {self.url}", url=self.url)
        return Form(self, found)

    async def xhr_request(self, method, url, *, formdata=None, headers=(), **options):
        """A request as a script of the page makes it, with `formdata` urlencoded; gives the answer, which is no page."""
        headers = {"Referer": self.url, "X-Requested-With": "XMLHttpRequest", **dict(headers)}
        if formdata is not None:
            options["data"] = formdata
        return await self.browser.http.request(method, urljoin(self.url, url), headers=headers, **options)

    async def xhr_post(self, url, **options):
        return await self.xhr_request("POST", url, **options)

    async def on_dom_ready(self):
        """A page is there at once."""

    async def click_link(self, text=None, **options):
        """Follows the link with this text, or with other attributes (`href=...`)."""
        attrs = {key: options.pop(key) for key in ("href", "id") if key in options}
        links = [link for link in self.find_all("a", attrs) if link.has_attr("href")]
        link = next((it for it in links if text is None or text in it.text), None)
        if link is None:
            raise ElementNotFoundError(f"there is no link {text or attrs!r} on {self.url}", url=self.url)
        return await self.browser.get(urljoin(self.url, link["href"]), **options)

    def _urls(self, name, attribute, **attrs):
        return [urljoin(self.url, it[attribute]) for it in self.find_all(name, attrs) if it.get(attribute)]

    @property
    def scripts(self):
        return self._urls("script", "src")

    @property
    def stylesheets(self):
        return self._urls("link", "href", rel="stylesheet")

    @property
    def frames(self):
        return self._urls(("frame", "iframe"), "src")

    @property
    def resources(self):
        """The addresses of all that belongs to the page, each once."""
        return list(dict.fromkeys([*self.scripts, *self.stylesheets, *self._urls("img", "src")]))

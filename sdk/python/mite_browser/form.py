"""A form of a page."""

from urllib.parse import urljoin

from mite_browser.field import Field, fields_of


class Form:
    """`form["user"] = "ada"`, then `page = await form.submit()`. `fields` are its fields by name, and `files` those for files, which
    aren't sent. A name that isn't on the page makes a field, as a script of the page would."""

    def __init__(self, page, element):
        self._page, self.element = page, element
        self.name = element.get("name") or element.get("id")
        self.fields, self.files = fields_of(element)

    @property
    def action(self):
        return urljoin(self._page.url, self.element.get("action", ""))

    @property
    def method(self):
        """As the form says; POST if it doesn't, as in the Python framework."""
        return self.element.get("method", "post").upper()

    def __getitem__(self, name):
        field = self.fields.get(name) or self.files.get(name)
        if field is None:
            raise KeyError(f"the form has no field {name!r}; it has: {', '.join(self.fields) or 'none'}")
        return field

    def __setitem__(self, name, value):
        if name in self:
            self[name].value = value
        else:
            self.fields[name] = Field(name, value)

    def __delitem__(self, name):
        del self.fields[name]

    def __contains__(self, name):
        return name in self.fields or name in self.files

    async def submit(self, base_url=None, embedded_res=None, **options):
        """Sends what the fields hold that aren't disabled, urlencoded, and gives the page that answers."""
        url = urljoin(base_url, self.element.get("action", "")) if base_url else self.action
        word = "params" if self.method == "GET" else "data"
        values = {name: field.value for name, field in self.fields.items() if not field.disabled and field.value is not None}
        return await self._page.browser.request(self.method, url, embedded_resources=embedded_res, **{word: values}, **options)

    def __repr__(self):
        return f"<Form {self.method} {self.action} {list(self.fields.values())!r}>"

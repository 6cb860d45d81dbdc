"""A form of a page."""

from urllib.parse import urljoin

from mite import OptionError


class Form:
    """`form["user"] = "ada"`, then `page = await form.submit()`. `fields` are its fields' elements by name."""

    def __init__(self, page, element):
        self._page, self.element = page, element
        self.fields, self._values = {}, {}
        for field in element.find_all(("input", "select", "textarea", "button")):
            self._take(field)

    def _take(self, field):
        name, kind = field.get("name"), field.get("type", "text").lower()
        if not name or field.has_attr("disabled") or field.name == "button" or kind in ("submit", "button", "image", "reset"):
            return
        self.fields[name] = field
        if kind in ("checkbox", "radio"):
            if field.has_attr("checked"):
                self._values[name] = field.get("value", "on")
        elif field.name == "select":
            options = field.find_all("option")
            chosen = next((option for option in options if option.has_attr("selected")), options[0] if options else None)
            if chosen is not None:
                self._values[name] = chosen.get("value", chosen.text.strip())
        else:
            self._values[name] = field.text if field.name == "textarea" else field.get("value", "")

    @property
    def action(self):
        return urljoin(self._page.url, self.element.get("action", ""))

    @property
    def method(self):
        """As the form says; POST if it doesn't, as in the Python framework."""
        return self.element.get("method", "post").upper()

    @property
    def files(self):
        return {name: field for name, field in self.fields.items() if field.get("type") == "file"}

    def __getitem__(self, name):
        return self._values[self._known(name)]

    def __setitem__(self, name, value):
        field = self.fields[self._known(name)]
        if field.name == "select":
            there = [option.get("value", option.text.strip()) for option in field.find_all("option")]
            if value not in there:
                raise OptionError(f"the field {name!r} has no option {value!r}", field=name, options=there)
        self._values[name] = value

    def __delitem__(self, name):
        self._values.pop(self._known(name), None)

    def __contains__(self, name):
        return name in self.fields

    def _known(self, name):
        if name not in self.fields:
            raise OptionError(f"the form has no field {name!r}", field=name, fields=list(self.fields))
        return name

    async def submit(self, base_url=None, embedded_res=None, **options):
        """Sends what the fields hold, urlencoded, and gives the page that answers."""
        url = urljoin(base_url, self.element.get("action", "")) if base_url else self.action
        word = "params" if self.method == "GET" else "data"
        return await self._page.browser.request(
            self.method, url, embedded_resources=embedded_res, **{word: self._values}, **options
        )

"""A page's elements. What isn't closed is closed by what closes around it, as browsers do."""

from html.parser import HTMLParser

_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
#: What ends where another of its kind begins.
_SIBLINGS = {"li": {"li"}, "option": {"option"}, "p": {"p"}, "tr": {"tr", "td", "th"}, "td": {"td", "th"}, "th": {"td", "th"}}
#: A page of more elements than this is cut off.
ELEMENTS = 100_000


class Element:
    """An element: `name`, `attrs`, `children` (elements and texts), `text`, `element["href"]`, `find`, `find_all`."""

    __slots__ = ("attrs", "children", "name", "parent")

    def __init__(self, name, attrs=(), parent=None):
        self.name, self.parent, self.children = name, parent, []
        self.attrs = {key: "" if value is None else value for key, value in attrs}

    def __getitem__(self, key):
        return self.attrs[key]

    def get(self, key, default=None):
        return self.attrs.get(key, default)

    def has_attr(self, key):
        return key in self.attrs

    @property
    def descendants(self):
        """All elements below this one, in the order of the page."""
        left = [child for child in reversed(self.children) if isinstance(child, Element)]
        while left:
            element = left.pop()
            yield element
            left.extend(child for child in reversed(element.children) if isinstance(child, Element))

    @property
    def text(self):
        texts, left = [], list(reversed(self.children))
        while left:
            child = left.pop()
            if isinstance(child, str):
                texts.append(child)
            else:
                left.extend(reversed(child.children))
        return "".join(texts)

    def get_text(self, strip=False):
        return self.text.strip() if strip else self.text

    def find_all(self, name=None, attrs=None, recursive=True, string=None, class_=None, text=None, **more):
        """All elements below with this name (True: any), these attributes, this text (`string` or `text`); not `recursive`: only those
        right below. `class_` is one of the element's classes; a value of
        True means that the attribute is there."""
        wanted = {**(attrs or {}), **more}
        return list(self._found(name, wanted, recursive, text if string is None else string, class_))

    def find(self, name=None, attrs=None, recursive=True, string=None, class_=None, text=None, **more):
        """The first of `find_all`, or None."""
        wanted = {**(attrs or {}), **more}
        return next(self._found(name, wanted, recursive, text if string is None else string, class_), None)

    def _found(self, name, attrs, recursive, string, class_):
        among = self.descendants if recursive else (it for it in self.children if isinstance(it, Element))
        return (it for it in among if it._is(name, attrs, string, class_))

    def _is(self, name, attrs, string, class_):
        names = (name,) if isinstance(name, str) else name
        if names not in (None, True) and self.name not in names:
            return False
        if class_ is not None and class_ not in self.get("class", "").split():
            return False
        for key, value in attrs.items():
            there = self.attrs.get(key)
            if there is None or (value is not True and there != value):
                return False
        return string is None or self.text.strip() == string

    def __repr__(self):
        return f"<{self.name}{''.join(f' {key}={value!r}' for key, value in self.attrs.items())}>"


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self._at = Element("[document]")
        self._count = 0

    def handle_starttag(self, name, attrs):
        if self._count >= ELEMENTS:
            return
        self._count += 1
        if self._at.name in _SIBLINGS.get(name, ()):
            self._at = self._at.parent
        element = Element(name, attrs, self._at)
        self._at.children.append(element)
        if name not in _EMPTY:
            self._at = element

    def handle_startendtag(self, name, attrs):
        self.handle_starttag(name, attrs)
        if name not in _EMPTY:
            self.handle_endtag(name)

    def handle_endtag(self, name):
        element = self._at
        while element is not self.root and element.name != name:
            element = element.parent
        if element is not self.root:
            self._at = element.parent

    def handle_data(self, text):
        self._at.children.append(text)


def parse(html):
    """The document of a page."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.root

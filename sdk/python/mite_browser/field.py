"""The fields of a form."""

from mite.exceptions import OptionError


class Field:
    """`value`, `disabled`, `enable()`, `disable()`, and the `element` that it is on the page, if any. None as the value sends nothing."""

    def __init__(self, name, value, element=None):
        self.name, self.value, self.element = name, value, element
        self._disabled = element is not None and element.has_attr("disabled")

    @property
    def disabled(self):
        """Whether it is left out when the form is sent."""
        return self._disabled

    def enable(self):
        self._disabled = False

    def disable(self):
        self._disabled = True

    def __repr__(self):
        return f"<{type(self).__name__} {self.name}={self.value!r}{' disabled' if self.disabled else ''}>"


class SelectField(Field):
    """`options` are its values. Others may be set as well, as a script of the page would."""

    def __init__(self, name, element):
        options = element.find_all("option")
        self.options = [_value(option) for option in options]
        chosen = next((option for option in options if option.has_attr("selected")), options[0] if options else None)
        super().__init__(name, None if chosen is None else _value(chosen), element)


class CheckboxField(Field):
    """Sent only where it is checked; to set it to a value checks it."""

    def __init__(self, name, element):
        self._of_page, self._checked = element.get("value", "on"), element.has_attr("checked")
        super().__init__(name, self._of_page if self._checked else None, element)

    @property
    def value(self):
        return self._of_page if self._checked else None

    @value.setter
    def value(self, value):
        self._checked = value not in (None, False)
        if self._checked and value is not True:
            self._of_page = value

    def toggle(self):
        """Checks it or takes that back; answers whether it is checked now."""
        self._checked = not self._checked
        return self._checked


class RadioField(Field):
    """The buttons of one name; `options` are their values, and another is an `OptionError`."""

    def __init__(self, name, elements):
        self.elements, self.options = elements, [element.get("value", "on") for element in elements]
        chosen = next((element for element in elements if element.has_attr("checked")), None)
        super().__init__(name, None if chosen is None else chosen.get("value", "on"), elements[0])

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        if value is not None and value not in self.options:
            raise OptionError(f"the field {self.name!r} has no option {value!r}", field=self.name, options=self.options)
        self._value = value


def _value(option):
    return option.get("value", option.text.strip())


def fields_of(form):
    """The fields of a form's element by name, and those for files."""
    fields, files = {}, {}
    elements = form.find_all(("input", "select", "textarea"))
    for element in elements:
        name, kind = element.get("name"), element.get("type", "text").lower()
        if not name or element.name == "input" and kind in ("submit", "button", "image", "reset"):
            continue
        if element.name == "select":
            fields[name] = SelectField(name, element)
        elif element.name == "textarea":
            fields[name] = Field(name, element.text, element)
        elif kind == "file":
            files[name] = Field(name, None, element)
        elif kind == "radio":
            if name not in fields:
                fields[name] = RadioField(name, [it for it in elements if it.get("name") == name])
        elif kind == "checkbox":
            fields[name] = CheckboxField(name, element)
        else:
            fields[name] = Field(name, element.get("value", ""), element)
    return fields, files

"""What a journey raises when something is wrong."""


class MiteError(Exception):
    """The journey itself says that the tested system is wrong: an `error` message, with the fields as its fields."""

    def __init__(self, message="", **fields):
        super().__init__(message)
        self.fields = fields


class OptionError(MiteError):
    """A form has no such option."""


class ElementNotFoundError(MiteError):
    """A page has no such element."""


class DataPoolExhausted(BaseException):
    """A datapool has no more items: the item of the scenario that uses it is over."""


class StopVolumeModel(Exception):
    """Raised by a volume model: its item of the scenario is over."""


def check(condition, message="a check failed", **fields):
    """Raises a `MiteError` unless the condition holds."""
    if not condition:
        raise MiteError(message, **fields)

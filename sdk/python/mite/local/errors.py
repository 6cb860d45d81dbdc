"""The error that functions of the world raise."""


class Err(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value

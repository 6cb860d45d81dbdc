"""Journeys under plain CPython, for debuggers and pytest. Nothing here is in a component.

    from mite.local import run

    def test_visit():
        ran = run(visit, "ada", config={"url": "http://127.0.0.1:14380"})
        assert ran.error is None and ran.of_type("txn")
"""

__all__ = ["Ran", "run"]


def __getattr__(name):  # `mite` needs the world below here before there is anything to run
    if name in __all__:
        from mite.local import runs

        return getattr(runs, name)
    raise AttributeError(name)

"""Tests of the journey, under plain Python: `python3 -m unittest`, or pytest."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".mite", "sdk", "python"))

import journeys
from mite import MiteError
from mite.local import run


def answering(status, found):
    """Every request gets this answer."""
    return lambda method, url, body: (status, {"content-type": "application/json"}, json.dumps(found).encode())


class Search(unittest.TestCase):
    def test_it_finds_what_there_is(self):
        ran = run(journeys.search, "tea", recording=answering(200, {"items": [{"id": 1, "name": "tea"}]})).check()
        self.assertEqual([txn["transaction"] for txn in ran.of_type("txn")][0], "__root__ :: search")

    def test_it_notices_what_is_wrong(self):
        for status, found in [(200, {"items": []}), (500, {})]:
            ran = run(journeys.search, "tea", recording=answering(status, found))
            self.assertIsInstance(ran.error, MiteError)


if __name__ == "__main__":
    unittest.main()

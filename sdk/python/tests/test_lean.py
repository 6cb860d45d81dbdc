"""What stands in for parts of componentize-py's runtime."""

import gc
import unittest
import weakref

from mite import _lean


class Thing:
    pass


class Handles(unittest.TestCase):
    def setUp(self):
        self.dropped = []
        self.drop = lambda *args: self.dropped.append(args)
        self.finalize = _lean.finalizer(self.drop)

    def held(self):
        thing = Thing()
        thing.finalizer = self.finalize(thing, self.drop, 3, 7)
        return thing

    def test_dropped_with_what_holds_it(self):
        thing = self.held()
        self.assertEqual(self.dropped, [])
        del thing
        gc.collect()
        self.assertEqual(self.dropped, [(3, 7)])

    def test_detached(self):
        thing = self.held()
        _, function, args, _ = thing.finalizer.detach()
        self.assertEqual((function, args), (self.drop, (3, 7)))
        del thing
        self.assertEqual(self.dropped, [], "whoever detaches it drops it")

    def test_others_are_as_ever(self):
        ended, thing = [], Thing()
        of_others = self.finalize(thing, ended.append, "over")
        self.assertIsInstance(of_others, weakref.finalize)
        self.assertTrue(of_others.alive)
        del thing
        self.assertEqual(ended, ["over"])

    def test_a_result(self):
        self.assertEqual(_lean.Ok(5).value, 5)
        self.assertEqual(_lean.Context("visit", b"", 1, 2), ("visit", b"", 1, 2))


if __name__ == "__main__":
    unittest.main()

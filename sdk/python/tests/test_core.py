"""What needs no host: msgpack, volumes, datapools, what is found in a module."""

import asyncio
import math
import sys
import types
import unittest

import msgpack

from mite import DataPoolExhausted, StopVolumeModel, _hooks, datapools
from mite import volume_model as vm
from mite._packer import pack, unpack
from mite._planner import Planner
from mite._registry import Registry


class Packing(unittest.TestCase):
    VALUES = [
        None, True, False, 0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1, -1, -32, -33, -128, -129, -32769,
        -(2**31) - 1, -(2**63), 0.5, math.inf, "", "a" * 31, "a" * 32, "é" * 200, "a" * 70000, b"", b"x" * 300, b"x" * 70000, [],
        list(range(20)), list(range(70000)), {}, {"a": {"b": [1, None]}}, {f"k{n}": n for n in range(20)},
    ]

    def test_same_bytes_as_msgpack(self):
        for value in self.VALUES:
            self.assertEqual(pack(value), msgpack.packb(value), repr(value)[:40])
            self.assertEqual(unpack(msgpack.packb(value)), value, repr(value)[:40])
        self.assertEqual(unpack(msgpack.packb({(1, 2): 3})), {(1, 2): 3})

    def test_refused(self):
        deep = []
        for _ in range(100):
            deep = [deep]
        for value, error in [(object(), TypeError), (2**64, ValueError), ({1, 2}, TypeError), (deep, ValueError)]:
            with self.assertRaises(error):
                pack(value)
        for broken in (b"", b"\xa5ab", b"\x92\x01", b"\x01\x02", b"\xc1"):
            with self.assertRaises(ValueError, msg=broken):
                unpack(broken)


class Volumes(unittest.TestCase):
    def test_the_manuals_table(self):
        model = vm.Constant(60, 1) + vm.Ramp(300) + vm.Constant(50, 1000) + vm.Ramp(300, to=0)
        table = {0: 1, 60: 1, 61: 4, 210: 500, 359: 996, 360: 1000, 410: 1000, 411: 996, 560: 500, 709: 3, 710: 0}
        self.assertEqual({t: model(t, t + 1) for t in table}, table)
        with self.assertRaises(StopVolumeModel):
            model(711, 712)
        self.assertEqual([vm.Constant(7, 3)(t, t) for t in (0, 7)], [3, 3])

    def test_ramps_that_dont_know(self):
        for wrong in (vm.Ramp(3), vm.Ramp(3, to=1) + vm.Constant(1, 1), vm.Constant(1, 1) + vm.Ramp(3, to=2, frm=1),
                      vm.Constant(1, 1) + vm.Ramp(3) + vm.Ramp(3) + vm.Constant(1, 1)):
            with self.assertRaises(ValueError, msg=wrong):
                wrong(0, 1)

    def test_oneshot(self):
        shot = vm.oneshot_vm(when=5)
        self.assertEqual([shot(t, t + 1) for t in (0, 5, 6)], [0, 0, 1])
        for over in (shot, vm.oneshot_vm(when=5, stop_scenario=True)):
            with self.assertRaises(StopVolumeModel):
                over(4, 8)


class Datapools(unittest.TestCase):
    def test_recyclable(self):
        async def use():
            pool = datapools.RecyclableIterableDataPool("ab")
            first, second = await pool.checkout(), await pool.checkout()
            with self.assertRaises(DataPoolExhausted):
                await pool.checkout()
            await pool.checkin(first.id)
            self.assertEqual((first.data, second.data, (await pool.checkout()).data), ("a", "b", "a"))
        asyncio.run(use())

    def test_iterable(self):
        async def use():
            pool = datapools.iterable_datapool(lambda: iter("ab"))
            self.assertEqual([(await pool.checkout()).id, (await pool.checkout()).data], [1, "b"])
            with self.assertRaises(DataPoolExhausted):
                await pool.checkout()
        asyncio.run(use())


SOURCE = """
from mite.scenario import setup
from mite.datapools import IterableDataPool, DataPoolExhausted, DataPoolItem, SingleRunDataPool, FileDataPool
from mite.volume_model import Constant, Ramp

users = IterableDataPool([("ada", 1), "bob"])

@setup
def prepare(config):
    return {"token": config.get("seed", 7)}

async def visit(ctx, name=None, number=None): pass
async def _hidden(ctx): pass
async def no_context(): pass
def plain(ctx): pass
def helper(): return 3

class Own:
    left = 2
    async def checkout(self, config):
        if not self.left: raise DataPoolExhausted
        self.left -= 1
        return DataPoolItem(self.left, self.left)

def scenario(config):
    return [
        ["author:visit", users, Ramp(10, frm=0) + Constant(5, 3)],
        ["visit", Own(), lambda start, end: 7.9],
        ["elsewhere:visit", FileDataPool("users.csv"), Constant(1, 1)],
    ]

def wrong(): return [["author:nobody", None, Constant(1, 1)]]
def not_async(): return [["author:plain", None, Constant(1, 1)]]
"""


class Modules(unittest.TestCase):
    def setUp(self):
        author = types.ModuleType("author")
        exec(SOURCE, vars(author))
        self.registry = Registry(author)
        self.planner = Planner(self.registry)

    def test_found(self):
        found = self.registry
        self.assertEqual(list(found.journeys), ["visit"])
        self.assertEqual(list(found.datapools), ["users"])
        self.assertEqual(set(found.scenarios), {"helper", "scenario", "wrong", "not_async"})

    def test_scenario(self):
        first, second, third = self.planner.scenario("scenario")
        self.assertEqual((first.journey, first.datapool, len(first.load.value.value)), ("visit", "users", 2))
        self.assertEqual((second.journey, second.datapool, second.load.value.value), ("visit", "scenario_2", "scenario_2"))
        self.assertEqual((third.journey, third.datapool), ("elsewhere:visit", "scenario_3"))
        self.assertEqual([unpack(it) for it in self.planner.items("users", 5)], [["ada", 1], ["bob"]])
        self.assertEqual([unpack(it) for it in self.planner.items("scenario_2", 5)], [[1], [0]])
        self.assertEqual(self.planner.required("scenario_2", 0, 1), 7)
        self.assertEqual(self.planner.datapool("scenario_3").source.value, "users.csv")

    def test_setup(self):
        self.assertEqual(unpack(_hooks.setup(self.registry)), {"token": 7})

    def test_wrong(self):
        for name, error, text in [("wrong", LookupError, "there is no journey 'author:nobody'"), ("not_async", TypeError, "async def plain"),
                                  ("helper", TypeError, "a scenario is a list"), ("gone", LookupError, "there is no scenario")]:
            with self.assertRaises(error) as raised:
                self.planner.scenario(name)
            self.assertIn(text, str(raised.exception))


if __name__ == "__main__":
    sys.exit(unittest.main())

import enum
from dataclasses import dataclass
from typing import Any, Optional

PoolKind = enum.Enum("PoolKind", "RECYCLABLE ITERABLE SINGLE_RUN")


@dataclass
class Constant:
    seconds: float
    journeys: int


@dataclass
class Ramp:
    seconds: float
    start: Optional[int]
    end: Optional[int]


@dataclass
class Part_Nothing:
    value: float


@dataclass
class Part_Constant:
    value: Constant


@dataclass
class Part_Ramp:
    value: Ramp


@dataclass
class Volume_Parts:
    value: list


@dataclass
class Volume_Model:
    value: str


@dataclass
class Load_Volume:
    value: Any


@dataclass
class Item:
    journey: str
    datapool: Optional[str]
    load: Load_Volume


@dataclass
class Source_Items:
    pass


@dataclass
class Source_Csv:
    value: str


@dataclass
class Source_JsonLines:
    value: str


@dataclass
class Source_Msgpack:
    value: str


@dataclass
class Pool:
    kind: PoolKind
    source: Any

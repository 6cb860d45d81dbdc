from dataclasses import dataclass

from mite.local.world.messages import Failure


@dataclass
class Contents:
    journeys: list
    scenarios: list
    datapools: list
    volume_models: list
    sdk: str


@dataclass
class Context:
    journey: str
    args: bytes
    context_id: int
    config_version: int


@dataclass
class Ending_Failed:
    value: Failure


@dataclass
class Ending_Reported:
    pass

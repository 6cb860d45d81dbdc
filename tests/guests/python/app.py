"""The component's exports. Nothing is raised here but what the contract knows: anything else would be a trap."""

import journeys  # noqa: F401  registers itself
import sdk
from wit_world.exports import journeys as exported
from wit_world.exports import scenarios as planned


class Journeys:
    def describe(self) -> exported.Contents:
        return exported.Contents(list(sdk.JOURNEYS), list(sdk.SCENARIOS), list(sdk.DATAPOOLS), [], "python 0.1.0")

    def run(self, context: exported.Context) -> None:
        sdk.run(context)


class Scenarios:
    def scenario(self, name: str) -> list[planned.Item]:
        return sdk.guarded(sdk.plan, name)

    def datapool(self, name: str) -> planned.Pool:
        return sdk.guarded(sdk.open_pool, name)

    def items(self, datapool: str, most: int) -> list[bytes]:
        return sdk.guarded(sdk.next_items, datapool, most)

    def required(self, model: str, start: float, end: float) -> int | None:
        return sdk.guarded(sdk.registered, {}, "volume model", model)

"""What the component `probe` has, for Python's controller: the scenario `probe:plan` with the journey that the config names."""
from mite.volume_model import Constant


def plan(config):
    volume = Constant(duration=float(config.get("seconds", None)), tps=int(config.get("volume", None)))
    return [(config.get("journey", None), None, volume)]

"""What stops an item of a scenario."""

from mite.exceptions import StopVolumeModel

__all__ = ["StopVolumeModel"]

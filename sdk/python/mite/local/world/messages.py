import enum
from dataclasses import dataclass
from typing import Optional

from mite._packer import unpack
from mite.local.world import state

FailureKind = enum.Enum("FailureKind", "ERROR EXCEPTION")


@dataclass
class Failure:
    kind: FailureKind
    ex_type: str
    message: str
    location: str
    stacktrace: Optional[str]
    fields: bytes


def send(message_type, fields, transaction):
    state.run.tell(message_type, unpack(fields), transaction)


def tell(failure, transaction):
    """The message that a failure becomes."""
    fields = unpack(failure.fields) if failure.fields else {}
    fields |= {"message": failure.message, "ex_type": failure.ex_type, "location": failure.location}
    if failure.stacktrace is not None:
        fields["stacktrace"] = failure.stacktrace
    state.run.tell("error" if failure.kind is FailureKind.ERROR else "exception", fields, transaction)

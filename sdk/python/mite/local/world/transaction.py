import time
from dataclasses import dataclass

from mite.local.world import messages, state


@dataclass
class Outcome_Ok:
    pass


@dataclass
class Outcome_Failed:
    pass


@dataclass
class Outcome_Cancelled:
    pass


@dataclass
class Outcome_FailedWith:
    value: messages.Failure


def begin(name, parent):
    run = state.run
    run.opened += 1
    outer = run.transactions[parent][0]
    run.transactions[run.opened] = (f"{outer} :: {name[:256]}", time.time(), parent)
    return run.opened


def end(id, outcome):
    run = state.run
    if id not in run.transactions:
        return
    inner = [number for number, (_, _, parent) in run.transactions.items() if parent == id]
    for number in inner:
        end(number, outcome if isinstance(outcome, Outcome_Cancelled) else Outcome_Failed())
    if isinstance(outcome, Outcome_FailedWith):
        messages.tell(outcome.value, id)
    had_error = isinstance(outcome, (Outcome_Failed, Outcome_FailedWith))
    run.tell("txn", {"start_time": run.transactions[id][1], "end_time": time.time(), "had_error": had_error}, id)
    del run.transactions[id]

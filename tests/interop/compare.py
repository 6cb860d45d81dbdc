"""What a run has left behind, and whether that is what it should be."""
import collections
import re
import urllib.request

import msgpack

# What the test itself sends beside the runner's messages, for the recorder.
ITEMS = [{"number": number, "name": f"name {number}", "raw": b"\x00\xff"} for number in range(20)]
# Fields that only ours have (docs/messages.md): a reader passes over what it doesn't know.
ADDED = {"run_id"}
# Metrics that only ours have (docs/stats.md, docs/exporter.md).
OWN = re.compile(r"mite_exporter_|mite_messages_|process_|mite_http_error_total|mite_stats_series_folded_total")
LINE = re.compile(r"([a-zA-Z_:][\w:]*) ?\{(.*)\} (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def messages(folder):
    """All that a collector wrote; what is cut short at the end of a file is left out."""
    names = [path for path in folder.glob("*") if path.name == "current" or re.fullmatch(r"\d+_\d+_\d+", path.name)]
    for path in names:
        unpacker = msgpack.Unpacker(use_list=False, strict_map_key=False)
        unpacker.feed(path.read_bytes())
        yield from unpacker


def items(path):
    return list(msgpack.Unpacker(path.open("rb"))) if path.exists() else []


def scrape(url):
    """The exporter's series as {(name, labels): value}."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = (one.groups() for one in map(LINE.match, lines) if one)
    return {(name, tuple(sorted(map(label, LABEL.findall(labels))))): float(value) for name, labels, value in found}


def label(pair):
    """A label as it is compared: without what a port, a language or Python's way to print makes of it (docs/exporter.md)."""
    name, value = pair
    match name:
        case "location":
            return name, "somewhere"
        case "message":  # the type's module is named by Python only, and the server's port changes
            return name, re.sub(r"^.*MiteError: \S+", "MiteError: URL", value)
        case "method":
            return name, re.sub(r"^b'(.*)'$", r"\1", value)
        case "le":
            return name, str(float(value))
        case _:
            return pair


def shapes(all_messages):
    """The fields of each type of message with their types: {(type, field): {type name}}."""
    found = collections.defaultdict(set)
    for message in all_messages:
        for field, value in message.items():
            found[message["type"], field].add(type(value).__name__)
    return found


class Result:
    """What one run has left behind."""

    def __init__(self, statuses, folder, series):
        self.statuses, self.series = statuses, {key: value for key, value in series.items() if not OWN.match(key[0])}
        self.messages = [message for message in messages(folder / "collected") if message["type"] != "filler"]
        self.types = collections.Counter(message["type"] for message in self.messages)
        self.recorded, self.purged = items(folder / "recorded/kept.msgpack"), (folder / "recorded/gone.msgpack").exists()

    def sums(self, name, *labels):
        """The values of a metric, added up by some of its labels."""
        total = collections.Counter()
        for (metric, pairs), value in self.series.items():
            if metric == name:
                total[tuple(dict(pairs).get(one) for one in labels)] += value
        return dict(total)

    def wrong(self):
        """Counts that aren't those of the server, to the record."""
        requests, failed = sum(self.statuses.values()), self.statuses[500]
        expected = {"http_metrics": requests, "txn": 2 * requests, "error": failed, "data_created": len(ITEMS) + 1, "purge_data": 1}
        got = {name: count for name, count in self.types.items() if name != "controller_report"}
        codes = collections.Counter(one["response_code"] for one in self.messages if one["type"] == "http_metrics")
        transactions = {
            (name, str(had_error)): count
            for name in ("__root__", "__root__ :: get")
            for had_error, count in ((True, failed), (False, requests - failed))
        }
        answered = {(str(code),): count for code, count in self.statuses.items()}
        return [f"{what}: {got}, not {expected}" for what, got, expected in (
            ("messages", got, expected),
            ("status of messages", dict(codes), dict(self.statuses)),
            ("mite_http_response_total", self.sums("mite_http_response_total", "response_code"), answered),
            ("mite_transaction_total", self.sums("mite_transaction_total", "transaction", "had_error"), transactions),
            ("mite_journey_error_total", self.sums("mite_journey_error_total"), {(): failed}),
            ("times", self.sums("mite_http_response_time_seconds_count"), {(): requests}),
            ("recorded", self.recorded, ITEMS),
            ("purged data is there", self.purged, False),
            ("enough reports", self.types["controller_report"] >= 2, True),
            ("enough requests", requests >= 50, True),
        ) if got != expected]

    def unlike(self, other):
        """Where messages and series have another form than those of another run."""
        mine, theirs = shapes(self.messages), shapes(other.messages)
        found = [f"{kind}.{field} is missing" for kind, field in theirs.keys() - mine.keys()]
        found += [f"{kind}.{field} is new" for kind, field in mine.keys() - theirs.keys() if field not in ADDED]
        found += [f"{key}: {mine[key]}, not {theirs[key]}" for key in mine.keys() & theirs.keys() if mine[key] != theirs[key]]
        found += [f"no series {key}" for key in other.series.keys() - self.series.keys()]
        found += [f"a new series {key}" for key in self.series.keys() - other.series.keys()]
        return found

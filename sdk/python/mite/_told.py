"""What is wrong with an author's modules, for `mite.build`: a line on standard error while a component is being built."""

import json
import sys
import traceback

#: Begins such a line.
TOLD = "mite-build: "


def tell(error, root, location):
    """What went wrong, where, and the way there through the author's modules, which are below `root`."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(root)]
    for frame in frames:
        frame.filename = frame.filename.removeprefix(root)
    frames = [frame for frame in frames if not frame.filename.startswith("_mite")]
    told = {
        "error": "".join(traceback.format_exception_only(error)).replace(root, ""),
        "location": location,
        "stack": "".join(traceback.format_list(frames)),
        "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
    }
    print(TOLD + json.dumps(told), file=sys.stderr, flush=True)

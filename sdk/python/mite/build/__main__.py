"""The command `python -m mite.build`."""

import argparse
import sys

from mite.build.componentize import BuildError, build

EXAMPLE = """example:
  python -m mite.build journeys.py -o journeys.wasm
  mite journey run journeys.wasm:visit
"""


def main():
    parser = argparse.ArgumentParser(
        "mite.build", description="Makes a component of a .py file or a package, and what it imports.", epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", metavar="PATH", help="a .py file, or the directory of a package")
    parser.add_argument("-o", dest="output", metavar="FILE", help="the component; default: PATH with .wasm")
    parser.add_argument("--wit", metavar="DIR", help="the directory of the world `python-journey`; default: this package's own")
    arguments = parser.parse_args()
    try:
        build(arguments.path, arguments.output, arguments.wit)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


sys.exit(main())

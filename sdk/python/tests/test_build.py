"""What an author is told, without componentize-py: the component's entry is run by this Python in its place."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from mite.build.componentize import BuildError, judge
from mite.build.sources import Sources

LOAD = "import mite._component as c, sys; c.load(sys.argv[1], sys.argv[2])"


class Told(unittest.TestCase):
    def said(self, files, entry="journeys.py"):
        """What a build of these files would say."""
        with tempfile.TemporaryDirectory() as author, tempfile.TemporaryDirectory() as stage:
            for name, text in files.items():
                path = pathlib.Path(author, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            sources = Sources(os.path.join(author, entry))
            sources.copy(stage)
            command = [sys.executable, "-c", LOAD, sources.entry, stage]
            environment = os.environ | {"PYTHONPATH": os.pathsep.join([stage, *sys.path])}
            ended = subprocess.run(command, env=environment, capture_output=True, text=True)
            try:
                judge(ended.returncode, "AssertionError: " + ended.stderr, sources, entry)
            except BuildError as error:
                return str(error).replace(author + os.sep, "")
            return "", sorted(sources.files)

    def test_a_module_that_fails(self):
        helper = "def load():\n    return open('no-such-file.csv').read()\n\nUSERS = load()\n"
        said = self.said({"journeys.py": "import helper\n\nasync def visit(ctx):\n    pass\n", "helper.py": helper})
        self.assertRegex(said, r"^helper\.py:2:load: FileNotFoundError: ")
        self.assertIn('File "journeys.py", line 1', said)
        for own in ("mite/_component", "_mite_app", "Traceback"):
            self.assertNotIn(own, said)

    def test_not_async(self):
        said = self.said({"journeys.py": "from mite_http import mite_http\n\n@mite_http\ndef visit(ctx):\n    pass\n"})
        self.assertRegex(said, r"^journeys\.py:[34]:<module>: TypeError: a journey is async: write `async def visit\(ctx\):`")

    def test_nothing_in_it(self):
        said = self.said({"journeys.py": "def visit(ctx):\n    pass\n"})
        self.assertIn("journeys.py: LookupError: there is no journey in it", said)

    def test_native_code(self):
        said = self.said({"journeys.py": "def late():\n    import _no_native\nlate()\n\nasync def visit(ctx):\n    pass\n"})
        self.assertRegex(said, r"^journeys\.py:2:late: ModuleNotFoundError: (.|\n)*has native code")

    def test_what_comes_along(self):
        files = {
            "shop/__init__.py": "", "shop/journeys.py": "from . import words\nfrom shop.deep import more\nasync def visit(ctx): pass\n",
            "shop/words.py": "", "shop/deep/__init__.py": "", "shop/deep/more.py": "import json\n", "shop/unused.py": "",
        }
        self.assertEqual(self.said(files, "shop/journeys.py"), ("", sorted(set(files) - {"shop/unused.py"})))
        self.assertEqual(self.said(files, "shop/journeys.py")[0], "")
        everything = self.said(files | {"shop/__init__.py": "from shop.journeys import visit\n"}, "shop")
        self.assertEqual(everything, ("", sorted(files)))


if __name__ == "__main__":
    unittest.main()

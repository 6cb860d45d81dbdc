"""Calls componentize-py, and says what is wrong in the author's words."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

from mite.build.sources import Sources

COMPONENTIZE_PY = "0.25.1"
_TOLD = "mite-build: "
_SDK = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PACKAGES = ("mite", "mite_http", "mite_browser")
_APP = """\
import os
import mite._component
mite._component.load({entry!r}, os.path.dirname(os.path.abspath(__file__)))
from mite._component import Journeys, Scenarios
"""


class BuildError(Exception):
    """What the author, or whoever installs things, has to do something about."""


def build(path, output=None, wit=None):
    """Makes a component of a file or package; a `BuildError` says why there is none."""
    if not os.path.exists(path):
        raise BuildError(f"{path}: there is no such file")
    is_package = os.path.isfile(os.path.join(path, "__init__.py"))
    if not is_package and not (os.path.isfile(path) and path.endswith(".py")):
        raise BuildError(f"{path}: this is neither a .py file nor the directory of a package, which has an __init__.py")
    require_componentize_py()
    sources = Sources(path)
    if sources.problem:
        raise BuildError(_unreadable(*sources.problem))
    for file, line, name in sources.needed:
        if not (sources.has(name) or name in _PACKAGES or name in sys.stdlib_module_names or _installed(name)):
            shown = os.path.relpath(file)
            raise BuildError(f"{shown}:{line}: ModuleNotFoundError: No module named {name!r}\n{_advise(name)}")
    output = os.path.abspath(output or path.rstrip(os.sep).removesuffix(".py") + ".wasm")
    with tempfile.TemporaryDirectory(prefix="mite-build-") as stage:
        author, sdk = os.path.join(stage, "author"), os.path.join(stage, "sdk")
        sources.copy(author)
        with open(os.path.join(author, "_mite_app.py"), "w") as app:
            app.write(_APP.format(entry=sources.entry))
        for package in _PACKAGES:
            ignored = shutil.ignore_patterns("__pycache__", "build", "local", "wit")
            shutil.copytree(os.path.join(_SDK, package), os.path.join(sdk, package), ignore=ignored)
        made = os.path.join(stage, "component.wasm")
        ended = _componentize(wit or os.path.join(_SDK, "mite", "wit"), [author, sdk, *_site_packages()], made, author)
        judge(ended.returncode, ended.stdout, sources, path)
        _install(made, output)


def _unreadable(file, error):
    """What this Python can't parse: known at once, where the component's own takes its time to say so."""
    file, version = os.path.relpath(file), ".".join(map(str, sys.version_info[:2]))
    if not isinstance(error, SyntaxError):
        return f"{file}: {error}"
    lines = [f"{file}:{error.lineno}:{error.offset}: {type(error).__name__}: {error.msg} (read by Python {version})"]
    if error.text and error.offset:
        lines += [f"    {error.text.rstrip()}", " " * (3 + error.offset) + "^"]
    return "\n".join(lines)


def require_componentize_py():
    try:
        version = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        version = None
    if version != COMPONENTIZE_PY:
        there = f"there is {version}" if version else "there is none"
        raise BuildError(
            f"components are built by componentize-py {COMPONENTIZE_PY}, and {there} in this environment: run\n"
            f"  {sys.executable} -m pip install componentize-py=={COMPONENTIZE_PY}"
        )


def _site_packages():
    """Where packages of the author's are: this environment's, and an active one's."""
    directories = [sysconfig.get_path("purelib")]
    if active := os.environ.get("VIRTUAL_ENV"):
        directories.append(sysconfig.get_path("purelib", vars={"base": active, "platbase": active}))
    return [directory for directory in dict.fromkeys(directories) if os.path.isdir(directory)]


def _installed(name):
    return any(
        os.path.isdir(os.path.join(place, name)) or os.path.isfile(os.path.join(place, name + ".py")) for place in _site_packages()
    )


def _componentize(wit, python_path, output, directory):
    paths = [word for each in python_path for word in ("-p", each)]
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, "-c", "import sys, componentize_py as c; sys.exit(c.script())", "-d", os.path.abspath(wit), "-w",
         "python-journey", "componentize", *paths, "_mite_app", "-o", output],
        cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )


def judge(code, output, sources, path):
    """Nothing if there is a component. What its modules say is printed only where they fail."""
    told = {}
    for line in output.splitlines():
        _, marked, json_text = line.partition(_TOLD)  # in front stands what componentize-py thinks of it
        if marked:
            told |= json.loads(json_text)
    if "error" in told:
        raise BuildError(_explain(told, sources, path))
    if code:
        raise BuildError(f"{path}: componentize-py failed:\n{output.strip()}")


def _explain(told, sources, path):
    """`file:line: what`, with the way there and what to do."""
    file, _, place = told["location"].partition(":")
    if not file:
        return f"{path}: {told['error'].strip()}"
    error = told["error"].strip().splitlines()
    lines = [f"{sources.shown(file)}:{place}: {error[-1]}"]
    lines += error[:-1]
    if told["stack"]:
        lines += ["The way there:", told["stack"].rstrip()]
    if missing := told["missing"]:
        lines.append(_advise(missing))
    return "\n".join(lines)


def _advise(missing):
    top = missing.partition(".")[0]
    if top in sys.stdlib_module_names:
        return f"`{missing}` is of Python's library and isn't in a component: there are no threads, processes, files or sockets"
    if top.startswith("_") or _installed(top):
        return f"`{missing}` has native code, which can't be bundled: use a package in pure Python"
    return f"`{missing}` isn't in this environment: run\n  {sys.executable} -m pip install {top}\nNative code can't be bundled."


def _install(made, output):
    """Whoever reads it has a whole one."""
    beside = f"{output}.{os.getpid()}"
    try:
        shutil.copyfile(made, beside)
        os.replace(beside, output)
    except OSError as error:
        raise BuildError(f"{output}: can't be written: {error.strerror}") from None

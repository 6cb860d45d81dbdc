"""Which of the author's modules a component is made of."""

import ast
import os
import shutil

#: More than this is no journey.
MODULES = 2_000


class Sources:
    """The modules that `path`, a file or the directory of a package, imports from the directories beside it.

    `entry` is the module's name, `files` the files by their path in the component.
    """

    def __init__(self, path):
        path = os.path.abspath(path)
        self.root, self.entry = _root(path)
        self._roots = list(dict.fromkeys([self.root, os.getcwd()]))
        self.files, self._left, self.problem = {}, [], None
        #: What they say, by the modules' names.
        self.trees = {}
        #: What would be part of it if it were there, and directories of which every module is.
        self.absent, self.directories = {}, []
        #: File, line and name of what is imported whatever happens.
        self.needed = []
        self._add(self.entry)
        if os.path.isdir(path):
            self._add_package(path)
        while self._left:
            name, file = self._left.pop()
            tree = self.trees[name] = self._parse(file)
            for imported in _imports(tree, file, name):
                self._add(imported)
            self.needed += [(file, node.lineno, top) for node in tree.body for top in _tops(node)]

    def _add(self, name):
        """A module and the packages around it; one that isn't the author's is left to Python."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            for root in self._roots:
                base = os.path.join(root, *parts[:end])
                file = next((file for file in (os.path.join(base, "__init__.py"), base + ".py") if self._is_file(file)), None)
                if file:
                    self._take(".".join(parts[:end]), file, os.path.relpath(file, root))
                    break

    def _is_file(self, file):
        if os.path.isfile(file):
            return True
        self.absent[file] = None
        return False

    def _add_package(self, directory):
        for folder, folders, files in os.walk(directory):
            self.directories.append(folder)
            folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
            for file in files:
                if file.endswith(".py"):
                    path = os.path.relpath(os.path.join(folder, file), self.root)
                    name = path.removesuffix(".py").removesuffix(os.sep + "__init__").replace(os.sep, ".")
                    self._take(name, os.path.join(folder, file), path)

    def _take(self, name, file, path):
        if path not in self.files and len(self.files) < MODULES:
            self.files[path] = file
            self._left.append((name, file))

    def _parse(self, file):
        try:
            with open(file, "rb") as source:
                return ast.parse(source.read(), file)
        except (SyntaxError, ValueError) as error:
            if self.problem is None:
                self.problem = file, error
            return ast.Module([], [])

    def has(self, name):
        """Whether a module is the author's, by the first part of its name."""
        return any(path.partition(os.sep)[0].removesuffix(".py") == name for path in self.files)

    def copy(self, directory):
        for path, file in self.files.items():
            target = os.path.join(directory, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(file, target)

    def shown(self, path):
        """A path in the component as the author knows it."""
        file = self.files.get(path)
        shown = os.path.relpath(file) if file else path
        return file if shown.startswith("..") else shown


def _root(path):
    """The directory that modules are named from, and the module's name."""
    directory, file = os.path.split(path.rstrip(os.sep))
    names = [file.removesuffix(".py")]
    while os.path.isfile(os.path.join(directory, "__init__.py")):
        directory, name = os.path.split(directory)
        names.insert(0, name)
    return directory, ".".join(names)


def _imports(tree, file, name):
    """The names of modules that a file imports, anywhere in it."""
    package = name if file.endswith("__init__.py") else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[:len(package.split(".")) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _tops(node):
    """The first parts of the names that a statement imports from elsewhere."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module.partition(".")[0]]
    return []

"""Write what follows from the declarations ``@public`` and ``@named`` in the source (``make api``).

    python tools/make_api.py           # write
    python tools/make_api.py --check   # say what is out of date, and exit with 1

It reads the source files without importing them, and writes ``names.py`` (which file defines
each public name), the stubs ``__init__.pyi`` for type checkers and editors, and the lists
between ``<!-- names: … -->`` and ``<!-- end -->`` in the documents, docs/numpy.md and
docs/coming_from.md.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import coming_from_page
import numpy_page

PACKAGE = "neural_network"
WIDTH = 100
DOCUMENTS = ("README.md", "docs/*.md")
DEFAULTS: dict[str, object] = {"top_level": True, "package": True, "also": ""}

Files = dict[str, list[str]]  # file → names


@dataclass
class Declaration:
    """A public or named definition."""

    file: str  # counted from the package: "functional.activations"
    name: str
    public: dict[str, object] | None = None  # the options of ``public``; None: not public
    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)  # kind → names


class DeclarationError(Exception):
    """Two definitions of one name, or a declaration that cannot be read."""


def declarations(source: Path) -> list[Declaration]:
    """Return the declarations in all files below ``source``, in the order of files and lines."""
    found = []
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        file = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        short: dict[str, ast.expr] = {}  # _public = public(top_level=False)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Call(func=ast.Name(id="public"), args=[]) as mark,
                ):
                    short[name] = mark
                case _:
                    declaration = _declaration(file, node, short)
                    if declaration.public is not None or declaration.tables:
                        found.append(declaration)
    return found


def _declaration(file: str, node: ast.stmt, short: Mapping[str, ast.expr]) -> Declaration:
    """Return what a statement declares."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            marks = node.decorator_list
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            marks = list(_applied(value))
        case _:
            name, marks = "", []
    declaration = Declaration(file, name)
    for written in marks:
        mark = short.get(written.id, written) if isinstance(written, ast.Name) else written
        match mark:
            case ast.Name(id="public"):
                declaration.public = {}
            case ast.Call(func=ast.Name(id="public")):
                declaration.public = {
                    option.arg or "": ast.literal_eval(option.value) for option in mark.keywords
                }
            case ast.Call(func=ast.Name(id="named")):
                kind, *names = (ast.literal_eval(argument) for argument in mark.args)
                declaration.tables[kind] = tuple(names) or (name,)
    return declaration


def _applied(value: ast.expr) -> Iterator[ast.expr]:
    """Yield ``public``, then ``named("x")``, of the expression ``public(named("x")(thing))``."""
    while isinstance(value, ast.Call) and len(value.args) == 1 and not value.keywords:
        yield value.func
        value = value.args[0]


def lazy_packages(source: Path) -> list[str]:
    """Return the packages whose names come from ``attach``, counted from ours."""
    files = sorted(source.rglob("__init__.py"))
    attached = [path.parent for path in files if "attach(__name__)" in path.read_text("utf-8")]
    return [".".join(folder.relative_to(source).parts) for folder in attached]


def public_names(source: Path) -> dict[str, Files]:
    """Return package → file → public names.

    Raises:
        DeclarationError: a name is taken, by another definition or by a file beside.
    """
    packages = lazy_packages(source)
    table: dict[str, Files] = {package: {} for package in packages}
    owners: dict[tuple[str, str], str] = {}
    for declaration in declarations(source):
        if declaration.public is None:
            continue
        options = {**DEFAULTS, **declaration.public}
        inside = [p for p in packages if p and f"{declaration.file}.".startswith(f"{p}.")]
        places = [*([""] if options["top_level"] else []), *(inside if options["package"] else [])]
        for package in places + ([str(options["also"])] if options["also"] else []):
            owner = owners.setdefault((package, declaration.name), declaration.file)
            folder = source.joinpath(*package.split("."))
            beside = {path.stem for path in folder.iterdir()} - {"__init__"}
            taken = f"by {PACKAGE}.{owner}" if owner != declaration.file else ""
            taken = "by a file beside it" if declaration.name in beside else taken
            if taken:
                here = f"{PACKAGE}.{declaration.file}"
                raise DeclarationError(f"{here}: the name {declaration.name!r} is taken {taken}")
            table[package].setdefault(declaration.file, []).append(declaration.name)
    return table


def named(source: Path) -> dict[str, Files]:
    """Return kind → file → names, written ``name`` or ``name=definition``.

    Raises:
        DeclarationError: two definitions of one kind have the same name.
    """
    table: dict[str, Files] = {}
    for declaration in declarations(source):
        for kind, names in declaration.tables.items():
            for name in names:
                taken = {e.split("=")[0] for es in table.get(kind, {}).values() for e in es}
                if name in taken:
                    raise DeclarationError(f"{declaration.file}: two of {kind} named {name!r}")
                entry = name if name == declaration.name else f"{name}={declaration.name}"
                table.setdefault(kind, {}).setdefault(declaration.file, []).append(entry)
    return dict(sorted(table.items()))


# --- the files that are written -------------------------------------------------------------


def table_file(source: Path, tables: Mapping[str, Files]) -> str:
    """Return ``names.py``."""
    everywhere: Files = {}
    packages_only: Files = {}
    top_level_only: Files = {}
    also: dict[str, dict[str, str]] = {}
    for declaration in declarations(source):
        if declaration.public is None:
            continue
        options = {**DEFAULTS, **declaration.public}
        kept = packages_only if not options["top_level"] else everywhere
        kept = kept if options["package"] else top_level_only
        kept.setdefault(declaration.file, []).append(declaration.name)
        if options["also"]:
            also.setdefault(str(options["also"]), {})[declaration.name] = declaration.file
    return f'''"""Which file defines each public name; written by ``make api``, not by hand."""

# fmt: off

# File → its names that are attributes of the package and of each package the file lies in.
PUBLIC = {{
{_rows(everywhere, 4)}}}
# Those that are not attributes of the package itself.
PACKAGES_ONLY = {{
{_rows(packages_only, 4)}}}
# Those that are attributes of nothing else.
TOP_LEVEL_ONLY = {{
{_rows(top_level_only, 4)}}}
# Package → names that it has from elsewhere → their files.
ALSO: dict[str, dict[str, str]] = {also!r}

# Kind → file → names by which its definitions can be chosen.
NAMED: dict[str, dict[str, str]] = {{
{_nested(tables)}}}
'''


def _nested(tables: Mapping[str, Files]) -> str:
    return "".join(f'    "{key}": {{\n{_rows(files, 8)}    }},\n' for key, files in tables.items())


def _rows(files: Files, indent: int) -> str:
    space = " " * indent
    lines = []
    for file, names in sorted(files.items()):
        line = f'{space}"{file}": "{" ".join(names)}",\n'
        if len(line) > WIDTH:
            line = f'{space}"{file}": (\n{_wrapped(names, indent + 4)}{space}),\n'
        lines.append(line)
    return "".join(lines)


def _wrapped(words: list[str], indent: int) -> str:
    """Return words as string literals, of which each is one line."""
    space = " " * indent
    parts = textwrap.wrap(" ".join(words), WIDTH - indent - 4)
    ends = [" "] * (len(parts) - 1) + [""]
    return "".join(f'{space}"{part}{end}"\n' for part, end in zip(parts, ends, strict=True))


def stub(package: str, files: Files, public: Mapping[str, Files]) -> str:
    """Return the stub of one package: an import of each public name."""
    text = '"""What type checkers and editors see of the package; written by ``make api``."""\n\n'
    if not package:
        text += _import(
            PACKAGE, list({file.split(".")[0] for of in public.values() for file in of})
        )
    for file, names in sorted(files.items()):
        text += _import(f"{PACKAGE}.{file}", names)
    return text + ("" if package else "\n__version__: str\n")


def _import(module: str, names: list[str]) -> str:
    """Return an import statement as Ruff orders and wraps it."""
    names = sorted(names, key=_isort_key)
    line = f"from {module} import {', '.join(f'{name} as {name}' for name in names)}\n"
    if len(line) <= WIDTH + 1:
        return line
    lines = "".join(f"    {name} as {name},\n" for name in names)
    return f"from {module} import (\n{lines})\n"


def _isort_key(name: str) -> tuple[int, str]:
    """Constants before classes before functions."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, name.lower()


def document(text: str, public: Mapping[str, Files], tables: Mapping[str, Files]) -> str:
    """Return a document with its lists written anew; each name is listed once."""
    seen: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        names: set[str] = set()
        for selector in match["selectors"].split():
            names |= set(_selected(selector, public, tables))
        listed = ", ".join(f"`{name}`" for name in sorted(names - seen, key=str.lower))
        seen.update(names)
        return f"<!-- names: {match['selectors']} -->{listed}<!-- end -->"

    pattern = r"<!-- names: (?P<selectors>[\w. :]+?) -->.*?<!-- end -->"
    return re.sub(pattern, replaced, text, flags=re.DOTALL)


def _selected(
    selector: str,
    public: Mapping[str, Files],
    tables: Mapping[str, Files],
) -> list[str]:
    """Return the names that a selector means.

    "named:loss": all of a kind. "functional.filters": those of a file or folder that are
    attributes of the package itself; "visual:visual.saving": of the package ``visual``.
    """
    package, _, place = selector.rpartition(":")
    if package == "named":
        return [e.split("=")[0] for entries in tables[place].values() for e in entries]
    found = [
        name
        for file, names in sorted(public[package].items())
        if f"{file}.".startswith(f"{place}.")
        for name in names
    ]
    if not found:
        raise DeclarationError(f"no public name for <!-- names: {selector} -->")
    return found


def contents(root: Path) -> dict[Path, str]:
    """Return each file that is generated, or holds generated lists → its right content."""
    source = root / "src" / PACKAGE
    public, tables = public_names(source), named(source)
    files = {source / "names.py": table_file(source, tables)}
    for package, of_files in public.items():
        files[source.joinpath(*package.split("."), "__init__.pyi")] = stub(
            package, of_files, public
        )
    for path in sorted(path for pattern in DOCUMENTS for path in root.glob(pattern)):
        files[path] = document(path.read_text(encoding="utf-8"), public, tables)
    files[root / "docs" / "numpy.md"] = numpy_page.page(root)
    files[root / "docs" / "coming_from.md"] = coming_from_page.page(root)
    return files


def main() -> None:
    """Write the files, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    options = parser.parse_args()
    try:
        files = contents(options.root)
    except DeclarationError as error:
        sys.exit(str(error))
    stale = [
        path
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    names = ", ".join(str(path.relative_to(options.root)) for path in stale)
    if options.check and stale:
        sys.exit(f"out of date: {names}; run `make api`")
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
    print(f"wrote {names}" if stale else "everything is up to date")


if __name__ == "__main__":
    main()

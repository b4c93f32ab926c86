"""Print a constraints file that pins every dependency of the tests to its lower bound."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
names = ("plot", "data", "cli", "fast", "keras", "sklearn", "onnx", "dask")
for requirement in project["dependencies"] + [r for name in names for r in extras[name]]:
    if match := re.fullmatch(r"([\w-]+)(?:\[.*\])?>=([\w.]+)(?:;.*)?", requirement):
        print(f"{match[1]}=={match[2]}")

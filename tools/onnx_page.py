"""Write the table of operators into docs/onnx.md.

    python tools/onnx_page.py

A test fails while it is out of date.
"""

from __future__ import annotations

import re
from pathlib import Path

from neural_network.interop.onnx.table import Operator, operators

PAGE = Path(__file__).parent.parent / "docs" / "onnx.md"
# Of version 1, about memory.
NOT_SHOWN = {"consumed_inputs"}


def table() -> str:
    """Return the table in Markdown, a row an operator."""
    rows = operators()
    lines = [
        f"{len(rows)} operators.",
        "",
        "| operator | inputs | attributes | written for |",
        "| --- | --- | --- | --- |",
        *[_line(rows[name]) for name in sorted(rows)],
    ]
    return "\n".join(lines)


def _line(row: Operator) -> str:
    inputs = [name if at < row.required else f"[{name}]" for at, name in enumerate(row.inputs)] + [
        "…"
    ] * row.variadic
    own = [name for name in row.attributes if name not in {*row.inputs, *NOT_SHOWN}]
    cells = (row.name, ", ".join(inputs), ", ".join(sorted(own)), ", ".join(row.exports))
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def page(text: str) -> str:
    """Return the page with its table as it is now."""
    marks = re.compile(r"(?<=<!-- operators -->\n).*(?=<!-- end -->)", re.DOTALL)
    return marks.sub(lambda _: table() + "\n", text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")

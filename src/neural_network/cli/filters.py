"""``neural-network filters``: the named filters."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column, Table

from neural_network.functional.filters import FILTERS


def filters() -> None:
    """List the named filters, with their numbers and what they show."""
    numbers_column = Column("numbers", no_wrap=True)
    table = Table("name", numbers_column, "shows", title="Filters", show_lines=True)
    for name, (values, shows) in FILTERS.items():
        numbers = "\n".join(" ".join(f"{number:>6.3g}" for number in row) for row in values)
        table.add_row(name, numbers, shows)
    Console().print(table)

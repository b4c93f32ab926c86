"""``neural-network filters``: the named filters."""

from __future__ import annotations

from neural_network.cli.output import Report
from neural_network.functional.filters import FILTERS


def filters() -> None:
    """List the named filters, with their numbers and what they show."""
    rows = []
    for name, (values, shows) in FILTERS.items():
        for place, row in enumerate(values):
            numbers = " ".join(f"{number:>6.3g}" for number in row)
            rows.append([name, numbers, shows] if place == 0 else ["", numbers, ""])
    Report().table("Filters", ["name", "numbers", "shows"], rows)

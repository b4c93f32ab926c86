"""What explanations share: text, a figure, and both in a notebook."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

from neural_network.elsewhere.surface import Answering
from neural_network.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Explanation(Answering):
    """Prints as text; ``draw`` makes a figure; a notebook shows both."""

    def draw(self, ax: Any = None, title: str | None = None, cmap: Any = None) -> Figure:
        """Draw the explanation; subclasses say how."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The text."""
        return str(self)

    @property
    def figure(self) -> Figure:
        """A new figure, as ``draw()`` makes it."""
        return self.draw()

    def __repr__(self) -> str:
        """Show the text."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the text, and the picture where it can be drawn."""
        text = f"<pre>{html.escape(str(self))}</pre>"
        try:
            figure: Any = self.draw()
        except MissingDependencyError:
            return text
        picture = base64.b64encode(figure._repr_png_()).decode()
        return f'{text}<img src="data:image/png;base64,{picture}" style="max-width: 100%">'

"""The parameters and buffers of a layer and all inside, and whether all exist yet."""

from __future__ import annotations

import sys

from neural_network.errors import ArgumentError, give_hint, is_own, sentence
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.layers.places import place_name
from neural_network.layers.structure import Structure


class HasParameters(Structure):
    """A structure that lists its parameters and buffers."""

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Return (name, parameter) of all layers, frozen ones too; a shared one once.

        Raises:
            ArgumentError: two that have one name, such as ``{1: …, "1": …}`` gives.
        """
        return list(self._look().parameters)

    def named_buffers(self) -> list[tuple[str, Buffer]]:
        """Return (name, buffer) of all layers: what is kept but not learned."""
        return list(self._look().buffers)

    def parameters(self) -> list[Parameter]:
        """Return the parameters of all layers.

        Warns:
            TrainingHint: a layer inside has no sizes yet, and so no parameters.
        """
        self._hint_of_unbuilt()
        return [parameter for _, parameter in self._look().parameters]

    def _check_built(self, function: str, *, by_itself: bool = True) -> None:
        """Raise ArgumentError where a layer has no parameters yet.

        Args:
            function: the caller's name, for errors.
            by_itself: whether a layer counts that makes none in ``build`` itself.
        """
        unbuilt = self._unbuilt(by_itself=by_itself)
        if unbuilt is not None:
            expected = "a model that is built (initialize(shape), or a first call)"
            received = f"{unbuilt} without sizes{self._kept()}"
            raise ArgumentError(sentence(function, "model", expected, received))

    def _kept(self) -> str:
        """Return in words that the parameters which there are stay as they are."""
        count = len(self._look().parameters)
        return f"; the {count} parameters that there are keep their numbers" if count else ""

    def _unbuilt(self, *, by_itself: bool) -> str | None:
        """Return the place of the first layer that has no parameters yet, in words."""
        for name, layer in zip(self._look().names, (self, *self._look().below), strict=True):
            if layer._built_for is None and (by_itself or layer._builds()):
                return place_name(self, name) if name else "the model"
        return None

    def _hint_of_unbuilt(self) -> None:
        """Warn a program that would freeze, count or train what does not exist yet."""
        if is_own(sys._getframe(2).f_globals.get("__name__", "")):
            return
        unbuilt = self._unbuilt(by_itself=False)
        if unbuilt is not None:
            give_hint(
                f"parameters: {unbuilt} has no sizes, and so no parameters yet: what is done with "
                "these does not reach it; call initialize(shape) first, such as "
                "model.initialize(X.shape[1:])"
            )

    def _builds(self) -> bool:
        return True

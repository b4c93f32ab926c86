"""What the figures hold: titles, numbers and one colour scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network.visual import draw_feature_maps, save_figure, show_feature_maps, show_history

IMAGE = np.random.default_rng(0).random((9, 9))


def panels(figure: Any) -> dict[str, Any]:
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def test_signed_maps_share_a_scale_centred_at_zero() -> None:
    figure = show_feature_maps(IMAGE, ["horizontal", "vertical", "mean"], title="noise")
    found = panels(figure)
    assert list(found) == ["noise\n9×9", "horizontal\n7×7", "vertical\n7×7", "mean\n7×7"]
    drawn = [axes.images[0] for axes in list(found.values())[1:]]
    largest = max(np.abs(image.get_array()).max() for image in drawn)
    assert {image.get_clim() for image in drawn} == {(-largest, largest)}
    assert {image.get_cmap().name for image in drawn} == {"RdBu_r"}  # red above 0, blue below
    assert sum(axes.get_ylabel() == "map value" for axes in figure.axes) == 1
    np.testing.assert_array_equal(
        drawn[0].get_array(), nn.conv2d(IMAGE, nn.named_filter("horizontal"))
    )


def test_maps_without_negatives_are_grey_from_zero() -> None:
    figure = show_feature_maps(IMAGE, "mean", stride=2, padding="same")
    image = panels(figure)["mean\n5×5"].images[0]
    assert image.get_cmap().name == "gray"
    assert image.get_clim() == (0, image.get_array().max())
    picture = panels(figure)["Input\n9×9"].images[0]
    assert picture.get_clim() == (0, IMAGE.max())


def test_each_filter_stands_below_its_map_with_its_numbers() -> None:
    kernels = {"a": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "b": np.array([[7.0, -8.5]])}
    figure = show_feature_maps(IMAGE, kernels)
    figure.draw_without_rendering()
    found = panels(figure)
    drawn = [axes for axes in figure.axes if not axes.get_title() and axes.images]
    for name, kernel in kernels.items():
        (above,) = [axes for title, axes in found.items() if title.startswith(f"{name}\n")]
        centre = lambda axes: axes.get_position().x0 + axes.get_position().width / 2  # noqa: E731
        below = min(drawn, key=lambda axes: abs(centre(axes) - centre(above)))
        np.testing.assert_array_equal(below.images[0].get_array(), kernel)
        assert below.get_position().y1 <= above.get_position().y0
        texts = {tuple(text.get_position()): text.get_text() for text in below.texts}
        assert texts == {(c, r): f"{v:.3g}" for (r, c), v in np.ndenumerate(kernel)}


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (np.ones((2, 2)), ["filter 0"]),
        ([[1, 2], [3, 4]], ["filter 0"]),
        (np.ones((3, 2, 2)), ["filter 0", "filter 1", "filter 2"]),
        (["mean", np.ones((2, 3))], ["mean", "filter 1"]),
        ({"a": np.ones((9, 9))}, ["a"]),
        ([f"{name}" for name in nn.FILTERS], list(nn.FILTERS)),
    ],
)
def test_every_form_of_filters(filters: Any, titles: list[str]) -> None:
    found = list(panels(show_feature_maps(IMAGE, filters)))[1:]
    assert [title.split("\n")[0] for title in found] == titles


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_odd_numbers_can_be_drawn(value: float, tmp_path: Path) -> None:
    figure = show_feature_maps(np.full((5, 5), value), "mean")
    save_figure(figure, tmp_path / "a.png")
    assert panels(figure)["mean\n3×3"].images[0].get_clim() == (0, 1)


def test_flip_is_handed_on() -> None:
    figure = show_feature_maps(IMAGE, {"v": nn.named_filter("vertical")}, flip=True)
    expected = -nn.conv2d(IMAGE, nn.named_filter("vertical"))
    np.testing.assert_allclose(panels(figure)["v\n7×7"].images[0].get_array(), expected)


def test_maps_must_match_their_filters() -> None:
    with pytest.raises(
        nn.ShapeError, match=r"draw_feature_maps: maps: expected the titles \['a'\]"
    ):
        draw_feature_maps(IMAGE, {"a": IMAGE}, {"b": IMAGE})


def test_history() -> None:
    figure = show_history([3, 2, 1])
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [3, 2, 1]
    with pytest.raises(nn.ShapeError, match="show_history: history: expected at least one epoch"):
        show_history({"loss": [1], "accuracy": []})


def test_a_measure_and_its_validation_share_a_panel() -> None:
    figure = show_history({"loss": [3, 2], "validation_loss": [4, 5], "validation_auc": [0.1, 0.2]})
    loss, auc = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[3, 2], [4, 5]]
    legend = figure.legends[0].get_texts()
    assert [text.get_text() for text in legend] == ["training", "validation"]
    assert auc.get_ylabel() == "validation_auc"
    assert len(auc.lines) == 1


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "JPG"])
def test_save_figure(tmp_path: Path, ending: str) -> None:
    path = save_figure(show_history([1]), tmp_path / f"a.{ending}")
    assert path.stat().st_size > 500
    assert list(tmp_path.iterdir()) == [path]


def test_dpi_is_the_size(tmp_path: Path) -> None:
    sizes = []
    for dpi in (50, 100):
        with Image.open(save_figure(show_history([1]), tmp_path / "a.png", dpi=dpi)) as picture:
            sizes.append(picture.width)
    assert sizes[1] == pytest.approx(2 * sizes[0], abs=2)


@pytest.mark.parametrize("name", ["a.xyz", "a", ".png", "a.pgf", "a.raw"])
def test_unknown_endings(tmp_path: Path, name: str) -> None:
    with pytest.raises(nn.ArgumentError, match=r"save_figure: path: expected an ending of .*\.png"):
        save_figure(show_history([1]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(nn.MissingDependencyError, match=r"neural-network-numpy\[plot\]"):
        show_history([1])
    with pytest.raises(nn.MissingDependencyError, match=r"neural-network-numpy\[plot\]"):
        show_feature_maps(IMAGE)

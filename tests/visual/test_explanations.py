"""Explanations as text and numbers, animations, and the set of slides."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network import visual
from neural_network.functional.window import Window
from neural_network.visual import inputs
from neural_network.visual.figures import ink_on
from tests.visual.pictures_models import (
    COLOUR,
    COLOURS,
    GREY,
    GREYS,
    LABELS,
    MODELS,
    colour_model,
    grey_model,
    images_in,
    state_of,
    texts_in,
)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), ((1, 3), "same")])
def test_every_output_is_the_sum_of_its_products(stride: Any, padding: Any, flip: bool) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2))
    image = COLOUR.astype(float)
    expected = nn.conv2d(image, kernel[None], stride, padding, flip=flip)[0]
    found = [
        [nn.explain_conv2d(image, kernel, i, j, stride=stride, padding=padding, flip=flip).value
         for j in range(expected.shape[1])] for i in range(expected.shape[0])
    ]  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-12)
    last = nn.explain_conv2d(image, kernel, -1, -1, stride=stride, padding=padding, flip=flip)
    assert last.value == found[-1][-1]
    np.testing.assert_array_equal(last.filter, kernel[:, ::-1, ::-1] if flip else kernel)
    np.testing.assert_allclose(last.products, last.window * last.filter)


def test_the_text_and_the_picture_of_one_number() -> None:
    found = nn.explain_conv2d([[1, 2, 3], [4, 5, 6], [7, 8, 9]], "vertical", 0, 0)
    assert str(found) == repr(found) == found.text
    assert "sum -1 + 0 + 3 - 4 + 0 + 6 - 7 + 0 + 9 = 6" in str(found)
    image, window, kernel, products = found.draw().axes[:4]
    assert [a.get_title() for a in (image, window, kernel, products)] == [
        "image", "window", "× filter", "= products, sum 6",
    ]  # fmt: skip
    assert texts_in(products) == ["-1", "0", "3", "-4", "0", "6", "-7", "0", "9"]
    np.testing.assert_array_equal(images_in(kernel)[0], nn.named_filter("vertical"))
    frame = image.patches[0]
    assert (frame.get_xy(), frame.get_width()) == ((-0.5, -0.5), 3)
    padded = nn.explain_conv2d(np.ones((4, 4)), np.ones((3, 3)), 0, 1, padding=1)
    assert padded.draw().axes[0].patches[0].get_xy() == (-0.5, -1.5)
    assert padded._repr_html_().startswith("<pre>output[0, 1]")


def test_a_model_is_explained_layer_by_layer() -> None:
    for make, image in MODELS:
        model, before = make(), state_of(make())
        found = nn.explain(model, image, class_names=["cat", "dog", "owl"][: model[-1].units])
        X = image[None]
        assert [step.name for step in found.steps] == [str(n) for n in range(len(model))]
        for step in found.steps:
            np.testing.assert_allclose(step.input, X, atol=1e-6)
            X = step.layer.predict(X)
            np.testing.assert_allclose(step.output, X, atol=1e-6)
        shares = nn.softmax(X)[0]
        assert [n for _, n in found.answer] == pytest.approx(sorted(shares, reverse=True))
        text = str(found).split("\n")
        assert text[3].split()[:3] == [
            "0",
            "Conv2D",
            "x".join(map(str, found.steps[0].output.shape[1:])),
        ]
        best = ["cat", "dog", "owl"][shares.argmax()]
        assert text[-1].startswith(f"answer: {best}: {shares.max():.1%}")
        assert found.draw().get_suptitle() == found.sentence
        for was, now in zip(before, state_of(model), strict=True):
            np.testing.assert_array_equal(was, now)


def test_text_needs_no_matplotlib(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for found in (
        nn.explain_conv2d(GREY, "edges", 0, 0),
        nn.explain(grey_model(), GREY),
        nn.explain_gradient(lambda x: x * x, 2.0),
    ):
        assert str(found)
        assert found._repr_html_().endswith("</pre>")
        with pytest.raises(nn.MissingDependencyError, match="pip install"):
            found.draw()


def test_the_animation_fills_the_map(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    animation = visual.animate_convolution(GREY[0], "vertical", frames=5, path=path)
    expected = nn.conv2d(GREY[0].astype(float), nn.named_filter("vertical"))
    animation._func(2)
    image, window, kernel, products, result = animation.figure.axes[:5]
    np.testing.assert_array_equal(images_in(window)[0], GREY[0, 3:6, 3:6])
    np.testing.assert_array_equal(images_in(kernel)[0], nn.named_filter("vertical"))
    for axes in (window, kernel, products):  # black on pale cells, white on dark ones
        picture = axes.images[0]
        for text, value in zip(axes.texts, picture.get_array().ravel(), strict=True):
            assert text.get_color() == ink_on(picture, value)
    shown = images_in(result)[0]
    assert np.isfinite(shown).sum() == 25
    np.testing.assert_allclose(shown.ravel()[:25], expected.ravel()[:25])
    assert products.get_title() == f"= products\nsum {expected[3, 3]:.4g}"
    assert image.patches[0].get_xy() == (2.5, 2.5)
    assert images_in(products)[0].sum() == pytest.approx(expected[3, 3])
    animation._func(4)
    np.testing.assert_allclose(images_in(result)[0], expected)
    with Image.open(path) as gif:
        assert (gif.format, gif.n_frames) == ("GIF", 5)
    assert list(tmp_path.iterdir()) == [path]


def test_the_animation_of_a_training(tmp_path: Path) -> None:
    animation = visual.animate_training({"loss": [3, 2, 1], "validation_loss": [4, 3, 5]}, fps=4)
    animation._func(1)
    axes = animation.figure.axes[0]
    assert [line.get_ydata().tolist() for line in axes.lines] == [[3, 2], [4, 3]]
    assert axes.get_title() == "epoch 2 of 3"
    assert visual.save_figure(animation, tmp_path / "b.gif", dpi=30).exists()
    assert "<img" in animation._repr_html_()
    weights = [colour_model()[0].weight.data * n for n in (1, 2)]
    animation = visual.animate_training(weights)
    animation._func(0)
    assert images_in(animation.figure.axes[0])[0][0, 0] == weights[0][0, 0, 0, 0]


@pytest.fixture(scope="module")
def small() -> nn.Sequential:
    model = nn.Sequential(nn.Conv2D(2, 3, activation="relu"), nn.GlobalAvgPool2D(), nn.Dense(2))
    return model.initialize((3, 9, 9), rng=0)


@pytest.mark.slow
def test_slides_are_written_by_one_call(small: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(visual.teaching, "FRAMES", 2)
    monkeypatch.setattr(visual.teaching, "SLIDE", (240, 135))
    folder, before = tmp_path / "lecture", state_of(small)
    found = visual.slides(small, COLOURS, LABELS % 2, folder, history={"loss": [2.0, 1.0]})
    assert [path.name for path in found] == [
        "01_data.png", "02_model.png", "03_filters.png", "04_one_number.png", "05_convolution.gif",
        "06_flip.png", "07_activations.png", "08_saliency.png", "09_grad_cam.png",
        "10_occlusion.png", "11_confusion_matrix.png", "12_mistakes.png", "13_histograms.png",
        "14_history.png", "slides.md",
    ]  # fmt: skip
    assert sorted(folder.iterdir()) == sorted(found)
    assert list(tmp_path.iterdir()) == [folder]
    page = found[-1].read_text("utf-8")
    right = np.mean(small.predict(COLOURS).argmax(axis=1) == LABELS % 2)
    heading = f"# 12 pictures of 2 classes, and a network that answers {right:.1%} of them rightly"
    assert page.partition("\n")[0] == heading
    assert all(f"]({path.name})" in page for path in found[:-1])
    for was, now in zip(before, state_of(small), strict=True):
        np.testing.assert_array_equal(was, now)
    # Again: its own slides are replaced, but nothing that somebody else wrote.
    again = visual.slides(small, COLOURS, LABELS % 2, folder)
    assert sorted(folder.iterdir()) == sorted(again)
    assert len(again) == len(found) - 1  # no history
    assert list(tmp_path.iterdir()) == [folder]
    page = again[-1].read_text("utf-8")

    def refused() -> None:
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(
            FileExistsError, match="slides: path: expected a folder that does not"
        ) as e:
            visual.slides(small, COLOURS, LABELS % 2, folder)
        assert isinstance(e.value, nn.ArgumentError)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before

    again[-1].write_text(page + "My own words.\n", "utf-8")
    refused()
    again[-1].write_text(page, "utf-8")
    (folder / "notes.txt").write_text("mine", "utf-8")
    refused()
    (folder / "notes.txt").unlink()
    again[-1].unlink()
    refused()


def test_slides_that_fail_leave_nothing(small: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(visual.teaching, "show_graph", broken)
    with pytest.raises(nn.FileWriteError, match="No space left"):
        visual.slides(small, COLOURS, LABELS % 2, tmp_path / "lecture")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(nn.FileWriteError, match="cannot write xxx.*File name too long"):
        visual.slides(small, COLOURS, LABELS % 2, "x" * 10_000)


def test_work_of_more_than_a_second_shows_its_progress(monkeypatch: Any, capsys: Any) -> None:
    clock = iter(np.arange(0, 100, 0.6))
    monkeypatch.setattr(inputs, "perf_counter", lambda: next(clock))
    assert list(inputs.noted("work", range(4))) == [0, 1, 2, 3]
    done = capsys.readouterr()
    assert (done.out, done.err) == ("", "work: 1 of 4\nwork: 4 of 4\n")
    monkeypatch.setattr(inputs, "perf_counter", lambda: 0.0)
    list(inputs.noted("work", range(4)))
    assert capsys.readouterr().err == ""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(inputs, "perf_counter", lambda: next(clock))
    list(inputs.noted("work", range(3)))
    assert sys.stderr.getvalue() == "\rwork: 1 of 3\rwork: 2 of 3\rwork: 3 of 3\n"


@pytest.mark.parametrize(
    ("call", "kind", "match"),
    [
        (lambda: nn.explain_conv2d(GREY, "edges", 7, 0), IndexError, "explain_conv2d: i: expected a place from -7 to 6"),
        (lambda: nn.explain_conv2d(GREY, "edges", 0, -8), IndexError, "explain_conv2d: j: expected a place from -7 to 6"),
        (lambda: nn.explain_conv2d(GREY, "edges", 0.5, 0), TypeError, "explain_conv2d: i: expected a whole number"),
        (lambda: nn.explain_conv2d(GREYS, "edges", 0, 0), ValueError, "explain_conv2d: image: expected 2 or 3 dimensions"),
        (lambda: nn.explain_conv2d(COLOUR, np.ones((2, 3, 3)), 0, 0), ValueError, "explain_conv2d: filter: expected 3 channels"),
        (lambda: nn.explain_conv2d(np.ones((50, 9, 9)), "edges", 0, 0), ValueError, r"image: expected an image \(H, W\), or a filter \(50, fh, fw\), .*image\[0\] is one"),
        (lambda: nn.explain_conv2d(np.ones((9, 9, 3)), "edges", 3, 3), ValueError, r"image.transpose\(2, 0, 1\) puts the channels first"),
        (lambda: nn.explain_conv2d(np.ones((9, 9, 3)), np.ones((3, 3, 3)), 3, 3), ValueError, r"image.transpose\(2, 0, 1\) puts the channels first"),
        (lambda: nn.explain_conv2d(GREY, np.ones((10, 3)), 0, 0), ValueError, "explain_conv2d"),
        (lambda: nn.explain_conv2d(GREY, "edges", 0, 0, stride=0), ValueError, "explain_conv2d: stride"),
        (lambda: nn.explain(nn.Dense(2), GREY), ValueError, "explain: model: expected a model that is built"),
        (lambda: nn.explain(grey_model(), COLOUR), ValueError, "explain: image: expected shape"),
        (lambda: nn.explain(grey_model(), GREY, class_names=["a"]), ValueError, "explain: class_names: expected 3 names"),
        (lambda: nn.explain_gradient(3, 1.0), TypeError, "explain_gradient: f: expected a function"),
        (lambda: nn.explain_gradient(lambda x: x * 2, np.ones(3)), ValueError, r"explain_gradient: f: expected a single number .*np.sum"),
        (lambda: nn.explain_gradient(lambda x: 3.0, 1.0), RuntimeError, "explain_gradient: f: expected a number computed from its argument"),
        (lambda: nn.explain_gradient(lambda x: "a", 1.0), TypeError, "explain_gradient: f: expected"),
        (lambda: nn.explain_gradient(np.sum, "a"), TypeError, "explain_gradient: a: expected real numbers"),
        (lambda: nn.no_grad()(nn.explain_gradient)(np.sum, 1.0), RuntimeError, "explain_gradient: expected a call outside no_grad"),
        (lambda: visual.animate_convolution(GREY, frames=0), ValueError, "animate_convolution: frames: expected"),
        (lambda: visual.animate_convolution(GREY, fps=0), ValueError, "animate_convolution: fps: expected a finite number from 0.01 to 1000"),
        (lambda: visual.animate_convolution(GREY, frames=1, path="a.mp4"), ValueError, "save_figure: path: expected an ending of .gif"),
        (lambda: visual.animate_convolution(GREY, frames=1).save(3), TypeError, "animate_convolution: filename: expected the path"),
        (lambda: visual.animate_convolution(GREY, frames=1).save("a.gif", 3), TypeError, "animate_convolution: writer: expected the name of a writer"),
        (lambda: visual.animate_training([]), ValueError, "animate_training: history: expected at least one epoch"),
        (lambda: visual.animate_training([np.ones((2, 2)), np.ones((3, 2))]), ValueError, "animate_training: history: expected arrays of one shape"),
        (lambda: visual.animate_training(np.ones((2, 0, 5, 5))), ValueError, r"animate_training: history\[0\]: expected at least one element"),
        (lambda: visual.animate_training(np.ones((0, 5, 5))), ValueError, "animate_training: history: expected at least one epoch"),
        (lambda: visual.animate_training("loss"), TypeError, "animate_training: history: expected numbers"),
        (lambda: visual.slides(grey_model(), GREYS, LABELS + 1, "new"), ValueError, "slides: labels: expected class numbers"),
        (lambda: visual.slides(grey_model(), COLOURS, LABELS, "new"), ValueError, "slides: images: expected shape"),
        (lambda: visual.slides(nn.Dense(2), GREYS, LABELS, "new"), ValueError, "slides: model: expected a model that is built"),
        (lambda: visual.slides(grey_model(), GREYS, LABELS, __file__), FileExistsError, "slides: path: expected a folder"),
        (lambda: visual.slides(grey_model(), GREYS, LABELS, 3), TypeError, "slides: path: expected the path"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, kind: Any, match: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=match) as caught:
        call()
    assert isinstance(caught.value, nn.NeuralNetworkError)
    assert len(str(caught.value)) <= 500
    assert list(tmp_path.iterdir()) == []


def test_without_pillow_the_extra_is_named(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(nn.MissingDependencyError, match=r"PIL.*neural-network-numpy\[plot\]"):
        visual.animate_convolution(GREY, frames=1)


@pytest.mark.parametrize("kernel", [
    "edges", np.ones((3, 3)), np.random.default_rng(3).standard_normal((3, 3, 3)),
])  # fmt: skip
def test_the_text_names_the_call_whose_number_it_explains(kernel: Any) -> None:
    found = nn.explain_conv2d(COLOUR, kernel, 2, 3)
    call = re.match(r"output\[2, 3\] of (conv2d\(.*\)\[0\]): rows", str(found))
    assert call is not None
    values = {"conv2d": nn.conv2d, "np": np, "image": COLOUR}
    values["filter"] = nn.named_filter(kernel) if isinstance(kernel, str) else kernel
    np.testing.assert_allclose(found.value, eval(call[1], values)[2, 3])
    assert all(name in str(found) for name in ("red", "green", "blue"))
    assert str(found).endswith(f"= {found.value:.4g}")
    assert f"sum {found.value:.4g}" in found.draw().axes[3].get_title()


def test_many_channels_are_summed_up() -> None:
    found = nn.explain_conv2d(np.ones((64, 9, 9)), np.full((64, 3, 3), 0.5), 1, 1)
    assert len(str(found).splitlines()) < 50
    assert "56 more channels, whose products sum to 252" in str(found)
    assert str(found).endswith("sum of 576 products = 288")
    assert found.draw().get_figheight() < 20


@pytest.mark.parametrize("name", ["explain_conv2d", "animate_convolution"])
def test_a_padding_beyond_the_memory_is_a_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pad(*_: Any) -> Any:
        raise MemoryError("Unable to allocate 11.9 GiB")

    monkeypatch.setattr(Window, "pad", pad)
    function, places = getattr(visual, name, None) or getattr(nn, name), (1, 2)
    with pytest.raises(nn.ArgumentError, match="expected sizes that the memory is enough") as found:
        function(np.ones((6, 6)), "edges", *places[: 2 * (name == "explain_conv2d")], padding=9)
    assert isinstance(found.value, MemoryError)

"""What is said where a dataset, or the folder that should have it, is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import neural_network as nn
from neural_network.datasets import mnist, sources
from tests.datasets.test_datasets import NAMES, put, tiny


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: Any) -> None:
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))


def test_the_names_of_files_to_copy_are_never_cut(tmp_path: Path, monkeypatch: Any) -> None:
    """Without the extra ``data``, offline, in folders with long names."""
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path / ("long" * 40)))
    nowhere = mnist.FASHION_MNIST._replace(system_folders=())
    monkeypatch.setattr(mnist, "FASHION_MNIST", nowhere)
    for load in (nn.load_mnist, nn.load_fashion_mnist):
        with pytest.raises(nn.DatasetNotFoundError) as caught:
            load("train", "full")
        for text in (
            *(f"{name}.gz" for name in NAMES),
            "no such folder",
            "set NEURAL_NETWORK_DATA to ",
        ):
            assert text in str(caught.value)


def test_a_variable_that_names_no_folder_is_said(tmp_path: Path, monkeypatch: Any) -> None:
    put(sources.cache_folder(mnist.MNIST), tiny())
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path / "typo"))
    with pytest.warns(UserWarning, match=r"NEURAL_NETWORK_DATA: .*typo, which .*; .*mnist is read"):
        nn.load_mnist("train", "full")
    nn.load_mnist("train", "full", path=sources.cache_folder(mnist.MNIST))
    nn.load_mnist()

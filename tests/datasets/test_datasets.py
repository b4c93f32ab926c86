"""Where the digits come from: the shipped sample, folders, and a mirror that may lie."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import neural_network as nn
from neural_network.datasets import mnist, sources
from tests.datasets.test_idx import idx_bytes

NAMES = list(mnist.MNIST.digests)


def tiny(count: int = 3, labels: Any = (5, 0, 4)) -> dict[str, bytes]:
    """Four files of a dataset of three pictures."""
    pictures = np.arange(count * 784).reshape(count, 28, 28).astype("uint8")
    one = {"images": idx_bytes(pictures), "labels": idx_bytes(np.array(labels, "uint8"))}
    return {name: one["images" if "images" in name else "labels"] for name in NAMES}


def put(folder: Path, files: dict[str, bytes], ending: str = ".gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = gzip.compress(content) if ending == ".gz" else content
        (folder / f"{name}{ending}").write_bytes(data)
    return folder


# --- the sample ---------------------------------------------------------------


def test_the_sample() -> None:
    images, labels = nn.load_mnist()
    assert (images.shape, images.dtype, labels.shape, labels.dtype) == (
        (5000, 28, 28), "uint8", (5000,), "uint8",
    )  # fmt: skip
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert images[0].sum() == 27525
    assert images.max() == 255
    test_images, test_labels = nn.load_mnist("test")
    assert test_images.shape == (1000, 28, 28)
    assert test_labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_the_sample_is_the_beginning_of_the_whole() -> None:
    # No package brings it, so this one skips even where REQUIRE_ALL=1, and says why.
    folder = Path(os.environ.get("NEURAL_NETWORK_DATA", ""))
    if not os.environ.get("NEURAL_NETWORK_DATA") or not (folder / f"{NAMES[0]}.gz").exists():
        pytest.skip("the full MNIST is absent: NEURAL_NETWORK_DATA names no folder that has it")
    for split, size in [("train", 60000), ("test", 10000)]:
        images, labels = nn.load_mnist(split, "full")
        sample_images, sample_labels = nn.load_mnist(split)
        assert images.shape == (size, 28, 28)
        np.testing.assert_array_equal(images[: len(sample_images)], sample_images)
        np.testing.assert_array_equal(labels[: len(sample_labels)], sample_labels)
    for name, digest in mnist.MNIST.digests.items():
        content = gzip.decompress((folder / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == digest


def test_fashion_mnist_of_the_system(require: Any) -> None:
    require(mnist.FASHION_MNIST.system_folders[0].is_dir(), "Debian package dataset-fashion-mnist")
    images, labels = nn.load_fashion_mnist("test", "full")
    assert images.shape == (10000, 28, 28)
    assert labels[:5].tolist() == [9, 2, 1, 1, 6]
    assert nn.load_fashion_mnist("train")[0].shape == (5000, 28, 28)
    assert len(set(labels.tolist())) == 10
    assert len(nn.load_fashion_mnist("test")[0]) == 1000
    for name, digest in mnist.FASHION_MNIST.digests.items():
        content = gzip.decompress(
            (mnist.FASHION_MNIST.system_folders[0] / f"{name}.gz").read_bytes()
        )
        assert hashlib.sha256(content).hexdigest() == digest


# --- folders ------------------------------------------------------------------


def test_an_unreadable_folder_is_listed_and_passed_over(tmp_path: Path, monkeypatch: Any) -> None:
    is_file = Path.is_file

    def forbidden(self: Path) -> bool:
        if "locked" in self.parts:
            raise PermissionError(13, "Permission denied")
        return is_file(self)

    monkeypatch.setattr(Path, "is_file", forbidden)
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path / "locked"))
    put(sources.cache_folder(mnist.MNIST), tiny())
    assert nn.load_mnist("train", "full")[1].tolist() == [5, 0, 4]
    with pytest.raises(nn.DatasetNotFoundError, match="locked: Permission denied"):
        nn.load_mnist("train", "full", path=tmp_path / "locked")


@pytest.mark.parametrize("ending", [".gz", ""])
def test_full_from_a_path(tmp_path: Path, ending: str) -> None:
    folder = put(tmp_path / "data", tiny(), ending)
    images, labels = nn.load_mnist("test", "full", path=folder)
    assert images.shape == (3, 28, 28)
    assert labels.tolist() == [5, 0, 4]


@pytest.mark.parametrize("ending", [".gz", ""])
def test_full_with_dotted_names(tmp_path: Path, ending: str) -> None:
    files = {name.replace("-idx", ".idx"): content for name, content in tiny().items()}
    folder = put(tmp_path / "data", files, ending)
    assert nn.load_mnist("train", "full", path=str(folder))[1].tolist() == [5, 0, 4]


def test_the_order_of_places(tmp_path: Path, monkeypatch: Any) -> None:
    cache = sources.cache_folder(mnist.MNIST)
    places = [tmp_path / "path", tmp_path / "variable", cache]
    for digit, place in enumerate(places):
        put(place, tiny(1, [digit]))
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(places[1]))

    def first(path: Path | None) -> int:
        return int(nn.load_mnist("train", "full", path=path)[1].item())

    assert first(places[0]) == 0
    assert first(None) == 1
    # A folder that has only one of the two files is passed over, unless it was asked for.
    (places[0] / f"{NAMES[1]}.gz").unlink()
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(places[0]))
    assert first(None) == 2
    with pytest.raises(nn.DatasetNotFoundError, match=f"path: expected .*has no {NAMES[1]}"):
        first(places[0])
    monkeypatch.delenv("NEURAL_NETWORK_DATA")
    assert first(None) == 2


@pytest.mark.parametrize("load", [nn.load_mnist, nn.load_fashion_mnist])
def test_no_other_place_replaces_a_path(load: Any, tmp_path: Path, monkeypatch: Any) -> None:
    full, _ = put(tmp_path / "mnist", tiny()), put(tmp_path / "fashion-mnist", tiny())
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path))
    monkeypatch.setattr(sources, "_download", lambda *_: pytest.fail("downloaded"))
    for path, reason in [
        (tmp_path, "has no "), (tmp_path / "no", "no such folder"),
        (full / f"{NAMES[0]}.gz", "not a folder"),
    ]:  # fmt: skip
        with pytest.raises(nn.DatasetNotFoundError, match=f"{path}: {reason}"):
            load("train", "full", path=path)
    assert len(load("train", "full")[1]) == 3


def test_a_user_without_a_home_can_read_a_folder(tmp_path: Path, monkeypatch: Any) -> None:
    folder = put(tmp_path / "data", tiny())

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("NEURAL_NETWORK_DATA", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert nn.load_mnist("train", "full", path=folder)[1].tolist() == [5, 0, 4]
    with pytest.raises(nn.DatasetNotFoundError, match="the user's cache: Could not determine home"):
        nn.load_mnist("train", "full")
    with pytest.raises(nn.DatasetNotFoundError, match="ubyte.gz: not a folder"):
        nn.load_mnist("train", "full", path=folder / f"{NAMES[0]}.gz")


def test_fashion_never_reads_the_digits_of_the_same_name(tmp_path: Path, monkeypatch: Any) -> None:
    nowhere = mnist.FASHION_MNIST._replace(system_folders=(), mirrors=())
    monkeypatch.setattr(mnist, "FASHION_MNIST", nowhere)
    put(tmp_path / "data", tiny(1, [3]))
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path / "data"))
    assert nn.load_mnist("train", "full")[1].item() == 3
    with pytest.raises(nn.DatasetNotFoundError, match="Fashion-MNIST was not found"):
        nn.load_fashion_mnist("train", "full")
    system = put(tmp_path / "system", tiny(1, [8]))
    monkeypatch.setattr(mnist, "FASHION_MNIST", nowhere._replace(system_folders=(system,)))
    assert nn.load_fashion_mnist("train", "full")[1].item() == 8
    put(sources.cache_folder(nowhere), tiny(1, [7]))
    assert nn.load_fashion_mnist("train", "full")[1].item() == 7
    put(tmp_path / "data" / "fashion-mnist", tiny(1, [9]))
    assert nn.load_fashion_mnist("train", "full")[1].item() == 9
    put(tmp_path / "data" / "mnist", tiny(1, [4]))
    assert nn.load_mnist("train", "full")[1].item() == 4


SPOILED = {
    "labels in place of images": ({0: 1}, r"expected pictures of shape \(n, 28, 28\) uint8, received \(3,\)"),
    "images in place of labels": ({1: 0}, r"expected labels of shape \(n,\) uint8, received \(3, 28, 28\)"),
    "a label too many": ({1: idx_bytes(np.zeros(4, "uint8"))}, "expected 3 labels, .* received 4"),
    "a label of 10": ({1: idx_bytes(np.array([1, 10, 2], "uint8"))}, "expected labels from 0 to 9, received 10"),
    "larger pictures": ({0: idx_bytes(np.zeros((3, 32, 32), "uint8"))}, r"expected pictures of shape \(n, 28, 28\)"),
    "a truncated file": ({0: tiny()[NAMES[0]][:-1]}, "expected 2352 bytes after it, received 2351"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_folder_is_an_error_and_not_passed_over(tmp_path: Path, name: str) -> None:
    changes, text = SPOILED[name]
    files = tiny()
    for place, content in changes.items():
        files[NAMES[place]] = tiny()[NAMES[content]] if isinstance(content, int) else content
    with pytest.raises(nn.FileFormatError, match=text):
        nn.load_mnist("train", "full", path=put(tmp_path / "data", files))


# --- downloads ----------------------------------------------------------------


class Mirror(BaseHTTPRequestHandler):
    """Serves /good/, /truncated/, /wrong/, /not-gzip/ and answers 404 to the rest."""

    requested: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        _, behaviour, file = self.path.split("/")
        self.requested.append(self.path)
        content = gzip.compress(tiny()[file.removesuffix(".gz")], mtime=0)
        body = {
            "good": content,
            "truncated": content,
            "wrong": gzip.compress(b"another file"),
            "not-gzip": b"<html>moved</html>",
        }.get(behaviour)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        # Promises it all and hangs up halfway.
        self.wfile.write((body or b"")[: 20 if behaviour == "truncated" else None])

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def mirror(monkeypatch: Any) -> Iterator[Any]:
    """A local server, and a way to say which mirrors the dataset has."""
    server = HTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Mirror.requested.clear()
    monkeypatch.delenv("NEURAL_NETWORK_DATA", raising=False)

    def use(*behaviours: str) -> list[str]:
        collection = mnist.MNIST._replace(
            digests={name: hashlib.sha256(content).hexdigest() for name, content in tiny().items()},
            mirrors=[f"http://127.0.0.1:{server.server_port}/{b}/" for b in behaviours],
        )
        monkeypatch.setattr(mnist, "MNIST", collection)
        return Mirror.requested

    yield use
    server.shutdown()
    server.server_close()
    thread.join()


def cached() -> list[str]:
    folder = sources.cache_folder(mnist.MNIST)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_download_is_kept(mirror: Any, capsys: Any) -> None:
    requested = mirror("good")
    assert nn.load_mnist("train", "full")[1].tolist() == [5, 0, 4]
    assert cached() == [f"{name}.gz" for name in NAMES[:2]]
    assert nn.load_mnist("train", "full")[0].shape == (3, 28, 28)
    assert len(requested) == 2
    assert f"/good/{NAMES[0]}.gz" in capsys.readouterr().err


def test_what_is_in_the_cache_is_not_fetched_again(mirror: Any) -> None:
    requested = mirror("good")
    put(sources.cache_folder(mnist.MNIST), {NAMES[0]: tiny()[NAMES[0]]})
    assert nn.load_mnist("train", "full")[1].tolist() == [5, 0, 4]
    assert requested == [f"/good/{NAMES[1]}.gz"]


def test_all_of_the_content_is_checked(tmp_path: Path) -> None:
    content = bytes(3 << 20)
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    sources._check_content(tmp_path / "a.gz", digest)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content[:-1] + b"x"))
    with pytest.raises(nn.FileFormatError, match="another content, of SHA-256"):
        sources._check_content(tmp_path / "a.gz", digest)


def test_a_server_that_does_not_answer_is_given_up(mirror: Any, monkeypatch: Any) -> None:
    import pooch

    received = []
    monkeypatch.setattr(
        pooch, "HTTPDownloader", lambda **options: received.append(options) or (lambda *_: None)
    )
    mirror("good")
    with pytest.raises(nn.DatasetNotFoundError, match="gzip stream is damaged|expected content"):
        nn.load_mnist("train", "full")
    assert received[0]["timeout"] == 30


@pytest.mark.parametrize("bad", ["truncated", "wrong", "not-gzip", "missing"])
def test_the_next_mirror_is_tried_after_a_bad_answer(mirror: Any, bad: str) -> None:
    requested = mirror(bad, "good")
    assert nn.load_mnist("test", "full")[1].tolist() == [5, 0, 4]
    assert len(requested) == 4


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ("truncated", "ConnectionError|ChunkedEncodingError|gzip stream is damaged"),
        ("wrong", "another content, of SHA-256 "),
        ("not-gzip", "gzip stream is damaged"),
        ("missing", "404"),
    ],
)
def test_no_good_mirror_leaves_nothing_behind(
    mirror: Any, bad: str, text: str, tmp_path: Path, monkeypatch: Any
) -> None:
    mirror(bad)
    monkeypatch.setenv("NEURAL_NETWORK_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(nn.DatasetNotFoundError, match="MNIST was not found") as caught:
        nn.load_mnist("train", "full")
    assert cached() == []
    message = str(caught.value)
    assert re.search(text, message)
    for expected in ("MNIST was not found", "/nowhere: no such folder", "the address http://127.0.0.1",
                     "Put ", "NEURAL_NETWORK_DATA", *NAMES):  # fmt: skip
        assert expected in message


def test_no_server_at_all(monkeypatch: Any) -> None:
    monkeypatch.delenv("NEURAL_NETWORK_DATA", raising=False)
    monkeypatch.setattr(mnist, "MNIST", mnist.MNIST._replace(mirrors=["http://127.0.0.1:9/"]))
    with pytest.raises(nn.DatasetNotFoundError, match="the address http://127.0.0.1:9/: "):
        nn.load_mnist("train", "full")


def test_a_cache_that_cannot_be_made(mirror: Any, tmp_path: Path, monkeypatch: Any) -> None:
    mirror("good")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(nn.DatasetNotFoundError, match="cannot make .*file"):
        nn.load_mnist("train", "full")


def test_without_pooch_the_extra_is_named(monkeypatch: Any) -> None:
    monkeypatch.delenv("NEURAL_NETWORK_DATA", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(
        nn.DatasetNotFoundError, match=r'pip install "neural-network-numpy\[data\]"'
    ):
        nn.load_mnist("train", "full")


# --- batches ------------------------------------------------------------------


def test_batches_cover_every_row_once_and_follow_the_seed() -> None:
    X = np.arange(10)[:, None]
    runs = [
        np.concatenate([b for b, _ in nn.batches(X, X, 3, rng=seed)]).ravel().tolist()
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]
    assert sorted(runs[0]) == list(range(10))
    assert [len(b) for b, _ in nn.batches(X, X, 3)] == [3, 3, 3, 1]
    assert [b.ravel().tolist() for b, _ in nn.batches(X, X, 99, shuffle=False)] == [list(range(10))]


def test_one_generator_gives_a_new_order_each_epoch() -> None:
    rng = np.random.default_rng(0)
    X = np.arange(20)
    first, second = (next(nn.batches(X, X, 20, rng=rng)) for _ in range(2))
    assert first[0].tolist() != second[0].tolist()
    np.testing.assert_array_equal(*first)
    first[0][:] = -1
    assert X.min() == 0

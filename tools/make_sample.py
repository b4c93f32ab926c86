"""Cut the shipped sample out of the whole MNIST: python tools/make_sample.py FOLDER."""

import gzip
import struct
import sys
from pathlib import Path

from neural_network import read_idx
from neural_network.datasets.mnist import SAMPLE_FOLDER
from neural_network.files import written_beside

for prefix, count in (("train", 5000), ("t10k", 1000)):
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{prefix}-{kind}-ubyte.gz"
        array = read_idx(Path(sys.argv[1]) / name)[:count]
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        with written_beside(SAMPLE_FOLDER / name) as temporary:
            # Without a time of making, the same digits give the same bytes.
            temporary.write_bytes(gzip.compress(header + array.tobytes(), 9, mtime=0))

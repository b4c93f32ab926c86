"""Kill trainings at random instants, resume them, compare with an unbroken one: ``make kill-test``.

    python -m fuzz.kills --kills 300 --seed 7

Each training is another one (``fuzz/trainings.py``): groups of optimizers, several inputs and
outputs, rows held out for validation, early stopping, balanced classes, metrics of whole epochs. It
writes a checkpoint after each step, is killed (SIGKILL) some time after it began or was resumed, is
resumed again, and so on to its end. Then all parameters, the state of the optimizer, the history,
what early stopping says and the log have to be, bit for bit, those of a training that was not
killed.
"""

from __future__ import annotations

import os

# Read when NumPy is imported: processes that are forked have no threads of BLAS.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import json
import random
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep, time_ns

from tests.training.resumable import digest

from fuzz.trainings import KINDS, drawn
from neural_network import EarlyStopping

EPOCHS = 12  # of four to seven steps each
# A training is killed within this share of its duration after each start, so some seven times;
# where it has not come further since the last kill, the next one comes later.
SHARE = 0.35


@dataclass
class Count:
    """What happened.

    Attributes:
        kills: processes that were killed while they trained.
        trainings: those that came to their end.
        halves: kills that left a file beside the checkpoint that was not written to its end.
        lost: descriptions of what differed.
        kinds: of trainings that came to their end → how many.
    """

    kills: int = 0
    trainings: int = 0
    halves: int = 0
    lost: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


def train(folder: Path, number: int, seed: int) -> None:
    """Train from the checkpoint in a folder, or from the beginning."""
    trainer, arguments, _ = drawn(folder, number, seed)
    checkpoint = folder / "run.checkpoint"
    resume = checkpoint if checkpoint.exists() else None
    history = trainer.fit(**arguments, epochs=EPOCHS, resume=resume)
    (stopping,) = (one for one in trainer.callbacks if isinstance(one, EarlyStopping))
    told = [stopping.reason, stopping.restored_epoch, stopping.best]
    (folder / "result.json").write_text(json.dumps([digest(trainer), dict(history), told]))


def started(folder: Path, number: int, seed: int) -> int:
    """Train in a process of its own, and return its number."""
    process = os.fork()
    if process == 0:
        try:
            train(folder, number, seed)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return process


def compare(unbroken: Path, broken: Path) -> list[str]:
    """Return in what two finished trainings differ."""
    lost = [
        f"{name} differs"
        for name in ("result.json", "log.csv")
        if (unbroken / name).read_bytes() != (broken / name).read_bytes()
    ]
    left = sorted(path.name for path in broken.iterdir())
    if left != sorted(path.name for path in unbroken.iterdir()):
        lost.append(f"left behind: {', '.join(left)}")
    return lost


def killed_to_the_end(count: Count, number: int, seed: int) -> None:
    """Kill and resume one training until it ends, and compare it."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        unbroken, broken = Path(place) / "unbroken", Path(place) / "broken"
        unbroken.mkdir()
        broken.mkdir()
        start = perf_counter()
        code = os.waitstatus_to_exitcode(os.waitpid(started(unbroken, number, seed), 0)[1])
        duration = perf_counter() - start
        longest, before = SHARE * duration, (b"", set[str]())
        while code in (0, -signal.SIGKILL):
            process = started(broken, number, seed)
            sleep(chance.uniform(0, longest))
            os.kill(process, signal.SIGKILL)  # of a process that has ended, nothing is left to kill
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            if code == 0:
                count.trainings += 1
                has = drawn(None, number, seed).has
                for kind in has:
                    count.kinds[kind] += 1
                what = f"training {number} ({', '.join(sorted(has))})"
                count.lost += [f"{what}: {text}" for text in compare(unbroken, broken)]
                return
            count.kills += 1
            found = _left(broken)
            longest = 1.5 * longest if found[0] == before[0] else SHARE * duration
            count.halves += bool(found[1] - before[1])
            before = found
        count.lost.append(f"training {number}: ended with {code}")


def _left(folder: Path) -> tuple[bytes, set[str]]:
    """Return the checkpoint in a folder, and the names of files that are half written."""
    checkpoint = folder / "run.checkpoint"
    halves = {path.name for path in folder.glob(".*") if not path.name.endswith("lock")}
    return checkpoint.read_bytes() if checkpoint.exists() else b"", halves


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; return 1 if a bit was lost."""
    parser = argparse.ArgumentParser(prog="kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="at least so many")
    parser.add_argument("--seed", type=int, help="drawn from the clock if not given")
    options = parser.parse_args(arguments)
    seed = time_ns() // 1_000_000 % 10**6 if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    for number in range(len(KINDS)):  # imports what a training needs, once for all
        trainer, arguments_of_fit, _ = drawn(None, number, seed)
        trainer.fit(**arguments_of_fit)
    count, start = Count(), perf_counter()
    while count.kills < options.kills and not count.lost:
        killed_to_the_end(count, count.trainings, seed * 1000 + count.trainings)
    for text in count.lost:
        print(f"LOST {text}")
    print(
        f"{count.kills} kills in {count.trainings} trainings, {count.halves} of them while a file "
        f"was written; {len(count.lost)} trainings lost something; "
        f"{perf_counter() - start:.0f} s; seed {seed}"
    )
    print("trainings of each kind: " + ", ".join(f"{k} {n}" for k, n in count.kinds.items()))
    return int(bool(count.lost))


if __name__ == "__main__":
    sys.exit(main())

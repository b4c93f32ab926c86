"""A terminal on which the command writes: a pty, and the screen that its escape codes make."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import NamedTuple

from tests.cli.folders import ONE_THREAD

# Runs commands one after the other, each with a line around it on both streams.
PROGRAM = """
import json, sys
from neural_network.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["neural-network", *arguments]
    try:
        main()
    except SystemExit as end:
        if end.code:
            print("EXIT", end.code)
    for stream in (sys.stdout, sys.stderr):
        print("\\0", file=stream, flush=True)
"""
CODE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b\].*?(?:\x07|\x1b\\)|(.)", re.DOTALL)


class Shown(NamedTuple):
    """What a command wrote to a stream, and what the screen shows of it at the end."""

    raw: str
    screen: list[str]

    @property
    def text(self) -> str:
        """All lines of the screen in one, as lines that were too long go on in the next."""
        return "".join(self.screen)


def on_terminal(
    commands: list[list[str]], width: int, folder: Path, **environment: str
) -> list[tuple[Shown, Shown]]:
    """Return (standard output, standard error) of each command, each on a terminal of its own."""
    ends = []
    for _ in range(2):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        ends.append((master, slave))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        stdin=subprocess.DEVNULL, stdout=ends[0][1], stderr=ends[1][1], cwd=folder,
        env=inherited | ONE_THREAD | {"TERM": "xterm-256color"} | environment,
    )  # fmt: skip
    read = ["", ""]

    def collect(place: int) -> None:
        content = b""
        while True:
            try:
                piece = os.read(ends[place][0], 1 << 16)
            except OSError:  # the other end is closed
                break
            content += piece
        read[place] = content.decode()

    for _, slave in ends:
        os.close(slave)
    threads = [threading.Thread(target=collect, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    process.wait()
    for thread in threads:
        thread.join()
    for master, _ in ends:
        os.close(master)
    parts = [text.split("\0\r\n")[:-1] for text in read]
    assert [len(part) for part in parts] == [len(commands)] * 2, read
    return [
        (Shown(out, screen(out, width)), Shown(err, screen(err, width)))
        for out, err in zip(*parts, strict=True)
    ]


def screen(text: str, width: int) -> list[str]:
    """Return the lines that a terminal shows after it has received a text."""
    rows, row, column = [""], 0, 0
    for code in CODE.finditer(text):
        numbers, letter, character = code.groups()
        count = int(numbers) if numbers and numbers.isdigit() else 1
        if character == "\n" or letter == "B":
            row += count
        elif character == "\r":
            column = 0
        elif character is not None:
            if column >= width:
                row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
            line = rows[row].ljust(column)
            rows[row] = line[:column] + character + line[column + 1 :]
            column += 1
        elif letter == "A":
            row = max(0, row - count)
        elif letter == "K":
            rows[row] = "" if numbers == "2" else rows[row][:column]
        rows += [""] * (row + 1 - len(rows))
    return rows

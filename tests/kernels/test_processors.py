"""How many processors a process may use: variables, binding, control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import neural_network as nn
from neural_network.kernels.runtime import processors
from tests.processes import run_python

V1 = "sys/fs/cgroup/cpu"
V2 = "sys/fs/cgroup"


def system(root: Path, group: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": group, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("group", "files", "grant"),
    [
        ("0::/\n", {f"{V2}/cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {f"{V2}/cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {f"{V2}/cpu.max": "1000 100000\n"}, 1),
        ("0::/\n", {f"{V2}/cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {f"{V2}/a/cpu.max": "300000 100000\n", f"{V2}/a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/a/b\n", {f"{V2}/a/cpu.max": "100000 100000\n", f"{V2}/a/b/cpu.max": "900000 100000\n"}, 1),
        # A container sees the host's path and, under the mount, its own group.
        ("0::/host/its/path\n", {f"{V2}/cpu.max": "400000 100000\n"}, 4),
        ("3:cpuset:/\n1:cpu:/\n", {f"{V1}/cpu.cfs_quota_us": "250000\n", f"{V1}/cpu.cfs_period_us": "100000\n"}, 3),
        ("1:cpu:/\n", {f"{V1}/cpu.cfs_quota_us": "-1\n", f"{V1}/cpu.cfs_period_us": "100000\n"}, None),
        ("4:cpu,cpuacct:/x\n", {f"{V2}/cpu,cpuacct/x/cpu.cfs_quota_us": "100000", f"{V2}/cpu,cpuacct/x/cpu.cfs_period_us": "50000"}, 2),
        ("1:cpuset:/\n", {f"{V1}/cpu.cfs_quota_us": "100000", f"{V1}/cpu.cfs_period_us": "100000"}, None),
        ("0::/\n", {f"{V2}/cpu.max": "nonsense\n"}, None),
        ("0::/\n", {f"{V2}/cpu.max": "100000 0\n"}, None),
        ("nonsense\n", {}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_a_control_groups_share(
    group: str, files: dict[str, str], grant: int | None, tmp_path: Path
) -> None:
    assert processors.quota(system(tmp_path, group, files)) == grant


def test_systems_without_control_groups(tmp_path: Path) -> None:
    assert processors.quota(tmp_path) is None


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight processors without any limit."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "quota", lambda: None)
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("eight")
def test_the_least_of_all_limits_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processors.allowed() == processors.started_with() == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "6,2")
    assert processors.allowed() == 6
    monkeypatch.setattr(processors, "quota", lambda: 5)
    assert processors.allowed() == 5
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4")
    assert processors.allowed() == processors.started_with() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert processors.allowed() == 1
    assert processors.started_with() == 4


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize("name", ["NUMBA_NUM_THREADS", "OMP_NUM_THREADS"])
@pytest.mark.parametrize(
    "text", ["many", "0", "-3", "2.5", "1000000", "9" * 5000, "٣", ",2", "nan"]
)
def test_nonsense_in_a_variable_is_named(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    match = f"^kernels: {name}: expected a number of threads, 1 to 16384, received '"
    for call in (processors.allowed, processors.check_environment):
        with pytest.raises(nn.ArgumentError, match=match) as raised:
            call()
        assert len(str(raised.value)) <= 500


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize("text", ["", " ", " 8 "])
def test_an_empty_variable_says_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    monkeypatch.setenv("NUMBA_NUM_THREADS", text)
    assert processors.allowed() == 8


@pytest.mark.usefixtures("eight")
def test_features_of_processors_have_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("", "+avx2", "+avx2, -avx512f"):
        monkeypatch.setenv("NUMBA_CPU_FEATURES", text)
        processors.check_environment()
    for text in ("avx2", "+avx2,nonsense", ","):
        monkeypatch.setenv("NUMBA_CPU_FEATURES", text)
        with pytest.raises(nn.ArgumentError, match="NUMBA_CPU_FEATURES: expected .* received '"):
            processors.check_environment()


@pytest.mark.parametrize(("name", "text"), [
    ("NUMBA_NUM_THREADS", "many"), ("NUMBA_THREADING_LAYER", "many"),
])  # fmt: skip
def test_nonsense_ends_no_import_and_only_kernels_complain(name: str, text: str) -> None:
    code = (
        "import numpy as np, neural_network as nn\n"
        "print(nn.conv2d(np.ones((3, 3)), np.ones((2, 2))).sum())\n"
        "nn.use_kernels('numba')\n"
        "try: nn.max_pool2d(np.ones((1, 1, 4, 4), 'f'), 2)\n"
        "except nn.ArgumentError as error: print(error)\n"
    )
    done = run_python("-c", code, env=os.environ | {name: text})
    assert done.returncode == 0, done.stderr
    value, error = done.stdout.splitlines()
    assert value == "16.0"
    assert error.startswith(f"kernels: {name}: expected ")
    assert f"received '{text}'" in error

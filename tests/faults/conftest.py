"""What tests of faults share: a door of their own, a small disk, and seeds that are printed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from benchmarks.running import Door, new_project
from tests.faults.dripping import Dripping

MOUNT: Final = shutil.which("mount") or "mount"
UNMOUNT: Final = shutil.which("umount") or "umount"


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chance with a seed that is printed; CXM_FAULTS_SEED sets it, so that a failure can be run again."""
    seed = os.environ.get("CXM_FAULTS_SEED") or "20261122"
    print(f"{request.node.name}: seed {seed}")  # noqa: T201 -- pytest shows it where the test fails
    return random.Random(f"{seed} {request.node.name}")  # noqa: S311 -- what is sent, not a secret


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """Opens doors over new projects, below a folder or a small disk; all are killed at the end."""
    opened: list[Door] = []

    def opens(root: Path | None = None, settings: str = "", **environment: str) -> Door:
        place = root or tmp_path / f"shop-{len(opened)}"
        door = Door([place], new_project(place, settings), environment=environment)
        door.start()
        opened.append(door)
        return door

    yield opens
    for door in opened:
        door.kill()  # what it was to show has been shown


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts disks of so many MiB in memory; only root may."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    mounted: list[Path] = []

    def mounts(size: int) -> Path:
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        words: list[str | Path] = [MOUNT, "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", place]
        done = subprocess.run(words, check=False, capture_output=True)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
        mounted.append(place)
        return place

    yield mounts
    for place in mounted:
        subprocess.run([UNMOUNT, "-l", place], check=False)


@pytest.fixture(scope="session", autouse=True)
def dripping(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dripping | None]:
    """Slow clients that drip while the other tests run: half a minute that nobody has to wait for."""
    if not any("test_dripping" in of.nodeid for of in request.session.items):
        yield None
        return
    root = tmp_path_factory.mktemp("dripping") / "shop"
    door = Door([root], new_project(root))
    door.start(worker=False)
    yield Dripping(door)
    door.kill()

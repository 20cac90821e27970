"""What a command does to the files below a folder, as a list of operations, recorded by strace.

Only what lies below the folder is kept. What the list cannot tell is refused rather than left out: a file written
through a shared mapping (SQLite's -shm apart, which no recovery reads), or copied inside the kernel.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_CALLS: Final = (
    "openat,open,creat,close,dup,dup2,dup3,fcntl,lseek,read,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,"
    "sync_file_range,ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,"
    "rmdir,mmap,copy_file_range,sendfile"
)
_CALL: Final = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+)")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HERE: Final = "AT_FDCWD"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation, after it has returned.

    kind: create, mkdir, unlink, rmdir, rename, link; write, truncate, sync (of a file's data), settle (of a folder);
          note (a line written to the file of notes)
    path: what it is about, below the folder; `file` numbers the file itself, whatever it is called later
    """

    kind: str
    path: str = ""
    to: str = ""
    file: int = -1
    offset: int = 0
    data: bytes = b""


class Unrecorded(Exception):
    """The command did something that the recording cannot tell."""


def record(command: Sequence[str], folder: Path, notes: Path, trace: Path, within: float) -> list[Op]:
    """Runs a command under strace; its operations below `folder`, and its lines in `notes` where they came between.

    raises: Unrecorded; CalledProcessError where the command fails
    """
    reading = _Reading(folder, notes)  # what is there before it begins
    watched = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-e", f"trace={_CALLS}", "-xx"]
    paths = [str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]
    told = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}  # it is started elsewhere
    watched += ["-s", "99999999", "-o", str(trace), *command]
    subprocess.run(watched, check=True, cwd="/", env=told, timeout=within)
    with trace.open(encoding="ascii") as lines:
        return list(reading.ops(lines))


@dataclass(slots=True)
class _Opened:
    path: str
    file: int
    appends: bool
    offset: int = 0


@dataclass(slots=True)
class _Reading:
    """The state of one process's files while its calls are read, threads and all."""

    folder: Path
    notes: Path
    opened: dict[int, _Opened] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    files: int = 0

    def __post_init__(self) -> None:
        for path in (self.folder, *sorted(self.folder.rglob("*"))):
            self.names[str(path)] = self._file()
            self.sizes[self.files] = path.stat().st_size
            if path.is_dir():
                self.folders.add(str(path))

    def _file(self) -> int:
        self.files += 1
        return self.files

    def ops(self, lines: Iterator[str] | Sequence[str]) -> Iterator[Op]:
        """The operations in the order in which their calls returned."""
        begun: dict[str, str] = {}
        for line in lines:
            process, _, said = line.rstrip("\n").partition(" ")
            said = said.lstrip()
            if said.endswith("<unfinished ...>"):
                begun[process] = said.removesuffix("<unfinished ...>")
                continue
            if said.startswith("<... "):
                said = begun.pop(process, "") + said.partition("resumed>")[2]
            call = _CALL.match(said)
            if call and not call[3].startswith("-"):
                yield from self._op(call[1], call[2], int(call[3], 0))

    def _op(self, call: str, said: str, result: int) -> Iterator[Op]:
        if call in ("openat", "open", "creat"):
            yield from self._open(call, said, result)
        elif call in ("dup", "dup2", "dup3", "fcntl", "close", "lseek", "read"):
            self._track(call, said, result)
        elif call in ("mmap", "copy_file_range", "sendfile"):
            self._refuse(call, said)
        elif call in ("fsync", "fdatasync", "ftruncate", "fallocate", "write", "pwrite64", "writev", "pwritev"):
            opened = self.opened.get(int(said.split(",", maxsplit=1)[0]))
            if opened is not None:
                yield from self._on_file(call, said, result, opened)
        else:
            yield from self._on_names(call, said)

    def _open(self, call: str, said: str, result: int) -> Iterator[Op]:
        path = self._paths(call, said)[0]
        self.opened.pop(result, None)
        if path == str(self.notes):
            self.opened[result] = _Opened(path, 0, appends=True)
            return
        if not self._ours(path):
            return
        if path not in self.names:
            self.names[path] = self._file()
            yield Op("create", path, file=self.names[path])
        elif "O_TRUNC" in said and self.sizes.get(self.names[path], 0):
            yield Op("truncate", path, file=self.names[path])
        if "O_TRUNC" in said:
            self.sizes[self.names[path]] = 0
        self.opened[result] = _Opened(path, self.names[path], appends="O_APPEND" in said)

    def _track(self, call: str, said: str, result: int) -> None:
        number = int(said.split(",", maxsplit=1)[0])
        if call == "close":
            self.opened.pop(number, None)
        elif call in ("lseek", "read"):
            if number in self.opened:
                opened = self.opened[number]
                opened.offset = result if call == "lseek" else opened.offset + result
        elif number in self.opened and (call != "fcntl" or "F_DUPFD" in said):
            self.opened[result] = self.opened[number]  # the offset is shared, as in the kernel

    def _refuse(self, call: str, said: str) -> None:
        words = [word.strip() for word in said.split(",")]
        if call == "mmap":
            opened = self.opened.get(int(words[4])) if words[4].lstrip("-").isdigit() else None
            if opened and "PROT_WRITE" in words[2] and "MAP_SHARED" in words[3] and not opened.path.endswith("-shm"):
                raise Unrecorded(f"{opened.path} is written through a mapping")
            return
        if int(words[2 if call == "copy_file_range" else 0]) in self.opened:
            raise Unrecorded(f"{call} into {self.opened[int(words[2 if call == 'copy_file_range' else 0])].path}")

    def _on_file(self, call: str, said: str, result: int, opened: _Opened) -> Iterator[Op]:
        words = said.split(",")
        if call in ("fsync", "fdatasync"):
            yield Op("settle" if opened.path in self.folders else "sync", opened.path, file=opened.file)
        elif call == "ftruncate":
            self.sizes[opened.file] = int(words[1])
            yield Op("truncate", opened.path, file=opened.file, offset=int(words[1]))
        elif call == "fallocate":
            size = int(words[2]) + int(words[3])
            if int(words[1], 0) == 0 and size > self.sizes.get(opened.file, 0):
                raise Unrecorded(f"{opened.path} is allocated ahead")
        else:
            data = b"".join(bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(said))[:result]
            if opened.path == str(self.notes):
                yield Op("note", data=data)
                return
            placed = call.startswith("p")
            size = self.sizes.get(opened.file, 0)
            offset = int(words[-1]) if placed else size if opened.appends else opened.offset
            if not placed:
                opened.offset = offset + result
            self.sizes[opened.file] = max(size, offset + result)
            yield Op("write", opened.path, file=opened.file, offset=offset, data=data)

    def _on_names(self, call: str, said: str) -> Iterator[Op]:
        paths = self._paths(call, said)
        if not any(self._ours(path) for path in paths):
            return
        if call.startswith("rename"):
            yield Op("rename", paths[0], paths[1], file=self.names[paths[0]])
            self.names[paths[1]] = self.names.pop(paths[0])
        elif call.startswith("link"):
            yield Op("link", paths[0], paths[1], file=self.names[paths[0]])
            self.names[paths[1]] = self.names[paths[0]]
        elif call.startswith("mkdir"):
            self.names[paths[0]] = self._file()
            self.folders.add(paths[0])
            yield Op("mkdir", paths[0], file=self.names[paths[0]])
        elif call.startswith("unlink") or call == "rmdir":
            yield Op("rmdir" if call == "rmdir" or "AT_REMOVEDIR" in said else "unlink", paths[0])
            self.names.pop(paths[0], None)
        else:
            raise Unrecorded(f"{call} of {paths}")

    def _paths(self, call: str, said: str) -> list[str]:
        """The paths that a call names, whole; those that are relative to an open folder are completed."""
        texts = [os.fsdecode(bytes.fromhex(text.replace("\\x", ""))) for text in _TEXT.findall(said)]
        if not call.endswith(("at", "at2")):
            return texts
        places = re.findall(rf'({_HERE}|\d+), "', said)
        whole = []
        for place, text in zip(places, texts, strict=False):
            opened = None if place == _HERE else self.opened.get(int(place))
            whole.append(text if text.startswith("/") or opened is None else f"{opened.path}/{text}")
        return whole

    def _ours(self, path: str) -> bool:
        inside = path == str(self.folder) or path.startswith(f"{self.folder}/")
        return inside and not path.endswith("-shm")

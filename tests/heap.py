"""What glibc's heap says of itself."""

from __future__ import annotations

import ctypes
import platform

GLIBC = platform.libc_ver()[0] == "glibc"


class Heap(ctypes.Structure):
    """See mallinfo(3): `uordblks` and `hblkhd` are bytes in use, `hblks` how many blocks are mapped."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost",
    ))  # fmt: skip


def heap() -> Heap:
    """The heap as it is; all 0 where there is no glibc."""
    if not GLIBC:
        return Heap()
    report = ctypes.CDLL(None).mallinfo2
    report.restype = Heap
    found = report()
    assert isinstance(found, Heap)
    return found

"""Run a command and print what it used as JSON: `python -I -S measured.py COMMAND …`.

A process starts its life with the peak memory of its parent, so the parent must be small: this
one imports next to nothing.
"""

import os
import sys
import time

before = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - before
cpu = used.ru_utime + used.ru_stime
print(
    f'{{"cpu": {cpu * 1e3}, "wall": {wall * 1e3}, "rss": {used.ru_maxrss / 1024},'
    f' "status": {os.waitstatus_to_exitcode(status)}}}'
)

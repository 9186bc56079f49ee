"""The threads of a worker share one heap, so that none keeps what its largest request took."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, re, sys, threading
from agentlogger.terminal import workers

if sys.argv[1] == "shared":
    workers._share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
ready, done = threading.Barrier(5), threading.Event()

def ask():
    libc.malloc(1_000)
    ready.wait()
    done.wait()

threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait()
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
done.set()
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="only glibc gives each thread a heap"
)
@pytest.mark.parametrize(("heaps", "is_one"), [("shared", True), ("as glibc does", False)])
def test_threads_of_a_worker_share_one_heap(heaps, is_one):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, heaps], capture_output=True, text=True, check=True
    )

    assert (ran.stdout.count("<heap nr=") == 1) is is_one

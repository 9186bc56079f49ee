"""Many tails in one process of their own, and when each of them showed what."""

from __future__ import annotations

import multiprocessing
import re
import selectors
import socket
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.parse import quote

from bench.clients import HOST

MARK = re.compile(rb'"body":"mark (\d+)"')
GAP = re.compile(rb"\nevent: gap\n")
PIECE = 256 * 1024
OPEN_SECONDS = 60
HEAD = b"GET /api/v1/tail?q=%b HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
TRIES = 20
"""A worker may have as many tails as it takes while another has not."""


@contextmanager
def following(port: int, queries: Sequence[str]) -> Iterator[Connection]:
    """Hold a tail open for each query.

    What is received from the connection that is given is, for each mark, when each tail showed it,
    by the monotonic clock, and how many gaps they were told of: once something is sent to it.
    """
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_follow, args=(theirs, port, list(queries)), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.recv() == len(queries)
        yield ours
    finally:
        ours.close()
        process.join()


def _follow(pipe: Connection, port: int, queries: Sequence[str]) -> None:
    selector = selectors.DefaultSelector()
    rests: dict[socket.socket, bytes] = {}
    for query in queries:
        tail = _open(port, query)
        selector.register(tail, selectors.EVENT_READ)
        rests[tail] = b""
    selector.register(pipe.fileno(), selectors.EVENT_READ)
    pipe.send(len(queries))
    shown: dict[int, list[float]] = defaultdict(list)
    gaps = 0
    while True:
        for key, _ in selector.select():
            if not isinstance(key.fileobj, socket.socket):
                try:
                    pipe.recv()
                except EOFError:
                    return
                pipe.send((dict(shown), gaps))
                continue
            piece = key.fileobj.recv(PIECE)
            now = time.monotonic()
            whole = rests[key.fileobj] + piece
            found = list(MARK.finditer(whole))
            for mark in found:
                shown[int(mark[1])].append(now)
            told = list(GAP.finditer(whole))
            gaps += len(told)
            # A mark or a gap may come in two pieces, and none twice.
            seen = max((one.end() for one in (*found, *told)), default=0)
            rests[key.fileobj] = whole[max(seen, len(whole) - 32) :]
            if not piece:
                selector.unregister(key.fileobj)


def _open(port: int, query: str) -> socket.socket:
    for _ in range(TRIES):
        tail = socket.create_connection((HOST, port), timeout=OPEN_SECONDS)
        tail.sendall(HEAD % quote(query).encode())
        if tail.recv(PIECE).startswith(b"HTTP/1.1 200"):
            return tail
        tail.close()
        time.sleep(0.1)
    raise RuntimeError("No tail is to be had.")

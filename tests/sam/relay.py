"""Passes connections on: `relay.py FROM TO`, each a path of a Unix socket or `host:port`.

Two of these and a socket between them let a container reach a server that listens on this machine's loopback
only, and nobody else. Runs on any Python, also in the container.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

CHUNK = 2**16

type Accepted = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copies bytes until there are no more."""
    try:
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
    finally:  # where one side hung up, so does the other
        target.close()


async def relay(source: str, target: str) -> None:
    """Passes on whatever connects, until it is stopped."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await connected(target)
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    await (await listening(source, accepted)).serve_forever()


async def connected(place: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connects to a place."""
    if place.startswith("/"):
        return await asyncio.open_unix_connection(place)
    host, port = place.split(":")
    return await asyncio.open_connection(host, int(port))


async def listening(place: str, accepted: Accepted) -> asyncio.Server:
    """Listens at a place."""
    if place.startswith("/"):
        return await asyncio.start_unix_server(accepted, place)
    host, port = place.split(":")
    return await asyncio.start_server(accepted, host, int(port))


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))

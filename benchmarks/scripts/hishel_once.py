"""hishel + httpx as documented, SQLite storage, eight at a time.  Reads `urls`."""

import asyncio
from pathlib import Path

from hishel import AsyncSqliteStorage, CacheOptions
from hishel.httpx import AsyncCacheClient


async def main(urls: list[str]) -> None:
    storage = AsyncSqliteStorage(database_path=Path("cache.sqlite3"))
    turns = asyncio.Semaphore(8)
    async with AsyncCacheClient(storage=storage, rfc=CacheOptions(shared=False)) as client:

        async def poll(url: str) -> None:
            async with turns:
                await client.get(url)

        await asyncio.gather(*(poll(url) for url in urls))


asyncio.run(main(Path("urls").read_text().split()))

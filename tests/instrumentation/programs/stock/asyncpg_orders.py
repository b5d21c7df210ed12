"""Orders in PostgreSQL over asyncpg: a pool, a transaction, a prepared statement, an error."""

import asyncio
import sys

import asyncpg


async def main() -> None:
    async with asyncpg.create_pool(sys.argv[1], min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("DROP TABLE IF EXISTS async_orders")
            await connection.execute("CREATE TABLE async_orders (id int, sku text)")
            await connection.executemany("INSERT INTO async_orders VALUES ($1, $2)", [(1, "tea"), (2, "jam")])
        async with pool.acquire() as connection:
            print(await connection.fetch("SELECT * FROM async_orders ORDER BY id"))
            statement = await connection.prepare("SELECT sku FROM async_orders WHERE id = $1")
            print(await statement.fetchval(2))
        print(await pool.fetchval("SELECT count(*) FROM async_orders"))
        try:
            await pool.fetch("SELECT * FROM nothing")
        except asyncpg.UndefinedTableError as error:
            print(error.sqlstate)
    try:
        await asyncpg.connect(host="127.0.0.1", port=1, user="shop", database="shop")
    except OSError as error:
        print(error.errno)


asyncio.run(main())

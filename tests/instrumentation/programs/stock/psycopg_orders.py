"""Orders in PostgreSQL over psycopg 3, sync and async: inserted, read, an error, a refused connection."""

import asyncio
import sys

import psycopg
from psycopg.rows import dict_row


async def read() -> None:
    async with await psycopg.AsyncConnection.connect(sys.argv[1]) as connection:
        cursor = await connection.execute("SELECT 2 AS two")
        print(await cursor.fetchone())


with psycopg.connect(sys.argv[1]) as connection:
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'orders'")
        cursor.execute("CREATE TEMPORARY TABLE three_orders (id int, sku text)")
        cursor.executemany("INSERT INTO three_orders VALUES (%s, %s)", [(1, "tea"), (2, "jam")])
    print(connection.execute("SELECT * FROM three_orders ORDER BY id").fetchall())
    try:
        with connection.transaction():
            connection.execute("SELECT * FROM nothing")
    except psycopg.errors.UndefinedTable as error:
        print(error.sqlstate)
    with connection.cursor(row_factory=dict_row) as rows:
        print(rows.execute("SELECT 1 AS one").fetchone())
asyncio.run(read())
try:
    psycopg.connect("host=127.0.0.1 port=1 dbname=shop")
except psycopg.OperationalError as error:
    print(type(error).__mro__)

"""Orders in PostgreSQL over psycopg2: inserted, read, rolled back, an error, a refused connection."""

import sys

import psycopg2
import psycopg2.extras

with psycopg2.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
    cursor.execute("SET application_name = 'orders'")
    cursor.execute("CREATE TEMPORARY TABLE two_orders (id int, sku text)")
    cursor.executemany("INSERT INTO two_orders VALUES (%s, %s)", [(1, "tea"), (2, "jam")])
    psycopg2.extras.execute_values(cursor, "INSERT INTO two_orders VALUES %s", [(3, "ale")])
    cursor.execute("SELECT * FROM two_orders ORDER BY id")
    print(cursor.fetchall(), cursor.rowcount)
    try:
        cursor.execute("SELECT * FROM nothing")
    except psycopg2.errors.UndefinedTable as error:
        print(error.pgcode)
    connection.rollback()
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as rows:
        rows.execute("SELECT 1 AS one")
        print(rows.fetchone())
try:
    psycopg2.connect("host=127.0.0.1 port=1 dbname=shop")
except psycopg2.OperationalError as error:
    print(type(error).__mro__)

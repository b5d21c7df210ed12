"""Orders in SQLite: inserted, read, an error, a class of rows."""

import sqlite3

with sqlite3.connect(":memory:") as connection:
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT)")
    connection.executemany("INSERT INTO orders VALUES (?, ?)", [(1, "tea"), (2, "jam")])
    cursor = connection.cursor()
    print([tuple(row) for row in cursor.execute("SELECT * FROM orders")], cursor.rowcount)
    try:
        cursor.execute("SELECT * FROM nothing")
    except sqlite3.OperationalError as error:
        print(error)
connection.close()

"""Orders in PostgreSQL over SQLAlchemy and psycopg2: inserted, read, an error, a pool that connects anew."""

import sys

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

engine = create_engine(sys.argv[1].replace("postgresql:", "postgresql+psycopg2:"))
columns = Column("id", Integer, primary_key=True), Column("sku", String(9))
orders = Table("alchemy_orders", MetaData(), *columns)
with engine.begin() as connection:
    orders.drop(connection, checkfirst=True)
    orders.create(connection)
    connection.execute(orders.insert(), [{"id": 1, "sku": "tea"}, {"id": 2, "sku": "jam"}])
with Session(engine) as session:
    print(session.execute(select(orders).order_by(orders.c.id)).all())
    try:
        session.execute(text("SELECT * FROM nothing"))
    except ProgrammingError as error:
        print(str(error.orig).splitlines()[0])
engine.dispose()
with engine.connect() as connection:
    print(connection.scalar(text("SELECT count(*) FROM alchemy_orders")))

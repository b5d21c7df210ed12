"""Orders in MongoDB: inserted, found, a refused command, a server that cannot be reached."""

import pymongo
import pymongo.errors
from mongodb_server import serving

with serving() as uri, pymongo.MongoClient(uri) as client:
    print(client.shop.orders.insert_one({"_id": 1, "sku": "tea"}).inserted_id)
    print(list(client.shop.orders.find({"sku": "tea"})), client.shop.other.find_one())
    try:
        client.shop.command("count", "orders")
    except pymongo.errors.OperationFailure as error:
        print(error.code, error.details)
with pymongo.MongoClient("mongodb://127.0.0.1:1/shop", serverSelectionTimeoutMS=100) as client:
    try:
        client.shop.orders.find_one()
    except pymongo.errors.ServerSelectionTimeoutError as error:
        print(type(error).__mro__)

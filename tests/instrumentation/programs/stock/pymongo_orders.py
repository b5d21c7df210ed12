"""A MongoDB that cannot be reached: the same error, and nothing else."""

import pymongo
import pymongo.errors

client: "pymongo.MongoClient[dict[str, object]]" = pymongo.MongoClient(
    "mongodb://127.0.0.1:1/shop", serverSelectionTimeoutMS=200
)
with client:
    try:
        client.shop.orders.insert_one({"_id": 1, "sku": "tea"})
    except pymongo.errors.ServerSelectionTimeoutError as error:
        print(type(error).__mro__, client.shop.orders.full_name)

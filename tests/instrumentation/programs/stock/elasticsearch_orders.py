"""Orders in Elasticsearch: what the client asks, an unknown path, a refused connection."""

import elasticsearch
from http_server import serving

with serving() as url, elasticsearch.Elasticsearch(url, max_retries=0) as client:
    print(client.index(index="orders", id="1", document={"sku": "tea"}))
    print(client.search(index="orders", query={"match_all": {}}))
    print(client.options(ignore_status=404).perform_request("GET", "/missing").meta.status)
with elasticsearch.Elasticsearch("http://127.0.0.1:1", max_retries=0) as client:
    try:
        client.get(index="orders", id="1")
    except elasticsearch.ConnectionError as error:
        print(type(error).__mro__)

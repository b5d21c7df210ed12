"""Calls over urllib3: an answer, an error status, a refused connection."""

import urllib3
from http_server import serving

with serving() as url, urllib3.PoolManager() as pool:
    print(pool.request("GET", f"{url}/orders/1").data)
    print(pool.request("POST", f"{url}/orders", json={"id": 1}).status)
    print(pool.request("GET", f"{url}/missing").status)
try:
    urllib3.request("GET", "http://127.0.0.1:1/", retries=False)
except urllib3.exceptions.HTTPError as error:
    print(type(error).__mro__)

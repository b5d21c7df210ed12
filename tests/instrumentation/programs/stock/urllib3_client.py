"""Calls over urllib3: an answer, error statuses, one of them asked for three times, a refused connection."""

import urllib3
from http_server import serving

with serving() as url, urllib3.PoolManager() as pool:
    print(pool.request("GET", f"{url}/orders/1").data)
    print(pool.request("POST", f"{url}/orders", json={"id": 1}).status)
    print(pool.request("GET", f"{url}/missing").status)
    retries = urllib3.Retry(2, status_forcelist=[404], raise_on_status=False)
    print(pool.request("GET", f"{url}/missing", retries=retries, timeout=urllib3.Timeout(9, read=8)).status)
try:
    urllib3.request("GET", "http://127.0.0.1:1/", retries=False)
except urllib3.exceptions.HTTPError as error:
    print(type(error).__mro__)

"""Calls over requests: an answer, an error status, a refused connection."""

import requests
from http_server import serving

with serving() as url, requests.Session() as session:
    print(requests.get(f"{url}/orders/1", timeout=9).json())
    print(session.post(f"{url}/orders", json={"id": 1}, timeout=9).status_code)
    try:
        session.get(f"{url}/missing", timeout=9).raise_for_status()
    except requests.HTTPError as error:
        print(type(error).__name__, error.response.status_code)
try:
    requests.get("http://127.0.0.1:1/", timeout=9)
except requests.ConnectionError as error:
    print(type(error).__mro__)

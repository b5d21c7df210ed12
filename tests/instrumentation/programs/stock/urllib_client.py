"""Calls over urllib: an answer, an error status, a refused connection."""

import urllib.error
import urllib.request

from http_server import serving

with serving() as url:
    with urllib.request.urlopen(f"{url}/orders/1", timeout=9) as answer:  # noqa: S310 - http
        print(answer.status, answer.read())
    try:
        urllib.request.urlopen(f"{url}/missing", timeout=9)  # noqa: S310 - http
    except urllib.error.HTTPError as error:
        print(error.code, error.read())
        error.close()
try:
    urllib.request.urlopen("http://127.0.0.1:1/", timeout=9)
except urllib.error.URLError as error:
    print(error)

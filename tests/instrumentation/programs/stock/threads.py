"""Threads, timers and executors; the program ends with an exception that nobody handles."""

import threading
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(str.upper, ["tea", "jam"])), pool.submit(divmod, 7, 2).result())
thread = threading.Thread(target=print, args=("in a thread",))
thread.start()
thread.join()
timer = threading.Timer(0, print, ("in a timer",))
timer.start()
timer.join()
raise LookupError("no such order")

"""Coroutines, tasks, timeouts and executors of asyncio."""

import asyncio


async def pack(order: int) -> int:
    await asyncio.sleep(0)
    return order + 1


async def main() -> None:
    print(await asyncio.gather(pack(1), pack(2)), await asyncio.to_thread(divmod, 7, 2))
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except TimeoutError as error:
        print(repr(error))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pack(3), name="packing")
    print(task.get_name(), task.result())


asyncio.run(main())

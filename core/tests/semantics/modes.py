"""Grad modes: what no_grad and its like reach."""

from semantics.row import Row

TITLE = "Grad modes"
COUNT = 6
ROWS = [
    Row(
        "4.1",
        "decorators",
        """
        @pb.no_grad
        def f():
            return pb.is_grad_enabled()
        @pb.set_grad_enabled(False)
        def g():
            yield pb.is_grad_enabled()
        @pb.inference_mode()
        def h():
            return pb.is_grad_enabled()
        f(), list(g()), h(), pb.is_grad_enabled()
        """,
        "(False, [False], False, True)",
        "(False, [False], False, True)",
    ),
    Row(
        "4.2",
        "@no_grad() on async def",
        """
        import asyncio
        @pb.no_grad()
        async def f():
            await asyncio.sleep(0)
            return pb.is_grad_enabled()
        asyncio.run(f())
        """,
        "does not apply: True",
        "False",
        "The decorators know functions, generators, coroutines and asynchronous generators.",
    ),
    Row(
        "4.3",
        "no_grad across an await, seen by another task",
        """
        import asyncio
        async def a():
            with pb.no_grad():
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        async def b():
            await asyncio.sleep(0)
            return pb.is_grad_enabled()
        async def both():
            return (await asyncio.gather(a(), b()))[1]
        asyncio.run(both())
        """,
        "leaks: False",
        "True",
        "A mode belongs to the task that set it.",
    ),
    Row(
        "4.4",
        "a new thread inside no_grad",
        """
        from concurrent.futures import ThreadPoolExecutor
        with pb.no_grad(), ThreadPoolExecutor(1) as pool:
            seen = pool.submit(pb.is_grad_enabled).result()
        seen
        """,
        "True",
        "True",
    ),
    Row(
        "4.5",
        "enable_grad inside inference_mode",
        "with pb.inference_mode(), pb.enable_grad():\n    inside = pb.is_grad_enabled()\ninside",
        "False",
        "False",
    ),
    Row(
        "4.6",
        "set_grad_enabled as a function",
        "with pb.no_grad():\n    pb.set_grad_enabled(True)\n"
        "    at_once = pb.is_grad_enabled()\nat_once, pb.is_grad_enabled()",
        "(True, True)",
        "(True, True)",
    ),
]

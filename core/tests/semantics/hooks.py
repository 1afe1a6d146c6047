"""Hooks: order, and what they may not return."""

from semantics.row import Row

TITLE = "Hooks"
COUNT = 11
ROWS = [
    Row(
        "6.1",
        "the order at a result",
        """
        seen = []
        y = x * 2
        _ = y.grad_fn.register_hook(lambda i, o: seen.append("node post"))
        _ = y.grad_fn.register_prehook(lambda o: seen.append("node pre"))
        _ = y.register_hook(lambda g: seen.append("tensor"))
        y.sum().backward()
        seen
        """,
        "['tensor', 'node pre', 'node post']",
        "['tensor', 'node pre', 'node post']",
    ),
    Row(
        "6.2",
        "the order at a leaf",
        """
        seen = []
        _ = x.register_post_accumulate_grad_hook(lambda t: seen.append(("accumulated", t.grad is not None)))
        _ = x.register_hook(lambda g: seen.append(("first", x.grad is not None)))
        _ = x.register_hook(lambda g: seen.append(("second", x.grad is not None)))
        x.sum().backward()
        seen
        """,
        "[('first', False), ('second', False), ('accumulated', True)]",
        "[('first', False), ('second', False), ('accumulated', True)]",
    ),
    Row(
        "6.3",
        "a hook that returns another shape",
        "_ = x.register_hook(lambda g: g[:1])\nx.sum().backward()",
        "RuntimeError",
        "CotangentError (RuntimeError)",
    ),
    Row(
        "6.4",
        "a hook that returns another dtype",
        "_ = x.register_hook(lambda g: g.double())\nx.sum().backward()",
        "RuntimeError",
        "CotangentError (RuntimeError)",
    ),
    Row(
        "6.5",
        "a hook that returns a number",
        "_ = x.register_hook(lambda g: 3)\nx.sum().backward()",
        "RuntimeError",
        "CotangentError (RuntimeError)",
    ),
    Row(
        "6.6",
        "a hook on a Tensor that does not require grad",
        "pb.ones(1).register_hook(print)",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "6.7",
        "a post-accumulate hook on a result",
        "(x * 2).register_post_accumulate_grad_hook(print)",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "6.8",
        "a pack hook that writes",
        """
        y = x * 1
        with graph.saved_tensors_hooks(lambda t: t.mul_(5), lambda t: t / 5):
            z = (y * y).sum()
        z.backward()
        y, x.grad
        """,
        "RuntimeError",
        "(tensor([1., 2., 3.], grad_fn=<MulBackward0>), tensor([2., 4., 6.]))",
        "The hook is handed a Tensor whose memory no write reaches, so there is nothing to refuse.",
    ),
    Row(
        "6.9",
        "multi-grad hooks: 'all' with None for what gets nothing, 'any' once",
        """
        b, seen = pb.ones(3, requires_grad=True), []
        _ = graph.register_multi_grad_hook([x, b], lambda gs: seen.append([g is None for g in gs]))
        _ = graph.register_multi_grad_hook([x, b], lambda g: seen.append("any"), mode="any")
        x.sum().backward()
        seen
        """,
        "['any', [False, True]]",
        "['any', [False, True]]",
    ),
    Row(
        "6.10",
        "x * x packs twice",
        """
        packed = []
        with graph.saved_tensors_hooks(lambda t: packed.append(1) or t, lambda t: t):
            _ = x * x
        len(packed)
        """,
        "2",
        "2",
    ),
    Row(
        "6.11",
        "allow_mutation_on_saved_tensors",
        """
        y = x * 1
        with graph.allow_mutation_on_saved_tensors():
            z = (y * y).sum()
            with pb.no_grad():
                y *= 0
            z.backward()
        x.grad, y.detach()
        """,
        "(tensor([2., 4., 6.]), tensor([0., 0., 0.]))",
        "(tensor([2., 4., 6.]), tensor([0., 0., 0.]))",
    ),
]

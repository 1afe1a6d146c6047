"""What Tensors do: leaves, `.grad`, detach, views, graphs."""

from semantics.row import Row

TITLE = "Tensors"
COUNT = 33
ROWS = [
    Row(
        "3.1",
        "results require grad if an input does; integers never",
        "(x * 2).requires_grad, (x > 1).requires_grad, pb.argmax(x).requires_grad",
        "(True, False, False)",
        "(True, False, False)",
    ),
    Row(
        "3.2",
        "a factory under no_grad",
        "with pb.no_grad():\n    w = pb.ones(1, requires_grad=True)\n    y = w * 2\nw.requires_grad, y.requires_grad",
        "(True, False)",
        "(True, False)",
    ),
    Row("3.3", "is_leaf after another dtype", "x.double().is_leaf, x.float() is x", "(False, True)", "(False, True)"),
    Row(
        "3.4",
        "requires_grad = False after use",
        "b = x * 2\nx.requires_grad = False\nb.grad_fn.name(), (x * 2).requires_grad",
        "('MulBackward0', False)",
        "('MulBackward0', False)",
    ),
    Row(
        "3.5",
        ".grad is one object that passes add to",
        "x.sum().backward()\ng = x.grad\nx.sum().backward()\nx.grad is g, g",
        "(True, tensor([2., 2., 2.]))",
        "(True, tensor([2., 2., 2.]))",
    ),
    Row(
        "3.6",
        ".grad set before",
        "x.grad = pb.ones(3)\nx.sum().backward()\nx.grad",
        "tensor([2., 2., 2.])",
        "tensor([2., 2., 2.])",
    ),
    Row(
        "3.7",
        "the gradient argument stays the user's",
        "go = pb.ones(3)\nx.reshape((3,)).backward(go)\nx.reshape((3,)).backward(pb.ones(3))\ngo",
        "tensor([2., 2., 2.])",
        "tensor([1., 1., 1.])",
        "`.grad` never shares memory with what the user passed in.",
    ),
    Row(
        "3.8",
        "gradients do not share memory",
        "b = pb.ones(3, requires_grad=True)\nga, gb = ag.grad(x + b, [x, b], pb.ones(3))\nga.mul_(5)\ngb",
        "tensor([5., 5., 5.])",
        "tensor([1., 1., 1.])",
        "Gradients never share memory with each other.",
    ),
    Row(
        "3.9",
        "the gradient of sum() can be written",
        "(g,) = ag.grad(x.sum(), x)\ng.add_(1)\ng",
        "RuntimeError: its elements share memory",
        "tensor([2., 2., 2.])",
        "What leaves a pass has memory of its own.",
    ),
    Row(
        "3.10",
        "mixed dtypes",
        "d = pb.ones(3, dtype=pb.float64, requires_grad=True)\n(x * d).sum().backward()\nx.grad.dtype, d.grad.dtype",
        "each .grad in the dtype of its leaf",
        "(pullback.float32, pullback.float64)",
    ),
    Row(
        "3.11", "one element of shape (1,)", "x[0:1].backward()\nx.grad", "tensor([1., 0., 0.])", "tensor([1., 0., 0.])"
    ),
    Row("3.12", "backward on a leaf", "x.backward(pb.ones(3))\nx.grad", "tensor([1., 1., 1.])", "tensor([1., 1., 1.])"),
    Row("3.13", "retain_grad on a leaf", "x.retain_grad()\nx.retains_grad", "False", "False"),
    Row(
        "3.14",
        "retain_grad sees what hooks made",
        "y = x * 2\ny.retain_grad()\n_ = y.register_hook(lambda g: g * 10)\ny.sum().backward()\ny.grad",
        "tensor([10., 10., 10.])",
        "tensor([10., 10., 10.])",
    ),
    Row(
        "3.15",
        "a write through detach() of a saved value",
        "y = x * 1\nz = (y * y).sum()\ny.detach().mul_(0)\nz.backward()",
        "RuntimeError",
        "OverwrittenError (RuntimeError)",
    ),
    Row(
        "3.16",
        "a write through .data of a saved value",
        "y = x * 1\nz = (y * y).sum()\ny.data.mul_(0)\nz.backward()",
        "silently wrong",
        "OverwrittenError (RuntimeError)",
        "`.data` is `.detach()`: the write is noticed.",
    ),
    Row(
        "3.17",
        "a write through a NumPy alias of a saved value",
        "y = x * 1\nz = (y * y).sum()\ny.detach().numpy()[0] = 7",
        "silently wrong",
        "ValueError",
        "NumPy is handed a window that cannot be written.",
    ),
    Row(
        "3.18",
        "a write through a NumPy alias of a leaf",
        "a = x.detach().numpy()\na *= 5",
        "changes the leaf",
        "ValueError",
        "The same window.",
    ),
    Row(
        "3.19",
        "pickle of a result",
        "import pickle\npickle.dumps(x * 2)",
        "comes back as a leaf",
        "AutogradError (RuntimeError)",
        "Its history would be lost without a word; `deepcopy` refuses likewise, in both.",
    ),
    Row(
        "3.20",
        "y[i] = v with a gradient, on a constant",
        "y = pb.zeros(3)\ny[0] = x[2]\ny.sum().backward()\ny.requires_grad, x.grad",
        "(True, tensor([0., 0., 1.]))",
        "(True, tensor([0., 0., 1.]))",
    ),
    Row(
        "3.21",
        "in place on a view changes its base, and back",
        "y = x * 1\nv = y[:2]\nv *= 3\n(y.sum()).backward()\nx.grad",
        "tensor([3., 3., 1.])",
        "tensor([3., 3., 1.])",
    ),
    Row(
        "3.22",
        "x -= lr * g under no_grad keeps the leaf",
        "with pb.no_grad():\n    x -= 0.5 * pb.ones(3)\nx.is_leaf, x._version",
        "(True, 1)",
        "(True, 1)",
    ),
    Row("3.23", "x = x - lr * g loses it", "x = x - 0.5 * pb.ones(3)\nx.is_leaf", "False", "False"),
    Row(
        "3.24",
        "a graph of 20 000 operations",
        "y = x.sum()\nfor _ in range(20000):\n    y = y + 1\ny.backward()\nx.grad",
        "works, without recursion",
        "tensor([1., 1., 1.])",
    ),
    Row(
        "3.25",
        "the second derivative of a linear function",
        "(g,) = ag.grad((x * 2).sum(), x, create_graph=True)\nag.grad(g.sum(), x, materialize_grads=True)",
        "RuntimeError, even so",
        "(tensor([0., 0., 0.]),)",
        "`materialize_grads=True` asks for zeros where nothing depends on an input, and gives them. (Without it: an error.)",
    ),
    Row(
        "3.26",
        "derivatives of x**3 at 3, one after the other",
        """
        x = pb.tensor(3.0, requires_grad=True)
        y, found = x**3, []
        for _ in range(5):
            found.append(y.item())
            (y,) = ag.grad(y, x, create_graph=True, materialize_grads=True)
        found
        """,
        "[27.0, 27.0, 18.0, 6.0, 0.0]",
        "[27.0, 27.0, 18.0, 6.0, 0.0]",
    ),
    Row(
        "3.27",
        "8 threads, 50 passes each, one leaf",
        """
        from concurrent.futures import ThreadPoolExecutor
        def work(_):
            for _ in range(50):
                x.sum().backward()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        x.grad
        """,
        "exact",
        "tensor([400., 400., 400.])",
    ),
    Row(
        "3.28",
        "the thread of a pass",
        """
        import threading
        y = x * 2
        _ = y.register_hook(lambda g: seen.append(threading.current_thread() is threading.main_thread()))
        seen = []
        y.sum().backward()
        seen == [threading.current_thread() is threading.main_thread()]
        """,
        "the caller's",
        "True",
    ),
    Row(
        "3.29",
        "gradient edges and dicts of inputs",
        "h = x * 2\ny = (h * h).sum()\nag.grad(y, graph.get_gradient_edge(h), retain_graph=True), ag.grad(y, {'x': x})",
        "work",
        "((tensor([ 4.,  8., 12.]),), {'x': tensor([ 8., 16., 24.])})",
    ),
    Row(
        "3.30",
        "is_grads_batched",
        "x = pb.tensor([1.0, 2.0], requires_grad=True)\nag.grad(x * x, x, pb.eye(2), is_grads_batched=True)",
        "(tensor([[2., 0.],\n        [0., 4.]]),)",
        "(tensor([[2., 0.],\n        [0., 4.]]),)",
    ),
    Row(
        "3.31",
        "checkpoint",
        """
        calls = []
        def f(x):
            calls.append(1)
            return pb.exp(pb.sin(x))
        ag.checkpoint(f, x).sum().backward()
        len(calls)
        """,
        "the function runs twice, with use_reentrant=False",
        "2",
    ),
    Row("3.32", "asarray of a Tensor", "pb.asarray(x).requires_grad", "True", "True"),
    Row(
        "3.33",
        "__array_namespace__",
        "x.__array_namespace__().__name__.startswith('pullback')",
        "absent",
        "True",
        "pullback follows the Array API standard, so libraries that speak it take Tensors.",
    ),
]

"""Errors and warnings: exception classes are caught as PyTorch's would be; the words are ours."""

from semantics.row import Row

TITLE = "Errors and warnings"
COUNT = 42
ROWS = [
    Row(
        "2.1",
        "an implied gradient of several elements",
        "(x * 2).backward()",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.2",
        "an implied gradient of a complex result",
        "(x * 1j).sum().backward()",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.3",
        "a second backward",
        "y = (x * x).sum()\ny.backward()\ny.backward()",
        "RuntimeError",
        "GraphFreedError (RuntimeError)",
    ),
    Row(
        "2.4",
        "a second backward where nothing was saved",
        "y = (x + 1).sum()\ny.backward()\ny.backward()\nx.grad",
        "adds up",
        "tensor([2., 2., 2.])",
    ),
    Row("2.5", "in place on a leaf that requires grad", "x += 1", "RuntimeError", "AutogradError (RuntimeError)"),
    Row("2.6", "in place on a part of such a leaf", "x[0] = 1.0", "RuntimeError", "AutogradError (RuntimeError)"),
    Row(
        "2.7",
        "mark_dirty on such a leaf",
        """
        class F(ag.Function):
            def forward(ctx, x):
                ctx.mark_dirty(x)
                return x.add_(1)
        F.apply(x)
        """,
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.8",
        "a saved value that was written",
        """
        y = x + 0
        z = (y * y).sum()
        y += 1
        z.backward()
        x.grad
        """,
        "RuntimeError",
        "tensor([2., 4., 6.])",
        "A recorded write is made out of place, so the pass has the value that it saved: the gradient of what was computed. "
        "Under `no_grad` memory is written, and the pass refuses: 3.15.",
    ),
    Row(
        "2.9",
        "a write to a view made under no_grad",
        "y = x * 1\nwith pb.no_grad():\n    v = y[:2]\nv += 1",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.10",
        "in place on an output of unstack",
        "y = x * 1\na, b, c = pb.unstack(y)\na *= 5\ny.sum().backward()\nx.grad",
        "RuntimeError",
        "tensor([5., 1., 1.])",
        "Every view writes through here, one of several as well as one alone.",
    ),
    Row(
        "2.11",
        "an integer leaf",
        "pb.ones(3, dtype=pb.int64, requires_grad=True)",
        "RuntimeError",
        "DTypeError (TypeError, RuntimeError)",
    ),
    Row(
        "2.12",
        "requires_grad_() of integers",
        "pb.arange(3).requires_grad_()",
        "RuntimeError",
        "DTypeError (TypeError, RuntimeError)",
    ),
    Row(
        "2.13",
        "requires_grad = True of integers",
        "pb.arange(3).requires_grad = True",
        "RuntimeError",
        "DTypeError (TypeError, RuntimeError)",
    ),
    Row(
        "2.14",
        "requires_grad = False of a result",
        "y = x * 2\ny.requires_grad = False",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.15",
        "requires_grad = True of a result",
        "y = x * 2\ny.requires_grad = True\ny",
        "RuntimeError",
        "tensor([2., 4., 6.], grad_fn=<MulBackward0>)",
        "It requires grad already, and asking for what is so is no mistake (PyTorch's own `requires_grad_()` allows it).",
    ),
    Row(
        "2.16",
        "backward without a graph",
        "pb.ones(1).sum().backward()",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.17",
        "grad() of an input that does not require grad",
        "ag.grad(x.sum(), pb.ones(1))",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.18",
        "grad() of an input that is not used",
        "ag.grad(x.sum(), [x, pb.ones(1, requires_grad=True)])",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.19",
        "materialize_grads with allow_unused=False",
        "ag.grad(x.sum(), x, materialize_grads=True, allow_unused=False)",
        "ValueError",
        "ValueError",
    ),
    Row(
        "2.20",
        "a gradient of another shape",
        "(x * 2).backward(pb.ones(1))",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.21",
        "a complex gradient of a real output",
        "(x * 2).backward(pb.ones(3) * 1j)",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "2.22",
        "a list as gradient",
        "(x * 2).backward([1.0, 1.0, 1.0])",
        "TypeError",
        "ArgumentError (TypeError, ValueError)",
    ),
    Row("2.23", "backward(inputs=[])", "x.sum().backward(inputs=[])", "RuntimeError", "AutogradError (RuntimeError)"),
    Row(
        "2.24",
        "retain_grad without requires_grad",
        "pb.ones(1).retain_grad()",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row("2.25", ".grad of a result", "(x * 2).grad", "None + UserWarning", "None + UserWarning"),
    Row("2.26", "numpy() of a Tensor that requires grad", "x.numpy()", "RuntimeError", "AutogradError (RuntimeError)"),
    Row(
        "2.26 b",
        "NumPy's functions on such a Tensor",
        "np.sin(x)",
        "RuntimeError",
        "TypeError",
        "NumPy's ufuncs leave Tensors alone and say so themselves: `TypeError`; `np.asarray(x)` gives `AutogradError`.",
    ),
    Row("2.27", "float() of a Tensor that requires grad", "float(x.sum())", "6.0 + UserWarning", "6.0 + UserWarning"),
    Row(
        "2.27 b",
        "item() of such a Tensor",
        "x.sum().item()",
        "6.0 + UserWarning",
        "6.0",
        "`item()` says what it does, and every training loop prints its loss with it; what converts unasked warns.",
    ),
    Row("2.28", "__dlpack__() of such a Tensor", "x.__dlpack__()", "BufferError", "BufferError"),
    Row(
        "2.29",
        "deepcopy of a result",
        "import copy\ncopy.deepcopy(x * 2)",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row("2.30", ".grad of another shape", "x.grad = pb.ones(2)", "RuntimeError", "AutogradError (RuntimeError)"),
    Row(
        "2.30 b",
        ".grad of another dtype",
        "x.grad = pb.ones(3, dtype=pb.float64)",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row("2.30 c", ".grad that is no Tensor", "x.grad = 1.0", "TypeError", "TypeError"),
    Row(
        "2.31",
        "backward(create_graph=True)",
        "(x**3).sum().backward(create_graph=True)\nx.grad.detach()",
        "UserWarning: makes a cycle",
        "tensor([ 3., 12., 27.]) + UserWarning",
    ),
    Row(
        "2.32",
        "tensor() of a Tensor",
        "pb.tensor(x)",
        "a copy without history + UserWarning",
        "tensor([1., 2., 3.]) + UserWarning",
    ),
    Row(
        "2.33",
        "out= with grad",
        "pb.add(x, x, out=pb.zeros(3))",
        "RuntimeError",
        "TypeError",
        "The standard has no `out=`: no function here has one. Write `y[...] = x + x`, which is differentiated.",
    ),
    Row(
        "2.34",
        "integers += floats with a gradient",
        "n = pb.arange(3)\nn += x",
        "RuntimeError",
        "DTypeError (TypeError, RuntimeError)",
    ),
    Row(
        "2.35",
        "a result of inference_mode in a recorded computation",
        "with pb.inference_mode():\n    c = x * 2\n(c * x).sum().backward()\nx.grad",
        "RuntimeError: it cannot be saved",
        "tensor([2., 4., 6.])",
        "PyTorch spares such Tensors the version counter and must then forbid them. Here there is none to spare: what "
        "inference mode computes are constants like any others.",
    ),
    Row(
        "2.35 b",
        "it is written, asked for its version, and made to require grad",
        "with pb.inference_mode():\n    c = pb.ones(2)\nc += 1\nc._version, c.requires_grad_()",
        "RuntimeError, three times",
        "(1, tensor([2., 2.], requires_grad=True))",
        "As above.",
    ),
    Row(
        "2.36",
        "NaN in a backward pass with detect_anomaly",
        "with ag.detect_anomaly(), ag.ieee_products():\n    (pb.sqrt(x - 1) * 0.0).sum().backward()",
        "RuntimeError, with the line of the forward in a warning",
        "AnomalyError (RuntimeError)",
    ),
    Row("2.37", "detach_() on a view", "(x * 2)[:2].detach_()", "RuntimeError", "AutogradError (RuntimeError)"),
    Row(
        "2.38",
        "the truth of several elements",
        "bool(x > 1)",
        "RuntimeError",
        "ShapeError (ValueError, RuntimeError)",
        "",
    ),
    Row(
        "2.39",
        "mse_loss of (3, 1) and (3,)",
        "hasattr(pb, 'nn')",
        "UserWarning",
        "False",
        "Losses are no part of core.",
    ),
    Row(
        "2.40",
        "gradcheck without an input that requires grad",
        "ag.gradcheck(pb.sin, pb.ones(1))",
        "ValueError",
        "ValueError",
    ),
    Row(
        "2.41",
        "gradcheck of a wrong derivative",
        """
        class Wrong(ag.Function):
            def forward(ctx, x):
                return x * 2
            def backward(ctx, ct):
                return ct * 3
        ag.gradcheck(Wrong.apply, pb.ones(1, dtype=pb.float64, requires_grad=True))
        """,
        "RuntimeError (GradcheckError)",
        "GradcheckError (RuntimeError)",
    ),
    Row("2.42", "to(requires_grad=True)", "x.to(requires_grad=True)", "TypeError", "TypeError"),
]

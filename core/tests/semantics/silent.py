"""The twelve silent failures: `test_silent_failures.py` says more of each."""

from semantics.row import Row

TITLE = "Silently wrong in PyTorch"
COUNT = 12
CUBE = """
class Cube(ag.Function):
    @staticmethod
    def forward(ctx, x):
        {save}
        return x * x * x
    @staticmethod
    {decorated}def backward(ctx, ct):
        return ct * 3 * {read}
x = pb.tensor(2.0, requires_grad=True)
(g,) = ag.grad(Cube.apply(x), x, create_graph=True)
ag.grad(g, x)
"""
ROWS = [
    Row(
        "8.1",
        "once_differentiable, differentiated twice with a constant cotangent",
        CUBE.format(
            decorated="@ag.function.once_differentiable\n    ",
            save="ctx.save_for_backward(x)",
            read="ctx.saved_tensors[0] ** 2",
        ),
        "0, where 12 is right",
        "NoDerivativeError (NotImplementedError, RuntimeError)",
        "Refused.",
    ),
    Row(
        "8.2",
        "a saved value that is neither input nor output, differentiated twice",
        CUBE.format(decorated="", save="ctx.save_for_backward(x * x)", read="ctx.saved_tensors[0]"),
        "0, where 12 is right",
        "NoDerivativeError (NotImplementedError, RuntimeError)",
        "Refused.",
    ),
    Row(
        "8.3",
        "det of a singular matrix",
        "a = pb.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=pb.float64, requires_grad=True)\n"
        "pb.linalg.det(a).backward()\nnp.round(a.grad.numpy(), 6).tolist()",
        "zeros, where [[4, -2], [-2, 1]] is right",
        "[[4.0, -2.0], [-2.0, 1.0]]",
        "The adjugate is right at every matrix.",
    ),
    Row(
        "8.4",
        "a backward that writes its cotangent",
        """
        class F(ag.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1
            @staticmethod
            def backward(ctx, ct):
                return ct.mul_(2)
        y = F.apply(x) + x
        y.sum().backward()
        x.grad
        """,
        "4, where 3 is right",
        "tensor([3., 3., 3.])",
        "The write does not reach the array that others read.",
    ),
    Row(
        "8.5",
        "gradients that share memory with each other or with the user",
        "go = pb.ones(3)\nx.backward(go)\nx.grad.mul_(7)\ngo",
        "tensor([7., 7., 7.])",
        "tensor([1., 1., 1.])",
        "Never shared.",
    ),
    Row(
        "8.6",
        ".data and NumPy aliases",
        "y = x * 1\nz = (y * y).sum()\ny.data[0] = 7.0\nz.backward()",
        "400, where 4 is right",
        "OverwrittenError (RuntimeError)",
        "`.data` counts as a write. NumPy windows cannot be written (3.17). Memory that was shared before is guarded by "
        "`pb.autograd.graph.fingerprints()`.",
    ),
    Row(
        "8.7",
        "NaN of the forward computation under detect_anomaly",
        "with ag.detect_anomaly():\n    pb.log(-x).sum().backward()",
        "no error",
        "AnomalyError (RuntimeError)",
        "Refused before the pass begins, with the line.",
    ),
    Row(
        "8.8",
        "where: the branch not taken",
        "x = pb.tensor([0.0, -1.0, 4.0], requires_grad=True)\npb.where(x > 0, pb.sqrt(x), 0.0).sum().backward()\nx.grad",
        "tensor([nan, nan, 0.2500])",
        "tensor([0.0000, 0.0000, 0.2500])",
        "A zero cotangent stays zero; `ieee_products()` gives the literal product.",
    ),
    Row(
        "8.9",
        "Tensors in a list argument of a Function",
        """
        class F(ag.Function):
            @staticmethod
            def forward(ctx, xs):
                return xs[0] * 2
            @staticmethod
            def backward(ctx, ct):
                return [ct * 2]
        F.apply([x]).requires_grad
        """,
        "False",
        "True",
        "Tracked.",
    ),
    Row(
        "8.10",
        "a gradient of a reducible shape",
        """
        class F(ag.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, ct):
                return pb.ones(5, 3)
        F.apply(x).sum().backward()
        """,
        "summed",
        "CotangentError (RuntimeError)",
        "Refused, as another dtype is.",
    ),
    Row(
        "8.11",
        "no_grad on async def",
        """
        import asyncio
        @pb.no_grad()
        async def f():
            return pb.is_grad_enabled()
        asyncio.run(f())
        """,
        "True",
        "False",
        "It applies, and does not reach other tasks (4.3).",
    ),
    Row(
        "8.12",
        "a detached loss revived by requires_grad_()",
        "loss = (x * x).sum().detach().requires_grad_()\nloss.backward()\nx.grad",
        "None, without a word",
        "None + UserWarning",
        "A warning says that nothing upstream gets a gradient.",
    ),
]

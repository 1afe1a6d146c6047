"""`autograd.Function`, by what goes in, what comes out, and what is refused."""

from semantics.row import Row

TITLE = "Functions of the user"
COUNT = 25


def _program(forward: str, backward: str, use: str, name: str = "F") -> str:
    """A Function from two bodies, and what to do with it."""
    lines = [f"class {name}(ag.Function):", "    @staticmethod", "    def forward(ctx, x, *rest):"]
    lines += [f"        {line}" for line in forward.splitlines()]
    if backward:
        lines += ["    @staticmethod", "    def backward(ctx, *cts):"]
        lines += [f"        {line}" for line in backward.splitlines()]
    return "\n".join([*lines, use])


def _gives(grads: str, use: str = "F.apply(x).sum().backward()\nx.grad") -> str:
    return _program("return x * 2", f"return {grads}", use)


ROWS = [
    Row(
        "5.1",
        "an instance is called",
        _gives("cts[0]", "F()(x)"),
        "RuntimeError: write F.apply",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "5.2",
        "forward and backward that are not static",
        """
        class F(ag.Function):
            def forward(self, x):
                self.factor = 2
                return x * 2
            def backward(self, ct):
                return ct * self.factor
        F.apply(x).sum().backward()
        x.grad
        """,
        "works, self is ctx",
        "tensor([2., 2., 2.])",
    ),
    Row(
        "5.3",
        "keyword arguments",
        _gives("cts[0] * 2", "F.apply(x=x).sum().backward()\nx.grad"),
        "works",
        "tensor([2., 2., 2.])",
    ),
    Row("5.4", "too many gradients", _gives("(cts[0], cts[0])"), "RuntimeError", "CotangentError (RuntimeError)"),
    Row("5.4 b", "too many, all None", _gives("(cts[0] * 2, None)"), "works", "tensor([2., 2., 2.])"),
    Row("5.5", "a gradient of another shape", _gives("pb.ones(2)"), "RuntimeError", "CotangentError (RuntimeError)"),
    Row(
        "5.6",
        "a gradient of a shape that reduces to the input's",
        _gives("pb.ones(5, 3)"),
        "silently summed",
        "CotangentError (RuntimeError)",
        "A rule that returns another shape is wrong, or meant `.sum(axis=0)`; summing hides which.",
    ),
    Row(
        "5.7",
        "a gradient of another dtype",
        _gives("cts[0].double()"),
        "silently cast",
        "CotangentError (RuntimeError)",
        "Precision is lost or made up where nobody sees it.",
    ),
    Row("5.8", "a float as gradient", _gives("2.0"), "RuntimeError", "CotangentError (RuntimeError)"),
    Row(
        "5.9",
        "no backward",
        _program("return x * 2", "", "F.apply(x).sum().backward()"),
        "NotImplementedError",
        "NoDerivativeError (NotImplementedError, RuntimeError)",
    ),
    Row(
        "5.10",
        "no jvp",
        _gives("cts[0]", "pb.func.jvp(F.apply, (x.detach(),), (pb.ones(3),))"),
        "NotImplementedError",
        "NoDerivativeError (NotImplementedError, RuntimeError)",
    ),
    Row(
        "5.11",
        "forward with ctx under a transform",
        _gives("cts[0] * 2", "pb.func.grad(lambda x: F.apply(x).sum())(x.detach())"),
        "RuntimeError: split it into forward and setup_context",
        "tensor([2., 2., 2.])",
        "Both styles work under every transform.",
    ),
    Row(
        "5.12",
        "vmap without a rule for it",
        _gives("cts[0] * 2", "pb.func.vmap(F.apply)(x.detach())"),
        "RuntimeError: write vmap, or set generate_vmap_rule",
        "tensor([2., 4., 6.])",
        "`forward` and `backward` are mapped as they are.",
    ),
    Row(
        "5.13",
        "save_for_backward of a number",
        _program("ctx.save_for_backward(3)\nreturn x * 2", "return cts[0]", "F.apply(x)"),
        "TypeError",
        "TypeError",
    ),
    Row(
        "5.14",
        "results that are no Tensors",
        _program(
            "return x * 2, 'text'",
            "return cts[0] * 2 if cts[1] is None else None",
            "y, t = F.apply(x)\ny.sum().backward()\nt, x.grad",
        ),
        "passed on; backward gets None for them",
        "('text', tensor([2., 2., 2.]))",
    ),
    Row(
        "5.15",
        "an input returned as it is, then written",
        _program("return x", "return cts[0] * 2", "y = F.apply(x)\ny += 1\ny.sum().backward()\nx, x.grad"),
        "RuntimeError",
        "(tensor([1., 2., 3.], requires_grad=True), tensor([2., 2., 2.]))",
        "The result is a Tensor of its own; the write does not reach the input.",
    ),
    Row(
        "5.16",
        "a view returned, then written",
        _program(
            "return x[:2]",
            "return pb.concat([cts[0], cts[0][:1]])",
            "y = F.apply(x * 1)\ny += 1\ny.sum().backward()\nx.grad",
        ),
        "RuntimeError",
        "tensor([1., 1., 1.])",
        "As above.",
    ),
    Row(
        "5.17",
        "Tensors inside a list argument",
        """
        class F(ag.Function):
            @staticmethod
            def forward(ctx, xs):
                return xs[0] * xs[1]
            @staticmethod
            def backward(ctx, ct):
                return [ct * 2, ct * 3]
        w = pb.ones(3, requires_grad=True)
        F.apply([x, w]).sum().backward()
        x.grad, w.grad
        """,
        "not tracked, silently",
        "(tensor([2., 2., 2.]), tensor([3., 3., 3.]))",
        "Containers are taken apart and their Tensors tracked.",
    ),
    Row(
        "5.18",
        "mark_dirty: the result is the input",
        _program(
            "ctx.mark_dirty(x)\nreturn x.mul_(2)",
            "return cts[0] * 2",
            "y = x * 1\nz = F.apply(y)\nz.sum().backward()\nz is y, x.grad",
        ),
        "(True, tensor([2., 2., 2.]))",
        "(True, tensor([2., 2., 2.]))",
    ),
    Row(
        "5.18 b",
        "mark_dirty, and not returned",
        _program("ctx.mark_dirty(x)\nx.mul_(2)\nreturn x * 1", "return cts[0]", "F.apply(x * 1)"),
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "5.19",
        "a write without mark_dirty",
        _program("x.mul_(2)\nreturn x * 1", "return cts[0]", "F.apply(x * 1)"),
        "unnoticed",
        "AutogradError (RuntimeError)",
        "The version of each argument is compared.",
    ),
    Row(
        "5.20",
        "mark_non_differentiable",
        _program(
            "a, b = x * 2, x * 3\nctx.mark_non_differentiable(b)\nreturn a, b",
            "return cts[0] * 2 + cts[1]",
            "a, b = F.apply(x)\na.sum().backward()\na.requires_grad, b.requires_grad, x.grad",
        ),
        "(True, False, tensor([2., 2., 2.]))",
        "(True, False, tensor([2., 2., 2.]))",
    ),
    Row(
        "5.20 b",
        "mark_non_differentiable of what is not returned",
        _program("ctx.mark_non_differentiable(x * 3)\nreturn x * 2", "return cts[0]", "F.apply(x)"),
        "ignored",
        "AutogradError (RuntimeError)",
        "A mark that marks nothing is a mistake.",
    ),
    Row(
        "5.21",
        "set_materialize_grads(False)",
        _program(
            "ctx.set_materialize_grads(False)\nreturn x * 2, x * 3",
            "return cts[0] * 2 if cts[1] is None else None",
            "a, b = F.apply(x)\na.sum().backward()\nx.grad",
        ),
        "tensor([2., 2., 2.])",
        "tensor([2., 2., 2.])",
    ),
    Row(
        "5.22",
        "needs_input_grad in forward and backward",
        _program(
            "seen.append(ctx.needs_input_grad)\nreturn x * rest[0]",
            "seen.append(ctx.needs_input_grad)\nreturn cts[0], None",
            "seen = []\nF.apply(x, pb.ones(3)).sum().backward()\nseen",
        ),
        "[(True, False), (True, False)]",
        "[(True, False), (True, False)]",
    ),
    Row(
        "5.23",
        "grad mode in forward, in backward, and with create_graph",
        _program(
            "seen.append(pb.is_grad_enabled())\nreturn x * 2",
            "seen.append(pb.is_grad_enabled())\nreturn cts[0] * 2",
            "seen = []\nF.apply(x).sum().backward()\n_ = ag.grad(F.apply(x).sum(), x, create_graph=True)\nseen",
        ),
        "[False, False, False, True]",
        "[False, False, False, True]",
    ),
    Row(
        "5.24",
        "vjp and backward, both defined",
        """
        class F(ag.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, ct):
                return ct * 2
            vjp = backward
        F.apply(x).sum().backward()
        x.grad
        """,
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "5.25",
        "the class switch clear_saved_tensors_on_access",
        _program(
            "ctx.save_for_backward(x)\nreturn x * x",
            "return 2 * cts[0] * ctx.saved_tensors[0]",
            "F.clear_saved_tensors_on_access = True\nF.apply(x).sum().backward()\nx.grad",
        ),
        "frees what was saved as soon as it was read",
        "tensor([2., 4., 6.])",
        "Not a switch here: it has no effect, and a pass frees a node when it has run.",
    ),
]

"""gradcheck: signatures, tolerances, kinks."""

from semantics.row import Row

TITLE = "gradcheck"
PARAMETERS = (
    "['func', 'inputs', 'eps', 'atol', 'rtol', 'raise_exception', 'nondet_tol', 'check_undefined_grad', "
    "'check_grad_dtypes', 'check_batched_grad', 'check_batched_forward_grad', 'check_forward_ad', "
    "'check_backward_ad', 'fast_mode', 'masked']"
)
ROWS = [
    Row(
        "11.1",
        "the parameters of gradcheck",
        "import inspect\nlist(inspect.signature(ag.gradcheck).parameters)",
        PARAMETERS,
        PARAMETERS,
    ),
    Row(
        "11.2",
        "what gradgradcheck takes besides",
        """
        import inspect
        both = [set(inspect.signature(f).parameters) for f in (ag.gradgradcheck, ag.gradcheck)]
        sorted(both[0] - both[1])
        """,
        "['check_fwd_over_rev', 'check_rev_over_rev', 'gen_non_contig_grad_outputs', 'grad_outputs']",
        "['check_fwd_over_rev', 'check_rev_over_rev', 'gen_non_contig_grad_outputs', 'grad_outputs']",
    ),
    Row(
        "11.3",
        "float32",
        "ag.gradcheck(lambda x: x * x, x)",
        "fails: 1.967 for 2",
        "True",
        "Differences are computed in float64, and tolerances go by dtype.",
    ),
    Row(
        "11.4",
        "a kink with a subgradient",
        "ag.gradcheck(pb.abs, pb.tensor([0.0, 1.0], dtype=pb.float64, requires_grad=True))",
        "RuntimeError: a mismatch, without a hint",
        "True",
        "Where the one-sided derivatives differ, a value between them is right.",
    ),
    Row(
        "11.5",
        "a kink with another value",
        """
        class Wrong(ag.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return pb.abs(x)
            @staticmethod
            def backward(ctx, ct):
                (x,) = ctx.saved_tensors
                return ct * pb.where(x == 0, 3.0, pb.sign(x))
        try:
            ag.gradcheck(Wrong.apply, pb.tensor([0.0, 1.0], dtype=pb.float64, requires_grad=True))
        except RuntimeError as error:
            said = "kink" in str(error)
        said
        """,
        "a mismatch",
        "True",
        "The error says that there is a kink, and where.",
    ),
    Row(
        "11.6",
        "a function that is not deterministic",
        """
        class Random(ag.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, ct):
                return ct * (2 + 1e-6 * pb.rand(3, dtype=pb.float64))
        ag.gradcheck(Random.apply, pb.ones(3, dtype=pb.float64, requires_grad=True))
        """,
        "RuntimeError (GradcheckError)",
        "GradcheckError (RuntimeError)",
    ),
    Row(
        "11.7",
        "a backward that writes its cotangent",
        """
        class Writes(ag.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1
            @staticmethod
            def backward(ctx, ct):
                return ct.mul_(2)
        ag.gradcheck(Writes.apply, pb.ones(3, dtype=pb.float64, requires_grad=True))
        """,
        "True",
        "GradcheckError (RuntimeError)",
        "Its gradient is wrong, and found so.",
    ),
]
COUNT = len(ROWS)

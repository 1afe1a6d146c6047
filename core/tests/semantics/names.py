"""The names of `grad_fn` that PyTorch's tutorials print, and what it shows of what was saved."""

from semantics.row import Row

TITLE = "Names of grad_fn"
M = "pb.eye(3, requires_grad=True)"
NAMES = {
    "x + x": "AddBackward0",
    "x - x": "SubBackward0",
    "1 - x": "RsubBackward1",
    "x * x": "MulBackward0",
    "x / x": "DivBackward0",
    "1 / x": "MulBackward0",
    "-x": "NegBackward0",
    "x**2": "PowBackward0",
    "x**x": "PowBackward1",
    "2**x": "PowBackward2",
    f"{M} @ {M}": "MmBackward0",
    f"{M} @ x": "MvBackward0",
    "x @ x": "DotBackward0",
    f"pb.ones((2, 3, 3)) @ {M}": "UnsafeViewBackward0",
    "x.sum()": "SumBackward0",
    "x.sum(0)": "SumBackward1",
    "x.mean()": "MeanBackward0",
    "x.mean(0)": "MeanBackward1",
    "x.max()": "MaxBackward1",
    "pb.max(x, axis=0)": "MaxBackward0",
    "pb.exp(x)": "ExpBackward0",
    "pb.log(x)": "LogBackward0",
    "pb.sin(x)": "SinBackward0",
    "pb.tanh(x)": "TanhBackward0",
    "x.relu()": "ReluBackward0",
    "x.sigmoid()": "SigmoidBackward0",
    "pb.abs(x)": "AbsBackward0",
    "pb.sqrt(x)": "SqrtBackward0",
    "x.clamp(min=0)": "ClampBackward1",
    "pb.where(x > 1, x, 0.0)": "WhereBackward0",
    "pb.reshape(x, (3, 1))": "ViewBackward0",
    "x.view(3, 1)": "ViewBackward0",
    f"{M}.t()": "TBackward0",
    f"{M}.T": "PermuteBackward0",
    f"{M}.transpose(0, 1)": "TransposeBackward0",
    "x[0]": "SelectBackward0",
    "x[0:1]": "SliceBackward0",
    "x[[0]]": "IndexBackward0",
    "x[x > 1]": "IndexBackward0",
    "x[None]": "UnsqueezeBackward0",
    "pb.cat([x, x])": "CatBackward0",
    "pb.stack([x, x])": "StackBackward0",
    "pb.broadcast_to(x, (2, 3))": "ExpandBackward0",
    "x.clone()": "CloneBackward0",
    "x.double()": "ToCopyBackward0",
    "pb.var(x)": "VarBackward0",
    "pb.std(x)": "StdBackward0",
    "pb.linalg.vector_norm(x)": "LinalgVectorNormBackward0",
    "nn.functional.softmax(x, -1)": "SoftmaxBackward0",
    f"nn.functional.linear({M}, {M}, x)": "AddmmBackward0",
    "nn.functional.mse_loss(x, x * 2)": "MseLossBackward0",
    f"nn.functional.cross_entropy({M}, pb.arange(3))": "NllLossBackward0",
    "nn.functional.binary_cross_entropy_with_logits(x, x.detach() * 0)": "BinaryCrossEntropyWithLogitsBackward0",
}
OPERANDS = "One op, whichever operand is a number."
SHAPES = "One op, `matmul`, for operands of every shape."
AXES = "One op, with an axis or without."
PERMUTED = "One op for all permutations of axes."
COMPOSED = "Composed of other ops; this is the last of them."
NO_HISTORY = "The same values without history: a node keeps arrays, not Tensors."
NO_LAYERS = "Layers and losses are no part of core."
OTHERS = {
    "1 - x": ("SubBackward0", OPERANDS),
    "1 / x": ("DivBackward0", OPERANDS),
    "2**x": ("PowBackward1", OPERANDS),
    f"{M} @ x": ("MmBackward0", SHAPES),
    "x @ x": ("MmBackward0", SHAPES),
    f"pb.ones((2, 3, 3)) @ {M}": ("MmBackward0", SHAPES),
    "x.sum(0)": ("SumBackward0", AXES),
    "x.mean(0)": ("MeanBackward0", AXES),
    "x.max()": ("MaxBackward0", AXES),
    "x.relu()": ("WhereBackward0", COMPOSED),
    "x.sigmoid()": ("MulBackward0", COMPOSED),
    "x.clamp(min=0)": ("ClampBackward0", "One op, `clip`, with one bound or two."),
    f"{M}.t()": ("PermuteBackward0", PERMUTED),
    f"{M}.transpose(0, 1)": ("PermuteBackward0", PERMUTED),
    "x[[0]]": ("IndexSelectBackward0", "A list of integers is a `take` along one axis."),
    "pb.stack([x, x])": ("CatBackward0", COMPOSED),
    "pb.linalg.vector_norm(x)": ("ViewBackward0", COMPOSED),
}


def _program(code: str) -> str:
    return "hasattr(pb, 'nn')" if "nn." in code else f"({code}).grad_fn.name()"


ROWS = []
for i, (code, name) in enumerate(NAMES.items(), 1):
    ours, why = ("", NO_LAYERS) if "nn." in code else OTHERS.get(code, (name, ""))
    ROWS.append(Row(f"10.{i}", f"`{code}`", _program(code), repr(name), repr(ours) if ours else "False", why))
ROWS += [
    Row(
        "10.54",
        "a write by index",
        "y = x * 1\ny[0] = 5.0\ny.grad_fn.name()",
        "'CopySlices'",
        "'CopySlicesBackward0'",
        "Named as every op is.",
    ),
    Row(
        "10.55",
        "a leaf",
        "leaf = (x * 2).grad_fn.next_functions[0][0]\nleaf.name(), leaf.next_functions",
        "('AccumulateGrad', ())",
        "('AccumulateGrad', ())",
    ),
    Row(
        "10.56",
        "the saved input",
        "(pb.exp(x) * x).grad_fn._saved_other",
        "the input, the same object",
        "tensor([1., 2., 3.])",
        NO_HISTORY,
    ),
    Row(
        "10.57",
        "the saved result",
        "pb.exp(x).grad_fn._saved_result",
        "the values, another object",
        "tensor([ 2.7183,  7.3891, 20.0855])",
    ),
    Row(
        "10.58",
        "a saved value after the graph was freed",
        "y = pb.exp(x)\ny.sum().backward()\ny.grad_fn._saved_result",
        "RuntimeError",
        "AutogradError (RuntimeError)",
    ),
    Row(
        "10.59",
        "metadata and _sequence_nr()",
        "a = x * 2\nb = a * 3\na.grad_fn.metadata['n'] = 1\n"
        "b.grad_fn.next_functions[0][0].metadata, "
        "b.grad_fn._sequence_nr() > a.grad_fn._sequence_nr()",
        "({'n': 1}, True)",
        "({'n': 1}, True)",
    ),
    Row(
        "10.60",
        "a grad_fn is called",
        "(x * 2).grad_fn(pb.ones(3))",
        "runs the one rule",
        "TypeError",
        "A node's rule is run by passes alone; `pb.func.vjp` gives a function of the cotangent.",
    ),
]
COUNT = 60

"""How Tensors print."""

from semantics.row import Row

TITLE = "Printing"
ROWS = [
    Row(
        "9.1",
        "a leaf",
        "pb.ones(3, requires_grad=True)",
        "tensor([1., 1., 1.], requires_grad=True)",
        "tensor([1., 1., 1.], requires_grad=True)",
    ),
    Row(
        "9.2",
        "a result",
        "pb.ones(3, requires_grad=True) * 2",
        "tensor([2., 2., 2.], grad_fn=<MulBackward0>)",
        "tensor([2., 2., 2.], grad_fn=<MulBackward0>)",
    ),
    Row(
        "9.3",
        "0-d",
        "pb.tensor(1.5, requires_grad=True)",
        "tensor(1.5000, requires_grad=True)",
        "tensor(1.5000, requires_grad=True)",
    ),
    Row(
        "9.4",
        "dtype before grad_fn",
        "pb.ones(2, dtype=pb.float64, requires_grad=True) * 1",
        "tensor([1., 1.], dtype=torch.float64, grad_fn=<MulBackward0>)",
        "tensor([1., 1.], dtype=pullback.float64, grad_fn=<MulBackward0>)",
        "The name of the package.",
    ),
    Row(
        "9.5",
        "a Parameter",
        "hasattr(pb, 'nn')",
        "Parameter containing:\ntensor([1., 1.], requires_grad=True)",
        "False",
        "Parameters and layers are no part of core.",
    ),
    Row("9.6", "empty", "pb.zeros((0, 3))", "tensor([], size=(0, 3))", "tensor([], size=(0, 3))"),
    Row(
        "9.7",
        "not finite",
        "pb.tensor([float('nan'), 1.0, float('inf')])",
        "tensor([nan, 1., inf])",
        "tensor([nan, 1., inf])",
    ),
    Row(
        "9.8",
        "over 1000 elements",
        "pb.arange(2000)",
        "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])",
        "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])",
    ),
    Row(
        "9.9",
        "very different sizes",
        "pb.tensor([1e-5, 1.0])",
        "tensor([1.0000e-05, 1.0000e+00])",
        "tensor([1.0000e-05, 1.0000e+00])",
    ),
    Row("9.10", "rows", "pb.eye(2)", "tensor([[1., 0.],\n        [0., 1.]])", "tensor([[1., 0.],\n        [0., 1.]])"),
    Row(
        "9.11",
        "a suffix that does not fit",
        "pb.ones(7, requires_grad=True) * 1.25",
        "on a line of its own, indented by 7",
        "tensor([1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500],\n       grad_fn=<MulBackward0>)",
    ),
    Row("9.12", "grad_fn", "repr((x * 2).grad_fn).split(' at ')[0]", "<MulBackward0 object", "'<MulBackward0 object'"),
    Row(
        "9.13",
        "the grad_fn of a Function",
        "class Sq(ag.Function):\n    def forward(ctx, x):\n        return x * x\nSq.apply(x)",
        "tensor([1., 4., 9.], grad_fn=<SqBackward>)",
        "tensor([1., 4., 9.], grad_fn=<SqBackward>)",
    ),
    Row(
        "9.14",
        "a dual number",
        "with ag.forward_ad.dual_level():\n    text = repr(ag.forward_ad.make_dual(pb.tensor(2.0), pb.tensor(1.0)))\ntext",
        "'tensor(2., tangent=1.0)'",
        "'tensor(2., tangent=1.0)'",
    ),
    Row("9.15", "a format on 0-d", "f'{pb.tensor(1.5, requires_grad=True):.2f}'", "'1.50'", "'1.50'"),
    Row("9.16", "a format on 1-d", "f'{x:.2f}'", "TypeError", "TypeError"),
]
COUNT = len(ROWS)

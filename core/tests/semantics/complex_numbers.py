"""Complex numbers: the gradient of a real L is dL/dRe + i dL/dIm, as in PyTorch."""

from semantics.row import Row

TITLE = "Complex numbers"


def _at(z: str, result: str) -> str:
    return (
        f"z = pb.tensor({z}, dtype=pb.complex128, requires_grad=True)\nout = {result}\n"
        "out.backward(pb.ones_like(out))\ncomplex(np.round(z.grad.item(), 6)) + 0"
    )


ROWS = [
    Row("7.1", "(z * z).real at 1+2j", _at("1+2j", "(z * z).real"), "(2-4j)", "(2-4j)"),
    Row("7.2", "z * z at 1+2j", _at("1+2j", "z * z"), "(2-4j)", "(2-4j)"),
    Row("7.3", "conj", _at("1+2j", "pb.conj(z)"), "(1+0j)", "(1+0j)"),
    Row("7.4", "real", _at("1+2j", "pb.real(z)"), "(1+0j)", "(1+0j)"),
    Row("7.5", "imag", _at("1+2j", "pb.imag(z)"), "1j", "1j"),
    Row("7.6", "abs at 3+4j", _at("3+4j", "pb.abs(z)"), "(0.6+0.8j)", "(0.6+0.8j)"),
    Row("7.7", "abs at 0", _at("0j", "pb.abs(z)"), "0j", "0j"),
    Row("7.8", "the angle at 1+1j", _at("1+1j", "pb.atan2(pb.imag(z), pb.real(z))"), "(-0.5+0.5j)", "(-0.5+0.5j)"),
    Row("7.9", "the angle at 0", _at("0j", "pb.atan2(pb.imag(z), pb.real(z))"), "0j", "0j"),
    Row("7.10", "sign (PyTorch: sgn) at 3+4j", _at("3+4j", "pb.sign(z)"), "(0.128-0.096j)", "(0.128-0.096j)"),
    Row("7.11", "exp at 1j", _at("1j", "pb.exp(z)"), "(0.540302-0.841471j)", "(0.540302-0.841471j)"),
    Row("7.12", "z**0 at 0", _at("0j", "z**0"), "0j", "0j"),
    Row(
        "7.13",
        "a real input of a complex result",
        "(x * 1j).backward(pb.ones(3) * (1 + 2j))\nx.grad",
        "real: the imaginary part is dropped",
        "tensor([2., 2., 2.])",
    ),
]
COUNT = len(ROWS)

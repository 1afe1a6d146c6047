"""Programs written for PyTorch between 2018 and 2024, with only their import line changed, print what their documents show.

`seeds/` holds the programs letter by letter. Where a document shows what an old PyTorch printed, today's form is meant.
"""

import ast
import contextvars
import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import pullback as pb
import pytest

SEEDS = Path(__file__).parent / "seeds"
DEVICES = ["numpy", "strict", "strict:device1"]

# what `variables.py` says in a way that PyTorch has removed since, and what one writes today
TODAY = (("loss.data[0]", "loss.item()"), ("MyReLU()", "MyReLU.apply"))


@cache
def printed(name: str, device: str = "numpy", *replaced: tuple[str, str]) -> tuple[str, ...]:
    """The lines that a program prints, after these replacements in its text."""
    source = (SEEDS / f"{name}.py").read_text(encoding="utf-8").replace('"cpu"', f'"{device}"')
    for old, new in replaced:
        assert old in source
        source = source.replace(old, new)
    out = io.StringIO()

    def run() -> None:
        pb.set_default_device(device)
        pb.manual_seed(0)
        exec(compile(source, f"{name}.py", "exec"), {"__name__": "__main__"})  # noqa: S102  files of ours

    with redirect_stdout(out):
        contextvars.copy_context().run(run)
    return tuple(re.sub(r"at 0x[0-9a-f]+", "at 0x", line) for line in out.getvalue().splitlines())


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"[-+]?\b\d+\.?\d*(?:e[-+]\d+)?", text)]


def losses(lines: tuple[str, ...]) -> list[float]:
    """The second number of each line `step loss`."""
    return [float(line.split()[1]) for line in lines if re.fullmatch(r"\d+ \S+", line)]


@pytest.fixture(params=["linear_fit", "tracking", "sine_fit", "legendre_fit", "variables"])
def program(request):
    """Arguments of `printed` without the device."""
    return (request.param, *TODAY) if request.param == "variables" else (request.param,)


# --- what the documents show ------------------------------------------------------------------------------------------


def test_linear_fit():
    lines = printed("linear_fit")
    assert lines[:12] == (
        "tensor([10.])",
        "h tensor([25.], grad_fn=<PowBackward0>)",
        "z tensor([3.2189], grad_fn=<LogBackward0>)",
        "Gradient of f2 with respect to f1 0.3999999761581421",
        "Gradient of f1 with respect to x: 10.0",
        "Gradient of f with respect to x: 3.999999761581421",
        "True y-values: tensor([1.0000, 1.5000, 2.0000])",
        "Predicted y-values: tensor([2., 3., 4.], grad_fn=<AddBackward0>)",
        "MSE Loss: tensor(2.4167, grad_fn=<MeanBackward0>)",
        "Gradients for model parameters: tensor([6.6667, 3.0000])",
        "Updated model parameters: tensor([0.6667, 0.8500], grad_fn=<SubBackward0>)",
        "Epoch 0: loss=2.4166667461395264, param_a=1.0, param_b=1.0",
    )
    shown = [
        [1, 0.4854629337787628, 0.6666666269302368, 0.8500000238418579],
        [2, 0.10228254646062851, 0.5188888311386108, 0.7816666960716248],
        [3, 0.026139602065086365, 0.4537407159805298, 0.7497222423553467],
        [4, 0.010897613130509853, 0.42538395524024963, 0.734001874923706],
        [5, 0.007738022133708, 0.4134044051170349, 0.72552490234375],
        [6, 0.006978096440434456, 0.4087107181549072, 0.7202915549278259],
        [7, 0.0066972956992685795, 0.40725407004356384, 0.7165202498435974],
        [8, 0.006514647975564003, 0.4072314500808716, 0.7134174108505249],
        [9, 0.006354494486004114, 0.40783995389938354, 0.710629403591156],
        [10, 0.006201764103025198, 0.4087221026420593, 0.7079984545707703],
    ]
    assert [numbers(line) for line in lines[12:22]] == shown
    assert numbers(lines[22])[:2] == [11, 0.006053395569324493]
    assert len(lines) == 63
    assert re.fullmatch(
        r"Model parameters after training: tensor\(\[0.\d{4}, 0.\d{4}\], grad_fn=<SubBackward0>\)", lines[-1]
    )


def test_tracking():
    lines = printed("tracking")
    assert lines[:15] == (
        "tensor([[1., 1.],",
        "        [1., 1.]], requires_grad=True)",
        "tensor([[3., 3.],",
        "        [3., 3.]], grad_fn=<AddBackward0>)",
        "<AddBackward0 object at 0x>",
        "tensor([[27., 27.],",
        "        [27., 27.]], grad_fn=<MulBackward0>) tensor(27., grad_fn=<MeanBackward0>)",
        "False",
        "True",
        "<SumBackward0 object at 0x>",
        "tensor([[4.5000, 4.5000],",
        "        [4.5000, 4.5000]])",
        *lines[12:14],
        "True",
    )
    assert lines[14:] == ("True", "True", "False", "True", "False", "tensor(True)")
    # x is random, y = x * 2**n with the first n that brings its norm to 1000; the document had n = 10
    doubled, gradient = lines[12:14]
    number = r"-?\d+\.\d{4}"
    assert re.fullmatch(rf"tensor\(\[ *{number}, +{number}, +{number}\], grad_fn=<MulBackward0>\)", doubled)
    assert 1000 <= sum(n * n for n in numbers(doubled)[:3]) ** 0.5 < 2000
    assert gradient == "tensor([1.0240e+02, 1.0240e+03, 1.0240e-01])"


def test_sine_fit():
    lines = printed("sine_fit")
    assert [numbers(line)[0] for line in lines[:-1]] == list(range(99, 2000, 100))
    assert losses(lines) == sorted(losses(lines), reverse=True)
    assert losses(lines)[-1] < 20
    result = re.fullmatch(r"Result: y = (\S+) \+ (\S+) x \+ (\S+) x\^2 \+ (\S+) x\^3", lines[-1])
    # sine's best cubic on this interval is 0.8570 x - 0.0933 x^3
    assert [float(n) for n in result.groups()] == pytest.approx([0, 0.8570, 0, -0.0933], abs=0.1)


def test_legendre_fit():
    lines = printed("legendre_fit")
    assert [numbers(line)[0] for line in lines[:-1]] == list(range(99, 2000, 100))
    pytorch = [
        209.95834,
        144.66019,
        100.7025,
        71.035194,
        50.978512,
        37.403133,
        28.206867,
        21.973185,
        17.745728,
        14.87789,
    ]
    pytorch += [
        12.931766,
        11.610918,
        10.714257,
        10.105482,
        9.6921053,
        9.411376,
        9.2207451,
        9.0912857,
        9.0033617,
        8.9436417,
    ]
    assert losses(lines) == pytest.approx(pytorch, rel=1e-5)
    result = re.fullmatch(r"Result: y = (\S+) \+ (\S+) \* P3\((\S+) \+ (\S+) x\)", lines[-1])
    assert [float(n) for n in result.groups()] == pytest.approx([0, -2.2085268, 0, 0.2554861], abs=1e-6)


def test_both_documents_with_the_legendre_fit_have_one_program():
    first, second = (
        ast.parse((SEEDS / f"{name}.py").read_text(encoding="utf-8")) for name in ("legendre_fit", "legendre_function")
    )
    assert ast.dump(first) == ast.dump(second)


@pytest.mark.filterwarnings("ignore:the .grad of a Tensor that is not a leaf")
def test_variables():
    lines = printed("variables", "numpy", *TODAY)
    assert lines[:4] == ("None", "tensor([2.])", "<AddBackward0 object at 0x>", "None")
    for start in (4, 4 + 247):
        assert [numbers(line)[0] for line in lines[start : start + 200]] == list(range(200))
        loss = losses(lines[start : start + 200])
        assert loss == sorted(loss, reverse=True)
        assert loss[0] > 1e6
        assert loss[51] < 1000
        assert loss[-1] < 1e-2
        y, fit = "\n".join(lines[start + 200 : start + 247]).split(") tensor(")
        assert [len(numbers(row)) for row in y.splitlines()] == [4] * 24
        assert fit.endswith("]], grad_fn=<MmBackward0>)")
        assert numbers(fit.partition(", grad_fn")[0]) == pytest.approx(numbers(y), abs=0.02)
    assert len(lines) == 4 + 2 * 247


# --- what PyTorch has removed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.filterwarnings("ignore:the .grad of a Tensor that is not a leaf")
def test_indexing_a_scalar_says_what_to_write(device):
    with pytest.raises(IndexError, match=r"write x.item\(\), not x\[0\]"):
        printed("variables", device)


@pytest.mark.filterwarnings("ignore:the .grad of a Tensor that is not a leaf")
def test_an_instance_of_a_function_says_what_to_write():
    with pytest.raises(RuntimeError, match=r"static methods .* call MyReLU.apply\(...\)"):
        printed("variables", "numpy", TODAY[0])


# --- elsewhere --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES[1:])
@pytest.mark.filterwarnings("ignore:the .grad of a Tensor that is not a leaf")
def test_the_same_numbers_on_other_backends(program, device):
    name, *replaced = program
    here, there = printed(name, "numpy", *replaced), printed(name, device, *replaced)
    assert [re.sub(r"-?\d\S*", "", line) for line in there] == [re.sub(r"-?\d\S*", "", line) for line in here]
    for line, other in zip(here, there, strict=True):
        assert numbers(other) == pytest.approx(numbers(line), rel=1e-3, abs=1e-4)


@pytest.mark.filterwarnings("ignore:the .grad of a Tensor that is not a leaf")
@pytest.mark.parametrize(
    ("name", "replaced"),
    [
        ("linear_fit", [("range(50)", "range(3)")]),
        ("sine_fit", [("range(2000)", "range(6)"), ("% 100 == 99", "% 2 == 1")]),
        ("legendre_fit", [("range(2000)", "range(6)"), ("% 100 == 99", "% 2 == 1")]),
        ("variables", [*TODAY, ("range(200)", "range(2)")]),
    ],
)
def test_the_same_numbers_on_a_lazy_backend(name, replaced):
    """A few steps each; what prints a Tensor shows its chunks there, what prints a number computes it."""

    def told(device):
        lines = [line for line in printed(name, device, *replaced) if re.match(r"\d+ |Epoch |Result", line)]
        assert len(lines) > 2
        return lines

    for line, other in zip(told("numpy"), told("dask"), strict=True):
        assert numbers(other) == pytest.approx(numbers(line), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("device", DEVICES[1:])
def test_the_environment_chooses_the_backend(device):
    result = subprocess.run(
        [sys.executable, SEEDS / "tracking.py"],
        env={**os.environ, "PULLBACK_DEVICE": device},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines()[-6:] == ["True", "True", "False", "True", "False", "tensor(True)"]
    assert "device=" not in result.stdout  # it is the default

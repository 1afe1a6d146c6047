"""The examples run, on every backend alike, and arrive where they should."""

import contextvars
import io
import re
import runpy
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1]
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem not in ("_support", "run_all"))
MEASURING = {"neural_ode", "scipy_minimize", "digits"}  # time, memory, how often a minimiser asks: the last bits decide


def load(name):
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


QUICK = [name for name in load("run_all").SHORT if name != "logistic_regression"]


@pytest.fixture
def run(monkeypatch):
    """Run an example in this process; returns the lines that it printed."""
    monkeypatch.syspath_prepend(EXAMPLES)

    def run(name, *options):
        monkeypatch.setattr("sys.argv", [name, *map(str, options)])
        out = io.StringIO()
        with redirect_stdout(out):
            contextvars.copy_context().run(runpy.run_path, str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return out.getvalue().splitlines()

    return run


@pytest.fixture
def run_all():
    return load("run_all")


def numbers(line):
    return [float(n) for n in re.findall(r"[-+]?\b\d+\.?\d*(?:e[-+]\d+)?", line)]


def test_run_all_knows_every_example(run_all):
    assert sorted({name.split()[0] for name in run_all.SHORT}) == SCRIPTS


@pytest.mark.parametrize("device", ["strict", "strict:device1"])
@pytest.mark.parametrize("name", QUICK)
def test_every_backend_prints_the_same(run, run_all, name, device):
    short = run_all.command(name, short=True)[2:]
    name = name.split()[0]
    here, there = run(name, *short), run(name, "--backend", device, *short)
    assert here
    for line, other in zip(here, there, strict=True):
        assert re.sub(r"[-+]?\d\S*", " ", other).split() == re.sub(r"[-+]?\d\S*", " ", line).split()
        if name not in MEASURING:
            assert numbers(other) == pytest.approx(numbers(line), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", ["linear_fit", "two_layer_net", "physics_informed"])
def test_plots(run, tmp_path, name):
    picture = tmp_path / "picture.png"
    assert run(name, "--steps", 6, "--plot", picture)[-1] == f"wrote {picture}"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_unknown_backend_is_an_error_of_usage(run, capsys):
    with pytest.raises(SystemExit) as stop:
        run("sine_fit", "--backend", "abacus")
    assert stop.value.code == 2
    assert "nobody knows the device 'abacus'" in capsys.readouterr().err


def test_scipy_and_sklearn(run):
    lines = run("scipy_and_sklearn")
    (share,) = numbers(lines[0])
    assert share == pytest.approx(0.7296, abs=1e-4)  # known of this table: scaled iris
    assert numbers(lines[2])[-1] < 1e-12
    assert numbers(lines[-3])[-1] < 1e-10
    assert numbers(lines[-2])[-1] < 1e-20
    assert numbers(lines[-1])[-1] < 1e-10


def test_first_gradient(run):
    assert run("first_gradient")[:4] == [
        "y = tensor(5., grad_fn=<AddBackward0>)",
        "dy/dx = w = tensor(2.)",
        "dy/dw = x = tensor(1.)",
        "dy/db = 1 = tensor(1.)",
    ]


def test_chain_rule(run):
    assert run("chain_rule")[-2:] == ["their product = 0.400000", "dz/dx = 0.400000"]


def test_the_fits_of_sine(run):
    # the cubic that least squares gives, and the answer that PyTorch prints
    coefficients = [float(n) for n in re.findall(r"[-+]?\d+\.\d+", run("sine_fit")[-1])]
    assert coefficients == pytest.approx([0, 0.8567, 0, -0.0933], abs=0.05)
    assert run("legendre_fit")[-1].replace("-0.0000", "0.0000") == "y = 0.0000 -2.2085 P3(0.0000 +0.2555 x)"


@pytest.mark.parametrize("name", ["two_layer_net", "custom_relu"])
def test_the_nets_learn_their_data(run, name):
    *losses, last = run(name)
    assert numbers(losses[0])[1] > 1e6
    assert numbers(losses[-1])[1] < 1e-3
    assert numbers(last)[0] < 0.01


def test_logistic_regression_agrees_with_scikit_learn(run):
    share, theirs, weights, intercepts = (numbers(line)[0] for line in run("logistic_regression")[-4:])
    assert share == theirs > 0.98
    assert weights < 2e-3
    assert intercepts < 2e-2


@pytest.mark.parametrize(("net", "goal"), [("mlp", 0.97), ("conv", 0.98)])
def test_the_digits_are_told_right(run, net, goal):
    assert numbers(run("digits", "--net", net)[-2])[0] >= goal


@pytest.mark.parametrize("net", ["mlp", "conv"])
def test_the_digits_are_told_in_the_same_way_again(run, net, tmp_path):
    first, again = (run("digits", "--net", net, "--steps", 200, "--plot", tmp_path / "digits.png") for _ in range(2))
    assert first[:-2] == again[:-2]
    assert len(first) > 3
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


def test_an_example_that_misses_its_goal_fails(run):
    with pytest.raises(SystemExit, match="did not get there: "):
        run("neural_ode", "--steps", 1)


def test_minimisers_find_the_certified_answer(run):
    lines = run("scipy_minimize", "--variables", 6)
    values, gradients, products, least, error = numbers(lines[-2])
    assert (values, products) == (0, 5 * gradients)
    assert least == pytest.approx(5.4648946975e-05, rel=1e-6)  # the residual sum of squares that NIST certifies
    assert error < 1e-7
    assert numbers(lines[-1])[0] > 6  # one value where it stands, and one for each variable, but fewer gradients


def test_the_gaussian_process_is_the_one_of_scikit_learn(run):
    first, last = numbers(run("gaussian_process")[0])
    assert first == pytest.approx(-41.0381, abs=1e-3)
    assert last == pytest.approx(0.4555, abs=1e-3)


def test_run_all_fails_if_one_example_fails(run_all, monkeypatch, tmp_path, capsys):
    (tmp_path / "good.py").write_text("print('fine')")
    (tmp_path / "bad.py").write_text("raise SystemExit('no such luck')")
    monkeypatch.setattr(run_all, "HERE", tmp_path)
    monkeypatch.setattr(run_all, "SHORT", {"good": "", "bad": ""})
    assert run_all.main([]) == 1
    out, err = capsys.readouterr()
    assert "1 of 2 examples ran; failed: bad" in out
    assert "no such luck" in err
    monkeypatch.setattr(run_all, "SHORT", {"good": ""})
    assert run_all.main([]) == 0

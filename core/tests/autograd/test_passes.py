"""`backward` and `grad`: what they take, what they return, what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.errors import AutogradError, GraphFreedError


@pytest.fixture
def x(device: str) -> Any:
    return pb.tensor([1.0, 2.0, 3.0], requires_grad=True)


@pytest.fixture
def w(device: str) -> Any:
    return pb.tensor([4.0, 5.0, 6.0], requires_grad=True)


class TestInputs:
    """`backward(inputs=...)`: only these Tensors get a gradient."""

    def test_only_these(self, x: Any, w: Any) -> None:
        (x * w).sum().backward(inputs=[w])
        assert x.grad is None
        assert w.grad.tolist() == [1.0, 2.0, 3.0]

    def test_one_tensor(self, x: Any, w: Any) -> None:
        (x * w).sum().backward(inputs=x)
        assert x.grad.tolist() == [4.0, 5.0, 6.0]
        assert w.grad is None

    def test_a_generator(self, x: Any, w: Any) -> None:
        (x * w).sum().backward(inputs=(t for t in (x, w)))
        assert x.grad.tolist() == [4.0, 5.0, 6.0]
        assert w.grad.tolist() == [1.0, 2.0, 3.0]

    def test_a_result_keeps_its_gradient(self, x: Any) -> None:
        y = x * 2
        loss = (y * y).sum()
        loss.backward(inputs=[y], retain_graph=True)
        assert y.grad.tolist() == [4.0, 8.0, 12.0]
        assert x.grad is None
        loss.backward(inputs=[y, x])
        assert y.grad.tolist() == [8.0, 16.0, 24.0]
        assert x.grad.tolist() == [8.0, 16.0, 24.0]

    def test_a_result_with_create_graph(self, x: Any) -> None:
        y = x * 2
        (y**3).sum().backward(inputs=[y], create_graph=True)
        (second,) = pb.autograd.grad(y.grad.sum(), x)
        np.testing.assert_allclose(host(second), [24.0, 48.0, 72.0])  # 6 y * 2

    def test_one_that_is_not_reached_keeps_what_it_has(self, x: Any, w: Any) -> None:
        w.grad = pb.ones(3)
        x.sum().backward(inputs=[w])
        assert w.grad.tolist() == [1.0, 1.0, 1.0]
        assert x.grad is None

    def test_refusals_change_nothing(self, x: Any) -> None:
        y = (x * x).sum()
        with pytest.raises(AutogradError, match="empty"):
            y.backward(inputs=[])
        with pytest.raises(AutogradError, match="input 1 does not require grad"):
            y.backward(inputs=[x, pb.ones(3)])
        with pytest.raises(TypeError, match=r"inputs must be Tensors, got builtins.float"):
            y.backward(inputs=[x, 1.0])
        assert x.grad is None
        y.backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]


class TestStructure:
    """The gradients come in the containers of the inputs."""

    def test_a_tensor_and_sequences_give_a_tuple(self, x: Any, w: Any) -> None:
        for inputs in (x, [x], (x, w), [x, w], iter([x, w])):
            found = pb.autograd.grad((x * w).sum(), inputs)
            assert type(found) is tuple
            assert found[0].tolist() == [4.0, 5.0, 6.0]

    def test_a_dict(self, x: Any, w: Any) -> None:
        found = pb.autograd.grad((x * w).sum(), {"weights": w, "data": x})
        assert list(found) == ["weights", "data"]
        assert found["weights"].tolist() == [1.0, 2.0, 3.0]
        assert found["data"].tolist() == [4.0, 5.0, 6.0]

    def test_nested(self, x: Any, w: Any) -> None:
        @dataclass
        class Layer:
            weights: Any
            rest: list[Any]

        found = pb.autograd.grad((x * w).sum(), {"layer": Layer(w, [x, None])})
        assert found["layer"].weights.tolist() == [1.0, 2.0, 3.0]
        assert found["layer"].rest[0].tolist() == [4.0, 5.0, 6.0]
        assert found["layer"].rest[1] is None

    def test_nested_outputs_and_cotangents(self, x: Any) -> None:
        outputs = {"double": x * 2, "both": [x.sum(), (x * x).sum()]}
        cotangents = {"double": pb.ones(3), "both": [None, pb.tensor(10.0)]}
        assert pb.autograd.grad(outputs, x, cotangents)[0].tolist() == [23.0, 43.0, 63.0]
        pb.autograd.backward({"one": (x * 2).sum()})
        assert x.grad.tolist() == [2.0, 2.0, 2.0]


class TestUnused:
    def test_it_is_an_error(self, x: Any, w: Any) -> None:
        y = (x * x).sum()
        with pytest.raises(AutogradError, match=r"no output depends on input 1; pass allow_unused=True"):
            pb.autograd.grad(y, [x, w], retain_graph=True)
        assert pb.autograd.grad(y, [x, w], allow_unused=True)[1] is None

    def test_zeros_on_request(self, x: Any, w: Any) -> None:
        (_, g) = pb.autograd.grad((x * x).sum(), [x, w], materialize_grads=True)
        assert g.tolist() == [0.0, 0.0, 0.0]
        assert (g.dtype, g.device) == (w.dtype, w.device)
        with pytest.raises(ValueError, match="materialize_grads"):
            pb.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)

    def test_a_second_derivative_that_is_zero(self, x: Any) -> None:
        (first,) = pb.autograd.grad((3 * x).sum(), x, create_graph=True)
        with pytest.raises(AutogradError, match="does not require grad"):
            pb.autograd.grad(first.sum(), x)

    def test_no_grad_changes(self, x: Any) -> None:
        pb.autograd.grad((x * x).sum(), x)
        assert x.grad is None


class TestBatchedCotangents:
    def test_the_identity_gives_the_jacobian(self, x: Any, device: str) -> None:
        y = x * x
        (found,) = pb.autograd.grad(y, x, pb.eye(3), is_grads_batched=True)
        assert found.tolist() == [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]

    def test_as_a_loop(self, x: Any, w: Any, device: str) -> None:
        rng = np.random.default_rng(0)
        a = tensor(rng.standard_normal((3, 3)).astype(np.float32), device)
        y, z = pb.sin(a @ x) * w, (x * w).sum()
        cts = [tensor(rng.standard_normal((5, *shape)).astype(np.float32), device) for shape in ((3,), ())]
        found = pb.autograd.grad([y, z], {"x": x, "w": w}, cts, is_grads_batched=True, retain_graph=True)
        for i in range(5):
            alone = pb.autograd.grad([y, z], {"x": x, "w": w}, [ct[i, ...] for ct in cts], retain_graph=True)
            for name in ("x", "w"):
                np.testing.assert_allclose(host(found[name])[i], host(alone[name]), rtol=1e-5)

    def test_with_create_graph(self, x: Any, device: str) -> None:
        (rows,) = pb.autograd.grad((x**3).sum(), x, create_graph=True)
        (hessian,) = pb.autograd.grad(rows, x, pb.eye(3), is_grads_batched=True, create_graph=True)
        np.testing.assert_allclose(host(hessian), np.diag([6.0, 12.0, 18.0]))
        (third,) = pb.autograd.grad(hessian.sum(), x)
        np.testing.assert_allclose(host(third), [6.0, 6.0, 6.0])

    def test_unused(self, x: Any, w: Any, device: str) -> None:
        y = x * x
        options = {"is_grads_batched": True, "retain_graph": True}
        assert pb.autograd.grad(y, [x, w], pb.eye(3), allow_unused=True, **options)[1] is None
        zeros = pb.autograd.grad(y, [x, w], pb.eye(3), materialize_grads=True, **options)[1]
        assert zeros.tolist() == [[0.0] * 3] * 3

    def test_refusals(self, x: Any, device: str) -> None:
        y = x * x
        with pytest.raises(AutogradError, match="batch axis of one length in front"):
            pb.autograd.grad(y, x, is_grads_batched=True)
        with pytest.raises(AutogradError, match=r"batch axis of one length in front, got shapes \(2, 3\), \(3, 3\)"):
            pb.autograd.grad([y, y], x, [pb.ones(2, 3), pb.ones(3, 3)], is_grads_batched=True)
        with pytest.raises(AutogradError, match=r"cotangent of output 0 has shape \(2,\), the output \(3,\)"):
            pb.autograd.grad(y, x, pb.ones(3, 2), is_grads_batched=True)


class TestCotangents:
    def test_one_element_needs_none(self, device: str) -> None:
        for shape in ((), (1,), (1, 1)):
            x = pb.ones(*shape, requires_grad=True) if shape else pb.tensor(1.0, requires_grad=True)
            (x * 3).backward()
            assert host(x.grad).item() == 3.0

    def test_several_elements_do(self, x: Any) -> None:
        with pytest.raises(RuntimeError, match=r"output 0 has shape \(3,\). Reduce it"):
            (x * 2).backward()
        with pytest.raises(RuntimeError, match=r"output 1 has shape \(3,\)"):
            pb.autograd.backward([x.sum(), x * 2])
        assert x.grad is None

    def test_a_complex_output_does(self, device: str) -> None:
        z = pb.tensor(1 + 1j, requires_grad=True)
        with pytest.raises(RuntimeError, match=r"output 0 is complex64\. Take \.real"):
            (z * z).backward()

    @pytest.mark.parametrize("shape", [(2,), (1, 3), (), (3, 1)])
    def test_another_shape_is_refused_also_if_it_broadcasts(self, shape: tuple[int, ...], x: Any) -> None:
        with pytest.raises(RuntimeError, match=r"the cotangent of output 0 has shape .*, the output \(3,\)"):
            (x * 2).backward(pb.asarray(np.ones(shape, dtype=np.float32)).to(x.device))
        assert x.grad is None

    def test_a_complex_cotangent_for_a_real_output_is_refused(self, x: Any) -> None:
        with pytest.raises(RuntimeError, match="is complex64, the output float32"):
            (x * 2).backward(pb.ones(3, dtype=pb.complex64))
        with pytest.raises(RuntimeError, match="is int64, the output float32"):
            (x * 2).backward(pb.ones(3, dtype=pb.int64))

    def test_another_precision_is_converted(self, x: Any) -> None:
        (x * 2).backward(pb.ones(3, dtype=pb.float64))
        assert x.grad.dtype is pb.float32

    def test_another_device_is_refused(self) -> None:
        x = pb.ones(3, device="cpu", requires_grad=True)
        with pytest.raises(RuntimeError, match=r"is on strict, the output on cpu; write .to\('cpu'\)"):
            (x * 2).backward(pb.ones(3, device="strict"))
        assert x.grad is None

    def test_what_is_no_tensor_is_refused(self, x: Any) -> None:
        y = x * 2
        for wrong in (1.0, [1.0, 1.0, 1.0], np.ones(3)):
            with pytest.raises(TypeError, match="cotangent"):
                y.backward(wrong)
            with pytest.raises(TypeError, match="cotangent"):
                pb.autograd.backward(y, wrong)
        with pytest.raises(TypeError, match=r"outputs must be Tensors, got builtins\.float"):
            pb.autograd.backward(2.0)
        with pytest.raises(TypeError, match="there is no output, got None"):
            pb.autograd.grad(None, x)

    def test_too_few(self, x: Any) -> None:
        with pytest.raises(RuntimeError, match="2 outputs were given with 1 cotangents"):
            pb.autograd.backward([x.sum(), x.sum()], [None])


class TestNoGraph:
    def test_no_output_requires_grad(self, device: str) -> None:
        with pytest.raises(RuntimeError, match="output 0 does not require grad and has no grad_fn"):
            pb.ones(3).sum().backward()

    def test_an_input_does_not(self, x: Any) -> None:
        with pytest.raises(RuntimeError, match="input 0 does not require grad"):
            pb.autograd.grad(x.sum(), pb.ones(3))

    def test_recorded_under_no_grad(self, x: Any) -> None:
        with pb.no_grad():
            y = (x * x).sum()
        with pytest.raises(RuntimeError, match="does not require grad"):
            y.backward()


class TestRetainGraph:
    def test_it_defaults_to_create_graph(self, x: Any) -> None:
        y = (x * x).sum()
        pb.autograd.grad(y, x, create_graph=True)
        y.backward()
        with pytest.raises(GraphFreedError):
            y.backward()

    def test_a_pass_to_some_inputs_frees_only_its_way(self, x: Any, w: Any) -> None:
        a, b = x * x, w * w
        y = (a + b).sum()
        y.backward(inputs=[x])
        b.sum().backward()  # this part was not passed
        assert w.grad.tolist() == [8.0, 10.0, 12.0]
        with pytest.raises(GraphFreedError):
            a.sum().backward()

    def test_a_pass_may_run_inside_no_grad(self, x: Any) -> None:
        y = (x * x).sum()
        with pb.no_grad():
            y.backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]
        assert not x.grad.requires_grad


class TestConstants:
    def test_zeros_where_no_output_depends_on_anything(self, x: Any) -> None:
        (slope,) = pb.autograd.grad((2 * x).sum(), x, create_graph=True)
        (second,) = pb.autograd.grad(slope.sum(), x, materialize_grads=True)
        assert second.tolist() == [0.0, 0.0, 0.0]
        assert (second.dtype, second.device) == (x.dtype, x.device)

    def test_what_depends_on_something_still_counts(self, x: Any) -> None:
        constant = pb.ones(3).sum()
        outputs, cotangents = [constant, (x * x).sum()], [None, pb.tensor(2.0)]
        (grad,) = pb.autograd.grad(outputs, x, cotangents, materialize_grads=True)
        assert grad.tolist() == [4.0, 8.0, 12.0]

    def test_without_the_option_it_is_refused(self, x: Any) -> None:
        for options in ({}, {"allow_unused": True}):
            with pytest.raises(AutogradError, match="does not require grad"):
                pb.autograd.grad(pb.ones(3).sum(), x, **options)

    def test_the_number_of_cotangents_is_checked_all_the_same(self, x: Any) -> None:
        with pytest.raises(AutogradError, match="1 outputs were given with 2 cotangents"):
            pb.autograd.grad([pb.ones(1)], x, [None, None], materialize_grads=True)


class TestWarnings:
    def test_create_graph_makes_a_cycle(self, x: Any) -> None:
        with pytest.warns(UserWarning, match="makes a cycle") as said:
            (x**3).sum().backward(create_graph=True)
        with pytest.warns(UserWarning, match="makes a cycle") as said_too:
            pb.autograd.backward((x**3).sum(), create_graph=True)
        assert {w.filename for w in (*said, *said_too)} == {__file__}

    def test_a_number_taken_without_asking_ends_a_gradient(self, x: Any) -> None:
        total = x.sum()
        for convert in (float, int, complex):
            with pytest.warns(UserWarning, match="its gradient ends there"):
                assert convert(total) == 6
            assert convert(total.detach()) == 6
        assert total.item() == 6.0
        assert bool(total)
        assert f"{total:.1f}" == "6.0"

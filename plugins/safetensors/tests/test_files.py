"""Tensors come back as they were saved: here, in other programs, and from PyTorch."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
import pytest
import safetensors.numpy
from helpers.checks import host
from helpers.lazy import lazy_backend
from pullback.errors import ArgumentError, DTypeError
from pullback_safetensors import FileFormatError, load_file, safe_open, save_file
from pullback_safetensors.files import NAMES

TORCH = Path(__file__).parent / "data" / "torch.safetensors"
SHAPES: list[tuple[int, ...]] = [(), (3,), (0, 2), (2, 3, 4)]
STRICT = [name for name in NAMES.values() if name != "float16"]


def numbers(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(len(shape))
    if dtype == "bool":
        return np.asarray(rng.random(shape) > 0.5)
    if "int" in dtype:
        limits = np.iinfo(dtype)
        return np.asarray(rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True))
    values = np.asarray(rng.standard_normal(shape))
    return np.asarray(values + 1j * rng.standard_normal(shape) if "complex" in dtype else values).astype(dtype)


def everything(device: str, dtypes: Any) -> dict[str, Any]:
    return {
        f"{dtype}{list(shape)}": pb.asarray(numbers(dtype, shape)).to(device)
        for dtype in [*dtypes, "complex128"]
        for shape in SHAPES
    }


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sorted(found) == sorted(expected)
    for name, tensor in expected.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert host(found[name]).tobytes() == host(tensor).tobytes(), name


# --- saved and loaded ------------------------------------------------------------------------------------------------


def test_every_dtype_and_shape_comes_back_bit_for_bit(device: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    saved = everything(device, NAMES.values() if device == "cpu" else STRICT)
    save_file(saved, path, metadata={"note": "ünï\n"})
    assert_same(load_file(path), saved)
    assert_same(load_file(path, device="cpu"), saved)
    assert {str(tensor.device) for tensor in load_file(path).values()} == {device}
    with safe_open(path) as file:
        assert file.metadata() == {"note": "ünï\n"}


def test_special_values_keep_their_bits(tmp_path: Path) -> None:
    values = np.array([np.nan, -np.nan, np.inf, -0.0, 5e-324, np.nextafter(1, 2)])
    values = np.append(values, np.uint64(0x7FF8DEADBEEF0001).view(np.float64))
    save_file({"x": pb.from_numpy(values)}, tmp_path / "x")
    assert host(load_file(tmp_path / "x")["x"]).tobytes() == values.tobytes()


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    saved = everything("cpu", NAMES.values())
    save_file(saved, path, metadata={"by": "me"})
    for name, array in safetensors.numpy.load_file(path).items():
        expected = host(saved[name])
        if expected.dtype == np.complex128:  # which the format lacks
            expected = np.stack([expected.real, expected.imag], axis=-1)
        np.testing.assert_array_equal(array, expected, strict=True)
    with safetensors.safe_open(path, framework="np") as file:
        assert file.metadata()["by"] == "me"
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0  # elements are where their size wants them


def test_a_view_is_saved_as_what_it_shows_and_a_parameter_as_its_values(tmp_path: Path) -> None:
    x = pb.asarray(numbers("float64", (4, 6))).requires_grad_()
    save_file({"turned": x.T[::-2, 1:], "x": x}, tmp_path / "x")
    found = load_file(tmp_path / "x")
    assert host(found["turned"]).tolist() == host(x).T[::-2, 1:].tolist()
    assert not found["x"].requires_grad


@pytest.mark.parametrize("dtype", [pb.float32, pb.complex128])
def test_a_loaded_tensor_is_written_in_memory_of_its_own(dtype: Any, tmp_path: Path) -> None:
    save_file({"x": pb.ones(3, dtype=dtype)}, tmp_path / "x")
    x = load_file(tmp_path / "x")["x"]
    window = x.numpy()
    with pb.no_grad():
        x += 1
    assert window.tolist() == [2.0, 2.0, 2.0]
    assert load_file(tmp_path / "x")["x"].tolist() == [1.0, 1.0, 1.0]


def test_equal_tensors_make_equal_files(tmp_path: Path) -> None:
    a, b = pb.ones(3), pb.zeros(2, dtype=pb.complex128)
    notes = {f"ü{n}": str(n) for n in range(8)}
    save_file({"a": a, "b": b}, tmp_path / "1", notes)
    save_file({"b": b, "a": a}, tmp_path / "2", dict(reversed(notes.items())))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    with safe_open(tmp_path / "1") as file:
        assert file.metadata() == notes


def test_a_model_is_whatever_has_a_state(tmp_path: Path) -> None:
    class Model:
        def state_dict(self) -> dict[str, Any]:
            return {"layer.weight": pb.ones(2)}

    save_file(Model(), tmp_path / "x")
    assert load_file(tmp_path / "x")["layer.weight"].tolist() == [1.0, 1.0]


def test_lazy_tensors_are_computed_in_one_go(tmp_path: Path) -> None:
    with lazy_backend() as lazy:
        x = pb.tensor([1.0, 2.0], device="lazy")
        save_file({"x": x, "y": x * 2}, tmp_path / "x")
        assert lazy.computes == [2]
    assert load_file(tmp_path / "x", device="cpu")["y"].tolist() == [2.0, 4.0]


def test_any_name_will_do(tmp_path: Path) -> None:
    saved = {name: pb.tensor([1j], dtype=pb.complex128) for name in ("", "a\nb", '"', "ünï.0", " ")}
    save_file(saved, tmp_path / "x")
    assert_same(load_file(tmp_path / "x"), saved)


@pytest.mark.parametrize("listed", ["no list", "7", "[[]]", '["other", "short", "whole"]'])
def test_only_pairs_are_read_as_complex_numbers(listed: str, tmp_path: Path) -> None:
    arrays = {"short": np.ones(3), "whole": np.ones(2, dtype=np.int64)}
    safetensors.numpy.save_file(arrays, tmp_path / "x", metadata={"pullback.complex128": listed})
    assert {name: tensor.dtype for name, tensor in load_file(tmp_path / "x").items()} == {
        "short": pb.float64,
        "whole": pb.int64,
    }


def test_what_is_no_tensor_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    save_file({"x": pb.ones(1)}, tmp_path / "x")
    for given, metadata, message in (
        ({"x": 1.0}, None, "names are strings and values Tensors, got 'x': float"),
        ({3: pb.ones(1)}, None, "got 3: Tensor"),
        ({"__metadata__": pb.ones(1)}, None, "got '__metadata__'"),
        ([pb.ones(1)], None, r"a dict of Tensors is needed, or an object with state_dict\(\)"),
        ({"y": pb.ones(1)}, {"step": 3}, "metadata are strings under strings, .*, got {'step': 3}"),
        ({"y": pb.ones(1)}, {"pullback.complex128": "[]"}, "none of them 'pullback.complex128'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            save_file(given, tmp_path / "x", metadata)  # type: ignore[arg-type]
    assert list(load_file(tmp_path / "x")) == ["x"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


# --- one by one, and in part -----------------------------------------------------------------------------------------


def test_single_tensors_and_parts_are_read(device: str, tmp_path: Path) -> None:
    saved = everything("cpu", ["float32", "int16", "bool"])
    save_file(saved, tmp_path / "x")
    with safe_open(tmp_path / "x") as file:
        assert file.keys() == list(file) == sorted(saved)
        assert "bool[]" in file
        assert "other" not in file
        for name, tensor in saved.items():
            assert_same({name: file.get_tensor(name)}, {name: tensor})
            part = file.get_slice(name)
            assert part.get_shape() == list(tensor.shape)
            keys = {(): [...], (3,): [1, slice(None, None, -2), ...], (0, 2): [slice(1)]}
            for key in keys.get(
                tensor.shape, [1, (slice(None), -1), (..., slice(1, 3)), (0, ..., 2), (1, slice(2), 3)]
            ):
                found = part[key]
                assert_same({name: found}, {name: tensor[key]})
                assert str(found.device) == device
        assert file.get_slice("int16[3]").get_dtype() == "I16"


@pytest.mark.parametrize("dtype", [pb.float32, pb.complex128, pb.bool])
def test_any_basic_index_means_what_it_means_to_numpy(dtype: Any, tmp_path: Path) -> None:
    saved = everything("cpu", NAMES.values())[f"{dtype.name}[2, 3, 4]"]
    save_file({"x": saved}, tmp_path / "x")
    expected = host(saved)
    with safe_open(tmp_path / "x") as file:
        part = file.get_slice("x")
        for key in [slice(1, 100), None, (..., None, 0), (1, None, slice(None, None, -2)), (0, 0, 0), (), slice(2, 1)]:
            np.testing.assert_array_equal(host(part[key]), np.asarray(expected[key]), strict=True)
        with pytest.raises(IndexError):
            part[2]
        with pytest.raises(ArgumentError, match="an index is made of integers"):
            part[[0, 1]]


def test_a_slice_is_written_in_memory_of_its_own(tmp_path: Path) -> None:
    save_file({"x": pb.ones(3)}, tmp_path / "x")
    with safe_open(tmp_path / "x") as file:
        part = file.get_slice("x")[::-2]
        window = part.numpy()
        with pb.no_grad():
            part += 1
        assert window.tolist() == [2.0, 2.0]
        assert file.get_slice("x")[:].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.skipif(os.name == "nt", reason="nobody can replace a file on Windows that is open")
def test_a_file_that_is_replaced_while_it_is_read_is_read_on(tmp_path: Path) -> None:
    save_file({"x": pb.ones(3), "y": pb.ones(1)}, tmp_path / "x")
    with safe_open(tmp_path / "x") as file:
        early = file.get_slice("y")
        save_file({"x": pb.zeros(1), "y": pb.zeros(9)}, tmp_path / "x")
        assert file.get_tensor("x").tolist() == [1.0, 1.0, 1.0]
        assert early[:].tolist() == file.get_slice("y")[:].tolist() == [1.0]


def test_a_file_is_closed_at_the_end(tmp_path: Path) -> None:
    save_file({"x": pb.ones(1)}, tmp_path / "x")
    with safe_open(tmp_path / "x") as file:
        pass
    for get in (file.get_tensor, file.get_slice):
        with pytest.raises(ValueError, match="the file is closed"):
            get("x")
    file.close()  # once more does no harm


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    save_file({"x": pb.ones(1)}, tmp_path / "x")
    with safe_open(tmp_path / "x") as file:
        for get in (file.get_tensor, file.get_slice):
            with pytest.raises(ArgumentError, match="no Tensor 'y'; there are x"):
                get("y")


# --- files of others -------------------------------------------------------------------------------------------------


def test_a_file_of_pytorch_is_read_by_key() -> None:
    quarters = np.arange(6.0).reshape(2, 3) / 4 - 0.5
    expected = {
        "layer.weight": quarters.astype(np.float32),
        "layer.bias": np.array([1.5, -2.25, 1e-30], dtype=np.float32),
        "half": quarters.astype(np.float16),
        "double": quarters.T,
        "long": np.array([-(2**62), 7]),
        "short": np.array([-3, 4], dtype=np.int16),
        "byte": np.array([0, 255], dtype=np.uint8),
        "flag": np.array([True, False, True]),
        "complex": np.array([1 + 2j, -0.5j], dtype=np.complex64),
        "scalar": np.array(2.5, dtype=np.float32),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }
    with safe_open(TORCH) as file:
        assert file.metadata() == {"format": "pt"}
        assert file.keys() == sorted([*expected, "brain"])
        for name, array in expected.items():
            np.testing.assert_array_equal(host(file.get_tensor(name)), array, strict=True)


def test_bfloat16_becomes_what_it_is_asked_to(device: str) -> None:
    with (
        safe_open(TORCH) as file,
        pytest.raises(DTypeError, match=r"'brain' is of dtype BF16; write dtype=pb.float32, which holds it exactly"),
    ):
        file.get_tensor("brain")
    with pytest.raises(DTypeError, match="BF16"):
        load_file(TORCH, dtype=None)
    found = load_file(TORCH, dtype=pb.float32)
    bits = np.array([0x3F80, 0xBEAC, 0x7F62], dtype=np.uint32) << 16
    assert host(found["brain"]).tobytes() == bits.view(np.float32).tobytes()
    assert {name: tensor.dtype for name, tensor in found.items() if tensor.dtype is not pb.float32} == {
        "byte": pb.uint8,
        "complex": pb.complex64,
        "flag": pb.bool,
        "long": pb.int64,
        "short": pb.int16,
    }
    with safe_open(TORCH, dtype=pb.float64) as file:
        assert file.get_slice("brain")[1:].tolist() == [-0.3359375, float(bits.view(np.float32)[2])]


def test_a_dtype_that_the_device_lacks_is_refused_before_anything_is_read() -> None:
    with safe_open(TORCH, device="strict") as file:
        with pytest.raises(DTypeError, match=r"'half' is of dtype float16, which strict lacks; write dtype=pb.float32"):
            file.get_tensor("half")
        assert file.get_tensor("double").dtype is pb.float64
    with pytest.raises(DTypeError, match=r"dtype must be a real floating one such as pb.float32, got pullback.int32"):
        load_file(TORCH, dtype=pb.int32)


def test_a_byte_that_is_no_bool_becomes_true(tmp_path: Path) -> None:
    save_file({"x": pb.tensor([False, True, False])}, tmp_path / "x")
    data = bytearray((tmp_path / "x").read_bytes())
    data[-1] = 6
    (tmp_path / "x").write_bytes(data)
    x = load_file(tmp_path / "x")["x"]
    assert host(x).view(np.uint8).tolist() == [0, 1, 1]


def test_other_files_are_named_and_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    bomb = pickle.dumps({"w": Trap()})
    (tmp_path / "pickle").write_bytes(bomb)
    with zipfile.ZipFile(tmp_path / "torch.pt", "w") as archive:  # as torch.save writes it
        archive.writestr("archive/data.pkl", bomb)
    np.save(tmp_path / "array.npy", np.ones(100))
    for name, message in (
        ("pickle", "this is a pickle, which could run any code and is not read, no safetensors file"),
        ("torch.pt", "this is a zip archive, as torch.save and numpy.savez write it"),
        ("array.npy", "this is an array of numpy.save"),
    ):
        with pytest.raises(FileFormatError, match=message):
            load_file(tmp_path / name)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "nowhere")


def test_a_file_that_is_torn_is_refused_at_every_length(tmp_path: Path) -> None:
    save_file({"x": pb.ones(5), "y": pb.zeros(3)}, tmp_path / "x")
    whole = (tmp_path / "x").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "torn").write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match="torn"):
            load_file(tmp_path / "torn")


def test_a_file_that_is_wrong_is_refused_with_its_name(tmp_path: Path) -> None:
    save_file({"x": pb.ones(2)}, tmp_path / "x")
    whole = (tmp_path / "x").read_bytes()
    for data in (
        whole + b"!",
        whole.replace(b"F32", b"Q32"),
        whole.replace(b"[0,8]", b"[1,8]"),
        whole.replace(b"[2]", b"[3]"),
        whole.replace(b'{"x"', b'["x"'),
        (2**40).to_bytes(8, "little") + whole[8:],
    ):
        assert data != whole
        (tmp_path / "wrong").write_bytes(data)
        with pytest.raises(
            FileFormatError, match=f"^{re.escape(str(tmp_path / 'wrong'))}: torn, or no safetensors file"
        ):
            load_file(tmp_path / "wrong")

"""`draw`: what is in a picture, in every format, for graphs of every kind."""

from __future__ import annotations

import gc
import re
import time
import weakref
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pullback as pb
import pytest
from pullback.autograd.graph import draw
from pullback.errors import ArgumentError, AutogradError

SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str) -> list[tuple[str, str]]:
    """Kind and title of every box of a picture."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if "data-key" in group.attrib:
            title = next(t for t in group.iter(f"{SVG}text") if t.get("class") == "title")
            found.append((group.get("class", ""), (title.text or "").strip()))
    return found


def titles(svg: str, kind: str = "op") -> list[str]:
    return sorted(title for found, title in boxes(svg) if found.split()[0] == kind)


def tooltips(svg: str) -> str:
    return "\n".join(t.text or "" for t in ElementTree.fromstring(svg).iter(f"{SVG}title"))


def mermaid_lines(text: str) -> tuple[dict[str, str], set[tuple[str, str, str]]]:
    """Boxes (key -> label) and lines (source, arrow, target) of a Mermaid text; whatever else is no error only if known."""
    found: dict[str, str] = {}
    lines: set[tuple[str, str, str]] = set()
    first, *rest = text.strip().splitlines()
    assert first == "flowchart TD"
    depth = 0
    for line in map(str.strip, rest):
        if box := re.fullmatch(r'(\w+)(?:\["(.*)"\]|\(\["(.*)"\]\)):::(\w+)', line):
            assert '"' not in (box[2] or box[3])
            found[box[1]] = box[2] or box[3]
        elif edge := re.fullmatch(r'(\w+) (-->|-\.->)(?:\|"[^"]*"\|)? (\w+)', line):
            lines.add((edge[1], edge[2], edge[3]))
        elif re.fullmatch(r'subgraph \w+\["[^"]*"\]', line):
            depth += 1
        elif line == "end":
            depth -= 1
        else:
            assert line.startswith(("%%", "classDef ")), line
    assert depth == 0
    assert all(a in found and b in found for a, _, b in lines)
    return found, lines


def dot_lines(text: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Boxes and lines of a DOT text."""
    quoted = r'"(?:[^"\\]|\\.)*"'
    found: dict[str, str] = {}
    lines: set[tuple[str, str]] = set()
    depth = 0
    for line in map(str.strip, text.strip().splitlines()):
        bare = re.sub(quoted, '""', line)
        depth += bare.count("{") - bare.count("}")
        if box := re.fullmatch(rf"(\w+) \[label=({quoted}), .*\];", line):
            found[box[1]] = box[2]
        elif edge := re.fullmatch(r"(\w+) -> (\w+)(?: \[.*\])?;", line):
            lines.add((edge[1], edge[2]))
    assert depth == 0
    assert all(a in found and b in found for a, b in lines)
    return found, lines


def net() -> tuple[pb.Tensor, dict[str, pb.Tensor]]:
    """A net of three layers and its loss."""
    pb.manual_seed(0)
    params = {}
    h = pb.randn(5, 3)
    for i, (width, then) in enumerate([(3, 8), (8, 4), (4, 1)]):
        params[f"w{i}"] = pb.randn(width, then, requires_grad=True)
        params[f"b{i}"] = pb.randn(then, requires_grad=True)
        h = h @ params[f"w{i}"] + params[f"b{i}"]
        h = pb.tanh(h) if i < 2 else h
    return (h * h).sum(), params


def recurrent(steps: int) -> tuple[pb.Tensor, dict[str, pb.Tensor]]:
    """A loop, its state untracked before the first step."""
    pb.manual_seed(0)
    params = {"W": pb.randn(2, 4, requires_grad=True), "U": pb.randn(4, 4, requires_grad=True)}
    h = pb.zeros(3, 4)
    for _ in range(steps):
        h = pb.tanh(pb.randn(3, 2) @ params["W"] + h @ params["U"])
    return h.sum(), params


def test_every_operation_leaf_and_result_of_a_net_is_there_in_every_format():
    loss, params = net()
    drawing = draw(loss, params=params, loss=loss)
    operations = ["add", "add", "add", "matmul", "matmul", "matmul", "multiply", "sum", "tanh", "tanh"]
    assert titles(drawing.svg) == operations
    assert titles(drawing.svg, "leaf") == ["b0", "b1", "b2", "w0", "w1", "w2"]
    assert titles(drawing.svg, "result") == ["loss"]
    found, lines = mermaid_lines(drawing.mermaid)
    in_dot, dot_edges = dot_lines(drawing.dot)
    assert len(found) == len(in_dot) == 17
    assert {(a, b) for a, _, b in lines} == dot_edges
    assert len(lines) == 16  # a matmul's or add's two operands, one of the others; x is no operand: it is a constant
    assert "float32[8, 4]" in found[next(key for key, text in found.items() if text.startswith("w1"))]
    assert drawing.notes == ()


def test_bytes_are_those_of_the_arrays_that_are_kept():
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = pb.exp(x)
    z = y * y  # exp keeps its result; the product keeps the same array twice
    drawing = draw(z)
    assert "12 B saved" in repr(drawing)
    assert "saves out: float32[3], 12 B" in tooltips(drawing.svg)
    assert "saves x1: float32[3], 12 B" in tooltips(drawing.svg)
    assert "<td>exp</td><td>1</td><td>12 B</td>" in drawing.html


def test_parameters_and_shapes_of_operations_are_shown():
    x = pb.ones(2, 3, 4, requires_grad=True)
    drawing = draw(pb.mean(x, axis=1), x=x)
    assert "mean" in titles(drawing.svg)
    assert "axis=" in drawing.mermaid
    assert "float32[2, 4]" in drawing.mermaid


def test_a_loop_is_folded_into_one_step():
    loss, params = recurrent(20)
    drawing = draw(loss, params=params, loss=loss)
    assert titles(drawing.svg) == ["add", "matmul", "matmul", "sum", "tanh"]
    assert titles(drawing.svg, "leaf") == ["U", "W"]
    assert "\N{MULTIPLICATION SIGN} 20" in drawing.svg
    _, lines = mermaid_lines(drawing.mermaid)
    found, _ = mermaid_lines(drawing.mermaid)
    carried = [(found[a].split("<")[0], found[b].split("<")[0]) for a, arrow, b in lines if arrow == "-.->"]
    assert carried == [("tanh", "matmul")]
    assert drawing.mermaid.count("subgraph") == drawing.dot.count("subgraph") == 1
    assert drawing.html.count("<details data-repeat=") == 1
    unrolled = draw(loss, params=params, collapse=False)
    assert len(titles(unrolled.svg)) == 20 * 4 + 1
    assert "subgraph" not in unrolled.mermaid


def test_layers_with_parameters_of_their_own_are_folded_with_them():
    params = {f"w{i}": pb.ones(4, 4, requires_grad=True) for i in range(12)}
    shared = pb.ones(4, requires_grad=True)
    h = pb.ones(2, 4)
    for w in params.values():
        h = pb.tanh(h @ w * shared)
    drawing = draw(h, params=params, shared=shared)
    assert titles(drawing.svg) == ["matmul", "multiply", "tanh"]
    assert titles(drawing.svg, "leaf") == ["shared", "w0 \N{HORIZONTAL ELLIPSIS} w11"]
    inside = drawing.mermaid.split("subgraph")[1].split("end\n")[0]
    assert "w11" in inside
    assert "shared" not in inside


def test_what_is_not_equal_is_not_folded():
    x = pb.ones(6, requires_grad=True)
    y = x
    for i in range(6):
        y = pb.sin(y) if i % 2 else pb.exp(y)
        y = y[:-1]
    assert len(titles(draw(y).svg)) == 12


def test_loops_in_loops_are_frames_in_frames():
    x = pb.ones(3, requires_grad=True)
    y = x
    for _ in range(5):
        for _ in range(7):
            y = pb.sin(y)
        y = pb.exp(y) + x
    drawing = draw(y)
    assert titles(drawing.svg) == ["add", "exp", "sin"]
    assert drawing.mermaid.count("subgraph") == 2
    badges = re.findall(r'class="badge-text"[^>]*>(.*?)<', drawing.svg)
    assert badges == ["\N{MULTIPLICATION SIGN} 5", "\N{MULTIPLICATION SIGN} 7"]
    mermaid_lines(drawing.mermaid)


def test_several_outputs_of_one_operation():
    x = pb.tensor([[2.0, 1.0], [0.0, 3.0]], requires_grad=True)
    q, r = pb.linalg.qr(x)
    drawing = draw(q, r, x=x, q=q)
    assert [title.removeprefix("linalg.") for title in titles(drawing.svg)] == ["qr"]
    assert titles(drawing.svg, "result") == ["output 1", "q"]
    assert "output 0" in drawing.mermaid
    assert "output 1" in drawing.mermaid
    assert "1: float32[2, 2]" in drawing.svg
    drawing = draw(r, q=q)
    assert "q = " in titles(drawing.svg)[0]


def test_a_leaf_alone():
    x = pb.ones(2, requires_grad=True)
    assert sorted(boxes(draw(x, x=x).svg)) == [("leaf", "leaf"), ("result", "x")]


def test_a_freed_graph_is_drawn_without_what_it_had_saved():
    x = pb.ones(3, requires_grad=True)
    loss = (pb.exp(x) * 2).sum()
    loss.backward()
    drawing = draw(loss, x=x)
    assert titles(drawing.svg) == ["exp", "multiply", "sum"]
    assert "0 B saved" in repr(drawing)
    assert ("op freed", "exp") in boxes(drawing.svg)
    assert "freed" in drawing.mermaid
    assert "float32[3]" in drawing.mermaid


def test_hooks_and_packed_values_are_shown():
    x = pb.ones(3, requires_grad=True)
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), pb.tensor):
        y = pb.exp(x)
    y.register_hook(lambda ct: None)
    y.retain_grad()
    x.register_hook(lambda ct: None)
    z = y.sum()
    z.grad_fn.register_prehook(lambda cts: None)
    drawing = draw(z, x=x)
    shown = tooltips(drawing.svg)
    assert "saves out: float32[3], 12 B, packed as list" in shown
    assert "packed \N{MIDDLE DOT} 1 hook \N{MIDDLE DOT} retains grad" in drawing.svg
    assert drawing.svg.count("1 hook") >= 3
    z.backward()  # nothing was disturbed
    assert x.grad.tolist() == pytest.approx([2.718282] * 3)


def test_the_line_of_code_is_shown_where_it_is_known():
    x = pb.ones(3, requires_grad=True)
    with pb.autograd.detect_anomaly():
        y = pb.exp(x)
    assert "test_drawing.py" in tooltips(draw(y).svg)


def test_functions_of_the_user_are_operations():
    class Cube(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, ct):
            (x,) = ctx.saved_tensors
            return 3 * x * x * ct

    x = pb.ones(4, requires_grad=True)
    drawing = draw(Cube.apply(x))
    assert titles(drawing.svg) == ["Cube"]
    assert "16 B saved" in repr(drawing)


def test_a_graph_of_gradients():
    x = pb.tensor([0.5, 1.0], requires_grad=True)
    (first,) = pb.autograd.grad(pb.sin(x).sum(), x, create_graph=True)
    drawing = draw((first * first).sum(), x=x, first=first)
    assert "first = multiply" in titles(drawing.svg)
    assert "cos" in titles(drawing.svg)
    assert titles(drawing.svg, "leaf") == ["x"]


@pytest.mark.parametrize("transform", ["vmap", "jvp"])
def test_inside_a_transform(transform: str):
    drawn = []

    def f(x):
        y = x.detach().requires_grad_()
        z = pb.sin(y) * y
        drawn.append(draw(z.sum(), y=y))
        return z.sum()

    if transform == "vmap":
        pb.func.vmap(f)(pb.ones(5, 3))
    else:
        pb.func.jvp(f, (pb.ones(3),), (pb.ones(3),))
    (drawing,) = drawn
    assert titles(drawing.svg) == ["multiply", "sin", "sum"]
    assert "float32[3]" in drawing.mermaid


def test_on_other_devices(device: str):
    x = pb.ones(2, 2, device=device, requires_grad=True)
    assert titles(draw((x @ x).sum()).svg) == ["matmul", "sum"]


HOSTILE = '<script>alert("1")</script> & \' `#` \\ \x00 ]] -->'


def test_names_stay_text_whatever_is_in_them():
    x = pb.ones(2, requires_grad=True)
    y = pb.exp(x)
    loss = y.sum()
    drawing = draw(loss, params={HOSTILE: x, HOSTILE + "y": y, HOSTILE + "z": loss})
    assert "<script>alert" not in drawing.html
    assert drawing.html.count("<script>") == 1
    ElementTree.fromstring(drawing.svg)
    shown = HOSTILE.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert titles(drawing.svg, "leaf") == [shown[:35] + "\N{HORIZONTAL ELLIPSIS}"]
    assert f"name: {shown}" in tooltips(drawing.svg)
    found, _ = mermaid_lines(drawing.mermaid)
    assert not any("<script" in label for label in found.values())
    in_dot, _ = dot_lines(drawing.dot)
    assert len(found) == len(in_dot) == 4


def test_ten_thousand_operations_fold_and_draw_in_seconds():
    x = pb.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(10_000):
        y = pb.sin(y)
    start = time.process_time()
    drawing = draw(y, x=x)
    assert len(drawing.html) < 300_000
    assert titles(drawing.svg) == ["sin"]
    assert "\N{MULTIPLICATION SIGN} 10,000" in drawing.svg
    assert "The first 150 of 10,000" in drawing.html
    everything = draw(y, collapse=False, limit=10_000)
    assert len(titles(everything.svg)) == 10_000
    assert time.process_time() - start < 30  # 2 s on an idle machine


def test_shared_weights_do_not_make_an_uncollapsed_picture_explode():
    x, w = pb.tensor(1.0, requires_grad=True), pb.tensor(0.9, requires_grad=True)
    y = x
    for _ in range(1500):
        y = y * w
    start = time.process_time()
    assert len(titles(draw(y, collapse=False, limit=2000).svg)) == 1500
    assert time.process_time() - start < 30


def test_a_limit_keeps_what_is_nearest_to_the_outputs_and_says_what_is_missing():
    x = pb.ones(50, requires_grad=True)
    y = x
    for i in range(40):
        y = pb.sin(y)[: 49 - i]
    drawing = draw(y.sum(), limit=10)
    assert len(titles(drawing.svg)) == 10
    assert "sum" in titles(drawing.svg)
    assert titles(drawing.svg, "rest") == ["71 more operations"]
    (note,) = drawing.notes
    assert "71 of 81 operations" in note
    assert "limit=81" in note
    assert note.replace("...", "") in drawing.html.replace("...", "")
    assert titles(drawing.svg, "leaf") == []
    mermaid_lines(drawing.mermaid)


def test_a_block_that_is_larger_than_the_limit_is_shown_in_part():
    x = pb.ones(3, requires_grad=True)
    y = x
    for _ in range(4):
        for op in (pb.sin, pb.exp, pb.cos, pb.tanh, pb.sinh, pb.square, pb.abs):
            y = op(y)
    drawing = draw(y, limit=3)
    assert titles(drawing.svg) == ["abs", "sinh", "square"]
    assert "25 of 28 operations" in drawing.notes[0]


def test_save_goes_by_the_suffix(tmp_path: Path):
    loss, params = net()
    drawing = draw(loss, params=params)
    for suffix, text in [
        ("svg", drawing.svg),
        ("html", drawing.html),
        ("dot", drawing.dot),
        ("gv", drawing.dot),
        ("mmd", drawing.mermaid),
        ("md", f"```mermaid\n{drawing.mermaid}```\n"),
    ]:
        drawing.save(tmp_path / f"net.{suffix}")
        assert (tmp_path / f"net.{suffix}").read_text(encoding="utf-8") == text
    with pytest.raises(ArgumentError, match=r"\.png"):
        drawing.save(tmp_path / "net.png")
    assert not (tmp_path / "net.png").exists()


def test_a_notebook_gets_every_form():
    loss, _ = net()
    drawing = draw(loss)
    bundle = drawing._repr_mimebundle_()
    assert bundle["text/html"] == drawing._repr_html_()
    assert bundle["image/svg+xml"] == drawing._repr_svg_() == drawing.svg
    assert "<html" not in bundle["text/html"]
    assert "http://" not in drawing.html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in drawing.html


def test_what_cannot_be_drawn_is_refused():
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(AutogradError, match="does not require grad"):
        draw(pb.ones(2))
    with pytest.raises(ArgumentError, match="must be a Tensor, got a float"):
        draw(1.0)
    with pytest.raises(ArgumentError, match="name 'w'"):
        draw(x * 2, w=3)
    with pytest.raises(ArgumentError, match="limit"):
        draw(x * 2, limit=0)
    with pytest.raises(ArgumentError, match="a Tensor is needed"):
        draw()


def test_a_drawing_keeps_no_graph_alive():
    x = pb.ones(3, requires_grad=True)
    y = pb.exp(x)
    array = weakref.ref(y._array)
    gc.disable()
    try:
        drawing = draw(y)
        del y
        assert array() is None
    finally:
        gc.enable()
    assert titles(drawing.svg) == ["exp"]


def test_the_gradient_of_a_loop_folds_too():
    loss, params = recurrent(20)
    (grad,) = pb.autograd.grad(loss, params["W"], create_graph=True)
    drawing = draw(grad.sum(), params=params)
    assert len(titles(drawing.svg)) < 40
    assert len(titles(draw(grad.sum(), collapse=False).svg)) > 200
    badges = re.findall(r'class="badge-text"[^>]*>\S (\d+)<', drawing.svg)
    assert max(map(int, badges)) >= 18


def test_a_leaf_with_many_uses_is_shown_again_at_each():
    w = pb.ones(3, requires_grad=True)
    y = pb.exp(w)
    for op in (pb.sin, pb.exp, pb.cos, pb.tanh, pb.sinh):
        y = op(y) * w
    drawing = draw(y, w=w)
    assert titles(drawing.svg, "leaf") == ["w"]
    assert titles(drawing.svg, "again") == ["w"] * 5
    assert "1 leaf" in repr(drawing)


def rectangles(svg: str, name: str) -> list[tuple[float, float, float, float]]:
    found = [r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect") if r.get("class") == name]
    return [tuple(float(r.get(key, "nan")) for key in ("x", "y", "width", "height")) for r in found]  # type: ignore[misc]


@pytest.mark.parametrize("seed", range(20))
def test_boxes_never_overlap_and_stay_inside(seed: int):
    random = Random(seed)
    leaves = [pb.ones(3, requires_grad=True) for _ in range(4)]
    values = list(leaves)
    ops = [pb.sin, pb.exp, pb.tanh, lambda x: x.reshape((3, 1)).reshape((3,))]
    for _ in range(random.randrange(5, 60)):
        if random.random() < 0.5:
            values.append(random.choice(ops)(random.choice(values[-6:]).clip(-1.0, 1.0)))
        else:
            values.append(random.choice(values) + random.choice(values[-4:]))
    svg = draw(sum(values[-5:]), limit=random.choice([7, 500])).svg
    root = ElementTree.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    found = rectangles(svg, "box")
    assert found
    for i, (x, y, w, h) in enumerate(found):
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
        for other_x, other_y, other_w, other_h in found[:i]:
            apart = x + w <= other_x or other_x + other_w <= x or y + h <= other_y or other_y + other_h <= y
            assert apart
    assert len({(x, y) for x, y, _, _ in found}) == len(boxes(svg))

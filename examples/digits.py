"""Tell handwritten digits apart with layers, an optimiser and a schedule: a net of two layers, or one of convolutions.

The data ship with scikit-learn: 1797 images of 8 x 8 pixels. A fifth of them, with each digit in proportion, is never
trained on, and is what counts in the end; the others are shown moved by a pixel now and then. Everything random comes from
one seed: the program prints the same numbers again.
"""

import time
from argparse import Namespace
from collections.abc import Iterator

import numpy as np
import pullback as pb
import pullback_nn as nn
import pullback_optim as optim
from _support import draw_losses, expect, one_thread, parser, picture, track
from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH = 48
SHIFTS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
"""Where an image of 8 x 8 may begin in one of 10 x 10 with an empty rim."""


def two_layers() -> nn.Module:
    """A hidden layer of 256."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))


def convolutions() -> nn.Module:
    """Twice: filters of 3 x 3, and the largest of each 2 x 2."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


NETS = {"mlp": (two_layers, 2000, 0.97), "conv": (convolutions, 1200, 0.98)}
"""A net, how many steps it is trained for, and the share of unseen images that it must tell right then."""


def batches(images: np.ndarray, labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and labels of one step after another: all images once, in a new order, and again."""
    random = np.random.default_rng(0)
    rimmed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    while True:
        order = random.permutation(len(images))
        for i in range(0, len(images) - BATCH + 1, BATCH):
            row, column = random.choice(SHIFTS)
            chosen = order[i : i + BATCH]
            yield rimmed[chosen, :, row : row + 8, column : column + 8], labels[chosen]


def train(net: nn.Module, images: np.ndarray, labels: np.ndarray, steps: int) -> list[float]:
    """Adam under the one-cycle schedule; returns the losses."""
    device = pb.get_default_device()
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    losses = []
    for step, (shown, right) in zip(track(steps), batches(images, labels), strict=False):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(pb.tensor(shown, device=device)), pb.tensor(right, device=device))
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if step % 200 == 199:
            print(f"step {step + 1}: loss {losses[-1]:.4f}")
    return losses


def confusion(net: nn.Module, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How often each digit (row) was taken for each (column)."""
    with pb.no_grad():
        scores = net(pb.tensor(images, device=pb.get_default_device()))
    told = pb.argmax(scores, axis=1).to("cpu").numpy()
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (labels, told), 1)
    return counts


def show(options: Namespace, losses: list[float], counts: np.ndarray) -> None:
    """The losses, and the confusion matrix."""
    with picture(options.plot, 2) as (left, right):
        draw_losses(left, losses)
        left.lines[0].set_alpha(0.25)
        last = min(30, len(losses))
        mean = np.convolve(losses, np.full(last, 1 / last), "valid")
        left.plot(range(last - 1, len(losses)), mean, color="C0", label=f"mean of the last {last}")
        left.legend()
        right.imshow(np.log1p(counts), cmap="Blues")
        for digit, taken in np.argwhere(counts):
            right.text(
                taken,
                digit,
                counts[digit, taken],
                ha="center",
                va="center",
                color="white" if digit == taken else "black",
            )
        right.set(xlabel="taken for", ylabel="digit", xticks=range(10), yticks=range(10))


def main() -> None:
    """Run the example."""
    made = parser(__doc__, plot=True)
    made.add_argument("--net", choices=NETS, default="conv", help="which net (default: %(default)s)")
    made.add_argument("--steps", type=int, metavar="N", help="how long to train (default: what the net needs)")
    options = made.parse_args()
    build, steps, goal = NETS[options.net]
    options.steps = options.steps or steps

    data = load_digits()
    pixels = (data.images[:, None] / 16).astype(np.float32)
    images, unseen, labels, true = train_test_split(
        pixels, data.target, test_size=0.2, stratify=data.target, random_state=0
    )

    pb.manual_seed(0)
    net = build()
    print(f"{sum(p.size for p in net.parameters())} parameters, {len(images)} images to learn, {len(unseen)} unseen")
    begin, worked = time.perf_counter(), time.process_time()
    with one_thread():
        losses = train(net, images, labels, options.steps)
    taken, worked = time.perf_counter() - begin, time.process_time() - worked
    counts = confusion(net, unseen, true)
    share = np.trace(counts) / counts.sum()
    print(f"share of unseen images told right: {share:.4f}")
    print(f"trained in {taken:.1f} s, {worked:.1f} s of processor time")
    if options.plot:
        show(options, losses, counts)

    expect(losses[-1] < losses[0], "the loss falls")
    expect(options.steps < steps or share >= goal, f"{goal:.0%} of the unseen images are told right")


if __name__ == "__main__":
    main()

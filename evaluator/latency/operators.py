"""What runs for a plan, and by which name it is priced: its operators, and the changes of layout between them.

onnxruntime computes convolutions of whole blocks of channels (16 of them with AVX-512, 8 with AVX2) on images that are
stored block by block, others on plain ones, and copies images from one layout to the other where two operators differ.
The rules are those of its `nchwc_transformer.cc`. A runtime with one layout has blocks of 0 channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .plan import Plan, Step

ALIGNMENT = 4
"""Channels of which a dense convolution over blocks must read a whole number."""


@dataclass(frozen=True, order=True, kw_only=True)
class Operator:
    """A kind of operator whose time is a line in the channels that it reads.

    Attributes:
        kind: A `plan.Kind`; or "depthwise"; "block" and "unblock", which change the layout; or "rest", all that belongs
            to a network and to none of its operators.
        kernel: Side of a convolution's kernel; 0 for other kinds.
        groups: Groups of a convolution; 0 where there are none, or as many as channels.
        out_channels: Channels that a convolution writes; 0 where they follow from those that it reads.
        blocked: Whether it works on blocks of channels.
        relu: Whether a ReLU runs with it.
        summed: Whether it adds another image to what it writes.
        upscaled: Whether it writes the high-resolution grid.
    """

    kind: str
    kernel: int = 0
    groups: int = 0
    out_channels: int = 0
    blocked: bool = False
    relu: bool = False
    summed: bool = False
    upscaled: bool = False

    def __str__(self) -> str:
        """Its text form, `convolution k3 g2 -> 32 blocked`."""
        words = [self.kind]
        if self.kernel:
            words.append(f"k{self.kernel}")
        if self.groups > 1:
            words.append(f"g{self.groups}")
        if self.out_channels:
            words.append(f"-> {self.out_channels}")
        words += [name for name in ("blocked", "relu", "summed", "upscaled") if getattr(self, name)]
        return " ".join(words)


@dataclass(frozen=True)
class Run:
    """One run of an operator within a plan.

    Attributes:
        operator: What runs.
        channels: Channels that it reads.
        step: Number of its step, from 1; 0 for a change of layout and for the rest.
    """

    operator: Operator
    channels: int
    step: int = 0


REST = Run(Operator(kind="rest"), 0)


def runs(plan: Plan, block: int) -> list[Run]:
    """List everything that runs for one image, the rest last.

    Args:
        plan: The network.
        block: Channels in a block of the runtime's layout; 0 where it has but one.
    """
    blocked = layouts(plan, block)
    sums = _fused_sums(plan, blocked)
    found = [
        change_of(plan, value, to_blocked=not blocked[value], block=block) for value in moved(plan, blocked, block)
    ]
    for number, step in enumerate(plan.steps, start=1):
        if number not in sums:
            summed = number in sums.values()
            found.append(run_of(step, number, blocked=blocked[number], summed=summed, fused=block > 0))
    return [*found, REST]


def layouts(plan: Plan, block: int) -> list[bool]:
    """Whether each value is written in blocks; the first is the image, which is not."""
    blocked = [False]
    for step in plan.steps:
        if step.kind == "convolution":
            blocked.append(works_blocked(step.in_channels, step.out_channels, step.groups, block))
        elif step.kind in ("concatenate", "add"):
            blocked.append(all(blocked[value] and plan.width(value) % block == 0 for value in step.inputs))
        else:
            blocked.append(False)
    return blocked


def reads_blocked(step: Step, works_blocked: bool, block: int) -> bool:
    """Whether an operator reads blocks; over blocks all do, but for a dense convolution of less than one."""
    direct = step.kind == "convolution" and step.groups == 1 and step.in_channels < block
    return works_blocked and not direct


def moved(plan: Plan, blocked: Sequence[bool], block: int) -> list[int]:
    """The values that something reads in the layout that they are not written in: each is copied once."""
    found: set[int] = set()
    for step, works in zip(plan.steps, blocked[1:], strict=True):
        reads = reads_blocked(step, works, block)
        found.update(value for value in step.inputs if blocked[value] != reads)
    return sorted(found)


def run_of(step: Step, number: int, *, blocked: bool, summed: bool, fused: bool) -> Run:
    """The run of a step in the layout that it works in; with ``fused`` ReLUs cost nothing and are not told apart."""
    depthwise = step.kind == "convolution" and 1 < step.groups == step.in_channels == step.out_channels
    dense = step.kind == "convolution" and not depthwise
    operator = Operator(
        kind="depthwise" if depthwise else step.kind,
        kernel=step.kernel if step.kind == "convolution" else 0,
        groups=step.groups if dense else 0,
        out_channels=step.out_channels if dense else 0,
        blocked=blocked,
        relu=step.relu and not fused,
        summed=summed,
        upscaled=step.upscaled,
    )
    return Run(operator, step.in_channels, number)


def change_of(plan: Plan, value: int, *, to_blocked: bool, block: int) -> Run:
    """The copy of a value from one layout to the other; out of blocks all channels count, of a half-filled one too."""
    width, upscaled = plan.width(value), value > 0 and plan.steps[value - 1].upscaled
    channels = width if to_blocked else -(-width // block) * block
    return Run(move(to_blocked=to_blocked, upscaled=upscaled), channels)


def move(*, to_blocked: bool, upscaled: bool = False) -> Operator:
    """The operator that copies an image from one layout to the other."""
    return Operator(kind="block" if to_blocked else "unblock", blocked=to_blocked, upscaled=upscaled)


def works_blocked(in_channels: int, out_channels: int, groups: int, block: int) -> bool:
    """Whether a convolution works on blocks of channels."""
    if not block:
        return False
    if groups == 1:
        return in_channels < block or in_channels % ALIGNMENT == 0
    if groups == in_channels == out_channels:
        return out_channels % block == 0
    return in_channels // groups % block == 0 and out_channels // groups % block == 0


def _fused_sums(plan: Plan, blocked: Sequence[bool]) -> dict[int, int]:
    """The additions that run within a convolution over blocks, each with that convolution's number.

    It is a convolution without ReLU whose output nothing else reads.
    """
    uses = Counter(value for step in plan.steps for value in step.inputs)
    sums: dict[int, int] = {}
    for number, step in enumerate(plan.steps, start=1):
        if step.kind == "add" and blocked[number]:
            linear = [value for value in step.inputs if uses[value] == 1 and _is_linear(plan, value)]
            sums.update((number, value) for value in linear[:1])
    return sums


def _is_linear(plan: Plan, value: int) -> bool:
    step = plan.steps[value - 1] if value else None
    return step is not None and step.kind == "convolution" and not step.relu

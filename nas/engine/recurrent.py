"""A recurrent network that chooses values for genes one after another, and its gradient, in numpy.

Knows neither search spaces nor rewards. Everything is float64, and every product of matrices is small enough for a BLAS
to compute it on one thread, so the same calls give the same bits whatever the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HIDDEN = 32
"""Size of the recurrent state."""

EMBEDDING = 16
"""Size of what a value is embedded in."""

CAP = 2.5
"""Logits stay within plus and minus this, by a hyperbolic tangent (Bello et al., arXiv 1611.09940): of two values each
keeps a chance of at least 0.6 %, and a value that was punished while it was rare can come back."""

NONE = -1
"""The present value of a gene that has none: there is no parent."""

_IMPOSSIBLE = -1e9  # the logit of a value that a gene does not have; finite, so that 0 times it is 0


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The learned arrays, or a gradient of their shapes. K is the largest number of values of a gene.

    What depends on the present value has a row for each, and a last one that counts whatever the present value is: what
    is learned from a genotype without a parent serves those with one.

    Attributes:
        present: Embedding of a gene and its present value, shape (steps, K + 1, EMBEDDING).
        previous: Embedding of the value chosen one step before, shape (steps, K, EMBEDDING).
        entering: From embeddings to the gates, shape (EMBEDDING, 3 HIDDEN): keep, reset, candidate.
        again: From the state to the gates, shape (HIDDEN, 3 HIDDEN).
        head: From the state to each gene's logits, shape (genes, HIDDEN, K).
        bias: Logits of a gene by its present value, shape (genes, K + 1, K).
    """

    present: Floats
    previous: Floats
    entering: Floats
    again: Floats
    head: Floats
    bias: Floats


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """A pass over a batch of B: everything that its gradient needs, steps first."""

    given: Floats  # (genes, B, K + 1)
    embedded: Floats  # (steps, B, EMBEDDING)
    states: Floats  # (steps + 1, B, HIDDEN), the first all zeros
    gates: Floats  # (steps, B, 2 HIDDEN)
    recalled: Floats  # (steps, B, 3 HIDDEN)
    candidates: Floats  # (steps, B, HIDDEN)
    features: Floats  # (genes, B, HIDDEN)
    log_p: Floats  # (genes, B, K)
    slope: Floats  # (genes, B, K), of the cap


class RecurrentNetwork:
    """A gated recurrent unit (Cho et al., arXiv 1406.1078) with one softmax for each gene.

    Genes of the first kind are chosen along the recurrence: a step reads the gene's present value and the value chosen
    one step before, and a head over the new state gives the chances of the gene's values. Genes of the second kind
    have heads over the final state. Heads begin at zero, so that at first all values of a gene are equally likely.

    Args:
        steps: Numbers of values of the genes along the recurrence, shape (steps,).
        rest: Numbers of values of the genes read off the final state, shape (genes - steps,).
        rng: Draws the first weights.

    Attributes:
        weights: Every weight in one array, to be changed in place.
    """

    def __init__(self, steps: Integers, rest: Integers, rng: np.random.Generator) -> None:
        counts = np.concatenate([steps, rest])
        widest = int(counts.max(initial=1))
        self._steps, self._genes, self._widest = len(steps), len(counts), widest
        self._counts = counts[:, None, None]
        self._impossible = np.where(np.arange(widest) < counts[:, None], 0.0, _IMPOSSIBLE)[:, None, :]
        self._shapes = {
            "present": (len(steps), widest + 1, EMBEDDING),
            "previous": (len(steps), widest, EMBEDDING),
            "entering": (EMBEDDING, 3 * HIDDEN),
            "again": (HIDDEN, 3 * HIDDEN),
            "head": (len(counts), HIDDEN, widest),
            "bias": (len(counts), widest + 1, widest),
        }
        self.weights = np.zeros(sum(map(math.prod, self._shapes.values())))
        self._parameters = _views(self.weights, self._shapes)
        for name, scale in (("present", 0.5), ("previous", 0.5), ("entering", 0.25), ("again", 0.2)):
            array = getattr(self._parameters, name)
            array[:] = rng.normal(0.0, scale, array.shape)

    def log_probabilities(self, present: Integers, chosen: Integers) -> Floats:
        """The log-probability of every value of each gene, given the choices of the genes before it.

        Args:
            present: Present values, shape (genes, B), `NONE` where there is none.
            chosen: Chosen values, shape (genes, B).

        Returns:
            Shape (genes, B, K), at most -1e9 or so for values that a gene does not have.
        """
        return self._run(present, chosen).log_p

    def gradient(self, present: Integers, chosen: Integers, advantages: Floats, entropy: float) -> Floats:
        """The gradient over the weights that REINFORCE climbs (Williams 1992), off policy.

        It is the mean over the batch of weight x advantage x gradient of log p + entropy weight x gradient of entropy,
        each summed over the genes, where p is the chance of the chosen value. The weight is min(1, p x values): the
        chance of the value over that of a uniform draw, truncated at 1 as in IMPALA (Espeholt et al., arXiv
        1802.01561). So a policy learns from candidates that it did not draw, and settles: without the weight, what it
        has ruled out is punished for ever, and in the end the noise of that moves everything else.

        Args:
            present: Present values, shape (genes, B), `NONE` where there is none.
            chosen: Chosen values, shape (genes, B).
            advantages: How much better than expected each of the batch was, shape (B,).
            entropy: Weight of the entropy.

        Returns:
            A new array of the shape of `weights`.
        """
        run = self._run(present, chosen)
        p = np.exp(run.log_p)
        surprise = run.log_p - (p * run.log_p).sum(axis=-1, keepdims=True)
        onehot = np.eye(self._widest)[chosen]
        trust = np.minimum(1.0, (onehot * p).sum(axis=-1, keepdims=True) * self._counts)
        rise = trust * advantages[:, None] * (onehot - p) - entropy * p * surprise
        return self._backward(run, chosen, rise * run.slope / len(advantages))

    def redraw(self, present: Integers, marked: NDArray[np.bool_], draws: Floats) -> tuple[Integers, Floats]:
        """Draw some genes anew, each given the choices before it, and keep the others.

        Args:
            present: Present values, shape (genes,), without `NONE`.
            marked: Which genes to draw, shape (genes,).
            draws: Uniform numbers from 0 up to 1, shape (genes,); one fixes the draw of its gene.

        Returns:
            The chosen values, shape (genes,), and the chances that all values had, shape (genes, K).
        """
        weights, chosen = self._parameters, present.copy()
        given = self._given(present[:, None])
        entering = self._embed(given, chosen[:, None]) @ weights.entering
        features = np.zeros((self._genes, 1, HIDDEN))
        state = np.zeros((1, HIDDEN))
        for step in range(self._steps):
            if step and chosen[step - 1] != present[step - 1]:
                embedded = given[step] @ weights.present[step] + weights.previous[step, chosen[step - 1]]
                entering[step] = embedded @ weights.entering
            state = _step(entering[step], state, weights.again)[-1]
            features[step] = state
            if marked[step]:
                p = self._chances(slice(step, step + 1), given, features)
                chosen[step] = _pick(p, draws[step : step + 1])[0]
        features[self._steps :] = state
        p = self._chances(slice(None), given, features)
        last = np.flatnonzero(marked[self._steps :]) + self._steps
        chosen[last] = _pick(p[last], draws[last])
        return chosen, p

    def _given(self, present: Integers) -> Floats:
        """Which rows of what depends on present values count, shape (genes, B, K + 1): the value's, and the last."""
        given = np.eye(self._widest + 1)[present]
        given[..., -1] = 1.0
        return given

    def _embed(self, given: Floats, chosen: Integers) -> Floats:
        weights, rows = self._parameters, np.arange(self._steps)[:, None]
        return given[: self._steps] @ weights.present + weights.previous[rows, self._before(chosen)]

    def _before(self, chosen: Integers) -> Integers:
        """The value chosen before each step; the first step reads a zero."""
        before = np.zeros((self._steps, chosen.shape[1]), dtype=np.int64)
        before[1:] = chosen[: max(self._steps - 1, 0)]
        return before

    def _logits(self, genes: slice, given: Floats, features: Floats) -> Floats:
        """Logits before the cap, shape (some genes, B, K)."""
        return features[genes] @ self._parameters.head[genes] + given[genes] @ self._parameters.bias[genes]

    def _chances(self, genes: slice, given: Floats, features: Floats) -> Floats:
        """Probabilities of shape (some genes, K) for one genotype."""
        capped = CAP * np.tanh(self._logits(genes, given, features)[:, 0] / CAP)
        return np.exp(_log_softmax(capped + self._impossible[genes, 0]))

    def _run(self, present: Integers, chosen: Integers) -> _Pass:
        weights, batch = self._parameters, chosen.shape[1]
        given = self._given(present)
        embedded = self._embed(given, chosen)
        entering = embedded @ weights.entering
        states = np.zeros((self._steps + 1, batch, HIDDEN))
        gates = np.empty((self._steps, batch, 2 * HIDDEN))
        recalled, candidates = np.empty_like(entering), np.empty_like(states[1:])
        for t in range(self._steps):
            recalled[t], gates[t], candidates[t], states[t + 1] = _step(entering[t], states[t], weights.again)
        final = np.broadcast_to(states[-1], (self._genes - self._steps, batch, HIDDEN))
        features = np.concatenate([states[1:], final])
        bounded = np.tanh(self._logits(slice(None), given, features) / CAP)
        return _Pass(
            given=given,
            embedded=embedded,
            states=states,
            gates=gates,
            recalled=recalled,
            candidates=candidates,
            features=features,
            log_p=_log_softmax(CAP * bounded + self._impossible),
            slope=1 - bounded**2,
        )

    def _backward(self, run: _Pass, chosen: Integers, rise: Floats) -> Floats:
        """From the gradient over the logits, shape (genes, B, K), to that over the weights."""
        weights, steps = self._parameters, self._steps
        felt = rise @ weights.head.transpose(0, 2, 1)
        through_state, through_input = self._through_time(run, felt)
        embedded = through_input @ weights.entering.T
        flat = np.empty_like(self.weights)
        gradient = _views(flat, self._shapes)
        gradient.head[:] = _outer(run.features, rise)
        gradient.bias[:] = _outer(run.given, rise)
        gradient.present[:] = _outer(run.given[:steps], embedded)
        gradient.previous[:] = _outer(np.eye(self._widest)[self._before(chosen)], embedded)
        gradient.entering[:] = _outer(run.embedded, through_input).sum(axis=0)
        gradient.again[:] = _outer(run.states[:-1], through_state).sum(axis=0)
        return flat

    def _through_time(self, run: _Pass, felt: Floats) -> tuple[Floats, Floats]:
        """Gradients over what state and input bring to the gates, each of shape (steps, B, 3 HIDDEN)."""
        keep, reset = run.gates[..., :HIDDEN], run.gates[..., HIDDEN:]
        candidate = (1 - keep) * (1 - run.candidates**2)
        # What each part of `recalled` does to the new state.
        by_keep = (run.states[:-1] - run.candidates) * keep * (1 - keep)
        by_reset = candidate * run.recalled[..., 2 * HIDDEN :] * reset * (1 - reset)
        factors = np.stack([by_keep, by_reset, candidate * reset], axis=-2)
        backwards = self._parameters.again.T.copy()
        through_state = np.empty_like(run.recalled)
        arriving = np.empty_like(run.candidates)
        carried = felt[self._steps :].sum(axis=0)
        for t in reversed(range(self._steps)):
            carried += felt[t]
            arriving[t] = carried
            through_state[t] = (carried[:, None] * factors[t]).reshape(through_state[t].shape)
            carried = carried * keep[t] + through_state[t] @ backwards
        through_input = through_state.copy()
        through_input[..., 2 * HIDDEN :] = arriving * candidate
        return through_state, through_input


def _step(entering: Floats, state: Floats, again: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """One step of the unit: what is recalled of the state, the gates, the candidate, the new state."""
    recalled = state @ again
    gates = 0.5 + 0.5 * np.tanh(0.5 * (entering[:, : 2 * HIDDEN] + recalled[:, : 2 * HIDDEN]))
    candidate = np.tanh(entering[:, 2 * HIDDEN :] + gates[:, HIDDEN:] * recalled[:, 2 * HIDDEN :])
    return recalled, gates, candidate, candidate + gates[:, :HIDDEN] * (state - candidate)


def _outer(left: Floats, right: Floats) -> Floats:
    """Products of (n, B, a) and (n, B, b) summed over the batch, shape (n, a, b)."""
    return np.asarray(left.transpose(0, 2, 1) @ right)


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _pick(p: Floats, draws: Floats) -> Integers:
    """The value whose share of the unit interval a draw falls in, for each row of probabilities."""
    cumulative = p.cumsum(axis=-1)
    return np.asarray((cumulative > draws[:, None] * cumulative[:, -1:]).argmax(axis=-1))


def _views(flat: Floats, shapes: Mapping[str, tuple[int, ...]]) -> Parameters:
    """Windows on one array, in the order of the shapes."""
    views: dict[str, Any] = {}
    start = 0
    for name, shape in shapes.items():
        views[name] = flat[start : start + math.prod(shape)].reshape(shape)
        start += math.prod(shape)
    return Parameters(**views)

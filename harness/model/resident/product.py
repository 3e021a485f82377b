"""Products with stacks of matrices, encoded ones a block at a time."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from harness.model.resident.variable import EncodedVariable
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class Stack:
    """Matrices [N, I, C] that are decoded a block of rows at a time, by each product anew."""

    variable: EncodedVariable
    after: Tensor
    """Nothing is decoded before it is there."""

    def times(self, x: Tensor) -> Tensor:
        """Return the products [N, R, C] of [N, R, I]."""
        sums: dict[int, Tensor] = {}
        done = self.after
        for block in self.variable.blocks:
            (number, first, _), (_, rows, columns) = block.cut.begin, block.cut.size
            with tf.control_dependencies([done]):
                matrix = tf.reshape(block.read()[0], [1, rows, columns])
                part = tf.slice(x, [number, 0, first], [1, x.shape[1], rows])
                done = tf.matmul(part, matrix)
                if number in sums:
                    done = sums[number] + done
                sums[number] = done
        return tf.concat(list(sums.values()), 0)

    def back(self, d: Tensor) -> Tensor:
        """Return the products [N, R, I] of [N, R, C] with the matrices turned."""
        parts: dict[int, list[Tensor]] = {}
        done = self.after
        for block in self.variable.blocks:
            (number, _, _), (_, rows, columns) = block.cut.begin, block.cut.size
            with tf.control_dependencies([done]):
                matrix = tf.reshape(block.read()[0], [1, rows, columns])
                of_one = tf.slice(d, [number, 0, 0], [1, d.shape[1], columns])
                done = tf.matmul(of_one, matrix, transpose_b=True)
                parts.setdefault(number, []).append(done)
        return tf.concat([tf.concat(found, 2) for found in parts.values()], 0)


def times(x: Tensor, matrices: Tensor | Stack) -> Tensor:
    """Return the products [N, R, C] of [N, R, I] with matrices [N, I, C]."""
    return matrices.times(x) if isinstance(matrices, Stack) else tf.matmul(x, matrices)


def times_turned(d: Tensor, matrices: Tensor | Stack) -> Tensor:
    """Return the products [N, R, I] of [N, R, C] with matrices [N, I, C], turned."""
    if isinstance(matrices, Stack):
        return matrices.back(d)
    return tf.matmul(d, matrices, transpose_b=True)

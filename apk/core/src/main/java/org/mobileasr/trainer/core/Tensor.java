package org.mobileasr.trainer.core;

import java.util.Arrays;

/** A float array and its shape, row after row. */
public final class Tensor {
  public final int[] shape;
  public final float[] values;

  /**
   * @param shape sizes of the axes; none for a scalar
   * @param values as many as the product of the sizes
   */
  public Tensor(int[] shape, float[] values) {
    if (values.length != size(shape)) {
      throw new IllegalArgumentException(
          values.length + " values for a shape of " + Arrays.toString(shape));
    }
    this.shape = shape;
    this.values = values;
  }

  /** How many values a shape holds. */
  public static int size(int[] shape) {
    int size = 1;
    for (int axis : shape) {
      size = Math.multiplyExact(size, axis);
    }
    return size;
  }
}

package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/**
 * Only some rows or columns of a matrix travel, whole; the others are zero, or as they were: as
 * {@code harness.compression.kept} has it.
 */
enum Units {
  /** Output units, the last axis. */
  COLUMNS,

  /** Input units, the last axis but one. */
  ROWS;

  /**
   * A bit for each unit, the lowest first: what says which travel.
   *
   * @throws CodecException there is no such unit, or one is named twice
   */
  static byte[] mask(int[] kept, int units) throws CodecException {
    byte[] mask = new byte[(units + 7) / 8];
    for (int unit : kept) {
      if (unit < 0 || unit >= units || (mask[unit / 8] >> unit % 8 & 1) != 0) {
        throw new CodecException(
            "the kept units are not " + kept.length + " different ones of " + units);
      }
      mask[unit / 8] |= (byte) (1 << unit % 8);
    }
    return mask;
  }

  /**
   * The units that a mask names.
   *
   * @throws CodecException it is of more or fewer units
   */
  static int[] masked(byte[] mask, int units) throws CodecException {
    if (mask.length != (units + 7) / 8) {
      throw new CodecException(
          units + " units take " + (units + 7) / 8 + " bytes, not " + mask.length);
    }
    List<Integer> found = new ArrayList<Integer>();
    for (int unit = 0; unit < 8 * mask.length; unit++) {
      if ((mask[unit / 8] >> unit % 8 & 1) == 0) {
        continue;
      }
      if (unit >= units) {
        throw new CodecException("bits are set behind the last unit");
      }
      found.add(unit);
    }
    int[] kept = new int[found.size()];
    for (int n = 0; n < kept.length; n++) {
      kept[n] = found.get(n);
    }
    return kept;
  }

  /** The kept columns or rows. */
  Tensor select(Tensor value, int[] kept) {
    int[] shape = value.shape.clone();
    shape[axis(shape)] = kept.length;
    Tensor part = new Tensor(shape, new float[Tensor.size(shape)]);
    copy(value, part, kept, true);
    return part;
  }

  /**
   * A matrix whose kept columns or rows are those of a part, and whose others are as they were.
   *
   * @throws CodecException the part has more or fewer of them
   */
  Tensor place(Tensor part, int[] kept, Tensor into) throws CodecException {
    int came = part.shape[axis(part.shape)];
    if (came != kept.length) {
      throw new CodecException(came + " units came, " + kept.length + " were kept");
    }
    Tensor whole = new Tensor(into.shape, into.values.clone());
    copy(whole, part, kept, false);
    return whole;
  }

  private int axis(int[] shape) {
    return shape.length - (this == COLUMNS ? 1 : 2);
  }

  /** Copies units out of the whole into the part, or back; a unit is a block of a matrix. */
  private void copy(Tensor whole, Tensor part, int[] kept, boolean out) {
    int axis = axis(whole.shape);
    int units = whole.shape[axis];
    int block = this == COLUMNS ? 1 : whole.shape[axis + 1];
    int runs = whole.values.length / Math.max(1, units * block);
    for (int run = 0; run < runs; run++) {
      for (int n = 0; n < kept.length; n++) {
        int there = (run * units + kept[n]) * block;
        int here = (run * kept.length + n) * block;
        if (out) {
          System.arraycopy(whole.values, there, part.values, here, block);
        } else {
          System.arraycopy(part.values, here, whole.values, there, block);
        }
      }
    }
  }
}

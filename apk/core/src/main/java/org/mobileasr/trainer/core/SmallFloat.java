package org.mobileasr.trainer.core;

/**
 * S1EeMm: small floating-point numbers, in arithmetic of whole numbers on the bits of a float, as
 * {@code harness.compression.floats} does it.
 */
final class SmallFloat {
  private static final int MANTISSA = 23;
  private static final int BIAS = 127;
  private static final int WIDEST = 31;
  private static final int TABLE_BITS = 16;

  final int bits;
  final int k;
  private final String name;
  private final int exponent;
  private final int mantissa;
  private final int bias;
  private final int top;
  private final int low;
  private final int maxCode;
  private float[] table;

  /**
   * @param exponent bits of it, 2 to 8
   * @param mantissa bits of it, 1 to 15
   * @param ieee whether the top exponent stands for no numbers
   * @param k numbers are written times 2 to this
   * @throws CodecException numbers of it would be no floats
   */
  SmallFloat(int exponent, int mantissa, boolean ieee, int k) throws CodecException {
    this.exponent = exponent;
    this.mantissa = mantissa;
    this.k = k;
    name = "S1E" + exponent + "M" + mantissa;
    bits = 1 + exponent + mantissa;
    bias = (1 << (exponent - 1)) - 1;
    top = Math.min((1 << exponent) - (ieee ? 2 : 1) - bias, BIAS);
    if (k != 0 && (k < leastK() || k > mostK())) {
      throw new CodecException("the exponent of " + name + " cannot be moved by " + k);
    }
    low = 1 - bias - k + BIAS;
    maxCode = (top + bias) << mantissa | ((1 << mantissa) - 1);
  }

  private int leastK() {
    return top - BIAS;
  }

  private int mostK() {
    return 1 - bias + BIAS - 1;
  }

  /** The k for which a number lies in the top binade, as far as floats reach. */
  int fittedK(float largest) {
    if (largest == 0) {
      return 0;
    }
    int binade = Math.getExponent((double) largest); // a double has no subnormal of a float
    return Math.max(leastK(), Math.min(mostK(), top - binade));
  }

  /**
   * The code of a finite number; what is too large becomes the largest.
   *
   * @param lots of stochastic rounding, else null
   * @param even whether ties go to the even neighbour, where lots are null
   * @param place of the number in its variable
   */
  int encode(float value, Lots lots, boolean even, boolean subnormals, int place) {
    int raw = Float.floatToRawIntBits(value);
    long size = raw & 0x7fffffff;
    int binade = Math.max((int) (size >> MANTISSA), 1);
    size -= (long) (binade - 1) << MANTISSA; // with its leading one
    int base = Math.max(binade, low);
    int shift = base - binade + MANTISSA - mantissa;
    if (shift > WIDEST) {
      size >>= Math.min(shift - WIDEST, WIDEST);
      shift = WIDEST;
    }
    if (lots != null) {
      size += (lots.at(place) & 0xffffffffL) >> (32 - shift);
    } else {
      size += 1L << (shift - 1);
      if (even) {
        size += (size - (1L << (shift - 1)) >> shift & 1) - 1;
      }
    }
    size = Math.min((size >> shift) + ((long) (base - low) << mantissa), maxCode);
    if (!subnormals && size < 1 << mantissa) {
      size = 0;
    }
    return (int) size | (raw >>> 31) << (exponent + mantissa);
  }

  /**
   * The number of a code.
   *
   * @throws CodecException it stands for none
   */
  float decode(int code) throws CodecException {
    if (bits > TABLE_BITS) {
      return decoded(code);
    }
    if (table == null) {
      float[] numbers = new float[1 << bits];
      for (int n = 0; n < numbers.length; n++) {
        numbers[n] = holds(n) ? decoded(n) : Float.NaN;
      }
      table = numbers;
    }
    float value = table[code];
    if (Float.isNaN(value)) {
      throw new CodecException("a code of " + name + " stands for no number");
    }
    return value;
  }

  private boolean holds(int code) {
    return (code & ((1 << (bits - 1)) - 1)) <= maxCode;
  }

  private float decoded(int code) throws CodecException {
    if (!holds(code)) {
      throw new CodecException("a code of " + name + " stands for no number");
    }
    int size = code & ((1 << (bits - 1)) - 1);
    int binade = Math.max(size >> mantissa, 1);
    int whole = size - ((binade - 1) << mantissa);
    float value = Math.scalb((float) whole, binade - bias - k - mantissa);
    return code >>> (bits - 1) == 0 ? value : -value;
  }
}

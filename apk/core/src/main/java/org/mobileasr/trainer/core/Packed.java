package org.mobileasr.trainer.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A variable written small, and read back, byte for byte as {@code harness.compression.packed} does
 * it. Before the codes lie, little-endian: of S1EeMm the power of two, the scale and the bias; of
 * intN the scales; of float32 nothing, its first bytes, then the second ones, and so on.
 */
final class Packed {
  /** All bits of float32. */
  static final String SHUFFLED = "float32/shuffled";

  private static final Pattern CODING =
      Pattern.compile(
          "(S1E[2-8]M\\d+)/(fn|ieee)|int([468])/(tensor|column|row)|float32/shuffled");
  private static final int HEAD = 9;
  private static final double LOT = 1.0 / (1L << 32);

  /** How to read it: {@code S1E3M7/fn}, {@code int8/column}. */
  final String coding;

  final int[] shape;
  final byte[] data;
  private final SmallFloat small;
  private final int bits;
  private final Channels channels;

  /**
   * @param coding how to read it
   * @param shape of the variable
   * @param data what stands before the codes, and the codes
   * @throws CodecException there is no such coding, or there are more or fewer bytes than needed
   */
  Packed(String coding, int[] shape, byte[] data) throws CodecException {
    this.coding = coding;
    this.shape = shape;
    this.data = data;
    long wanted = length(coding, shape);
    if (data.length != wanted) {
      throw new CodecException(coding + " takes " + wanted + " bytes, not " + data.length);
    }
    Matcher matcher = matched(coding);
    if (coding.equals(SHUFFLED)) {
      small = null;
      bits = 32;
      channels = null;
    } else if (matcher.group(1) != null) {
      ByteBuffer head = head();
      int k = head.get(0);
      small = smallFloat(matcher, k);
      if (!finite(head.getFloat(1)) || !finite(head.getFloat(5))) {
        throw new CodecException("a scale or a bias that is no number");
      }
      bits = small.bits;
      channels = null;
    } else {
      small = null;
      bits = Integer.parseInt(matcher.group(3));
      channels = new Channels(shape, matcher.group(4));
    }
  }

  /**
   * The bytes that a variable takes.
   *
   * @throws CodecException there is no such coding
   */
  static long length(String coding, int[] shape) throws CodecException {
    Matcher matcher = matched(coding);
    int count = Tensor.size(shape);
    if (coding.equals(SHUFFLED)) {
      return 4L * count;
    }
    if (matcher.group(1) != null) {
      return HEAD + Bits.size(count, smallFloat(matcher, 0).bits);
    }
    int width = Integer.parseInt(matcher.group(3));
    return 4L * new Channels(shape, matcher.group(4)).count + Bits.size(count, width);
  }

  private static Matcher matched(String coding) throws CodecException {
    Matcher matcher = CODING.matcher(coding);
    boolean known = matcher.matches();
    if (!known || matcher.group(1) != null && Wire.floatBits(matcher.group(1)) == null) {
      throw new CodecException("numbers in '" + coding + "' cannot be read");
    }
    return matcher;
  }

  private static SmallFloat smallFloat(Matcher matcher, int k) throws CodecException {
    int[] parts = Wire.floatBits(matcher.group(1));
    return new SmallFloat(parts[0], parts[1], matcher.group(2).equals("ieee"), k);
  }

  private long headSize() {
    return small != null ? HEAD : 4L * channels.count;
  }

  private ByteBuffer head() {
    return ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static boolean finite(float value) {
    return !Float.isNaN(value) && !Float.isInfinite(value);
  }

  /**
   * Returns the variable.
   *
   * @throws CodecException a code stands for no number, or a number is none of a float's
   */
  Tensor value() throws CodecException {
    float[] values = new float[Tensor.size(shape)];
    if (coding.equals(SHUFFLED)) {
      for (int n = 0; n < values.length; n++) {
        values[n] = Float.intBitsToFloat(shuffledBits(n));
      }
      return new Tensor(shape, checked(values));
    }
    Bits codes = codes();
    ByteBuffer head = head();
    if (small != null) {
      float s = head.getFloat(1);
      float b = head.getFloat(5);
      boolean line = s != 1 || b != 0;
      for (int n = 0; n < values.length; n++) {
        float value = small.decode(codes.take());
        values[n] = line ? value * s + b : value;
      }
    } else {
      for (int n = 0; n < values.length; n++) {
        values[n] = wholeNumber(codes.take()) * head.getFloat(4 * channels.of(n));
      }
      for (int n = 0; n < channels.count; n++) {
        if (!finite(head.getFloat(4 * n))) {
          throw new CodecException("a scale is NaN or infinite");
        }
      }
    }
    codes.end();
    return new Tensor(shape, checked(values));
  }

  private static float[] checked(float[] values) throws CodecException {
    for (float value : values) {
      if (!finite(value)) {
        throw new CodecException("a number is too large for a float");
      }
    }
    return values;
  }

  /** The bits of a number whose bytes lie apart. */
  private int shuffledBits(int place) {
    int count = Tensor.size(shape);
    int found = 0;
    for (int n = 0; n < 4; n++) {
      found |= (data[n * count + place] & 0xff) << 8 * n;
    }
    return found;
  }

  private static byte[] shuffled(float[] values) {
    byte[] data = new byte[4 * values.length];
    for (int place = 0; place < values.length; place++) {
      int bits = Float.floatToRawIntBits(values[place]);
      for (int n = 0; n < 4; n++) {
        data[n * values.length + place] = (byte) (bits >> 8 * n);
      }
    }
    return data;
  }

  private Bits codes() {
    return new Bits(data, (int) headSize(), bits);
  }

  private boolean isZero(int code) {
    return small == null ? code == 0 : (code & ((1 << (bits - 1)) - 1)) == 0;
  }

  private int wholeNumber(int code) throws CodecException {
    int whole = code << (32 - bits) >> (32 - bits);
    if (whole == -(1 << (bits - 1))) {
      throw new CodecException("a code of int" + bits + " stands for no number");
    }
    return whole;
  }

  /**
   * Writes a variable small.
   *
   * @param key of stochastic rounding: another text for each variable and each time
   * @throws CodecException a number is NaN or infinite
   */
  static Packed pack(Tensor value, Wire wire, String key) throws CodecException {
    for (float number : value.values) {
      if (!finite(number)) {
        throw new CodecException("NaN and infinite numbers cannot be written smaller");
      }
    }
    if (wire.isShuffled()) {
      return new Packed(SHUFFLED, value.shape, shuffled(value.values));
    }
    Lots lots = wire.rounding.equals(Wire.STOCHASTIC) ? new Lots(key) : null;
    boolean even = wire.rounding.equals(Wire.NEAREST_EVEN);
    Matcher matcher = matched(wire.coding());
    byte[] data =
        wire.isFloat()
            ? packedFloats(value.values, matcher, wire, lots, even)
            : packedIntegers(value, matcher, lots, even);
    return new Packed(wire.coding(), value.shape, data);
  }

  /**
   * How many codes training changed against what was sent: those that other numbers would not have
   * where scale and lots are kept.
   *
   * @param before what was sent; null where this is a difference: then zero is what did not change
   */
  int changed(Tensor before, Wire wire, String key) throws CodecException {
    Lots lots = wire.rounding.equals(Wire.STOCHASTIC) ? new Lots(key) : null;
    boolean even = wire.rounding.equals(Wire.NEAREST_EVEN);
    int changed = 0;
    if (wire.isShuffled()) {
      for (int n = 0; n < Tensor.size(shape); n++) {
        int bits = shuffledBits(n);
        int old = before == null ? bits & 1 << 31 : Float.floatToRawIntBits(before.values[n]);
        changed += bits == old ? 0 : 1;
      }
      return changed;
    }
    Bits codes = codes();
    for (int n = 0; n < Tensor.size(shape); n++) {
      int code = codes.take();
      if (before == null) {
        changed += isZero(code) ? 0 : 1;
        continue;
      }
      float value = before.values[n];
      int old =
          small != null
              ? small.encode(value, lots, even, wire.subnormals, n)
              : wholeCode(value, head().getFloat(4 * channels.of(n)), bits, lots, even, n);
      changed += code == old ? 0 : 1;
    }
    return changed;
  }

  private static byte[] packedFloats(
      float[] values, Matcher matcher, Wire wire, Lots lots, boolean even) throws CodecException {
    SmallFloat form = smallFloat(matcher, 0);
    if (wire.fitted) {
      float largest = 0;
      for (float value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
      form = smallFloat(matcher, form.fittedK(largest));
    }
    byte[] data = new byte[(int) (HEAD + Bits.size(values.length, form.bits))];
    Bits codes = new Bits(data, HEAD, form.bits);
    float[] decoded = wire.transform ? new float[values.length] : null;
    for (int n = 0; n < values.length; n++) {
      int code = form.encode(values[n], lots, even, wire.subnormals, n);
      codes.put(code);
      if (decoded != null) {
        decoded[n] = form.decode(code);
      }
    }
    codes.flush();
    Line line = decoded == null ? null : Line.fitted(values, decoded);
    ByteBuffer.wrap(data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(0, (byte) form.k)
        .putFloat(1, line == null ? 1 : (float) line.scale)
        .putFloat(5, line == null ? 0 : (float) line.bias);
    return data;
  }

  private static byte[] packedIntegers(Tensor value, Matcher matcher, Lots lots, boolean even) {
    int bits = Integer.parseInt(matcher.group(3));
    int most = (1 << (bits - 1)) - 1;
    Channels channels = new Channels(value.shape, matcher.group(4));
    float[] largest = new float[channels.count];
    for (int n = 0; n < value.values.length; n++) {
      int channel = channels.of(n);
      largest[channel] = Math.max(largest[channel], Math.abs(value.values[n]));
    }
    int begin = 4 * channels.count;
    byte[] data = new byte[(int) (begin + Bits.size(value.values.length, bits))];
    ByteBuffer head = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    for (int n = 0; n < channels.count; n++) {
      head.putFloat(4 * n, (float) ((double) largest[n] / most));
    }
    Bits codes = new Bits(data, begin, bits);
    for (int n = 0; n < value.values.length; n++) {
      float scale = head.getFloat(4 * channels.of(n));
      codes.put(wholeCode(value.values[n], scale, bits, lots, even, n));
    }
    codes.flush();
    return data;
  }

  private static int wholeCode(
      float value, double scale, int bits, Lots lots, boolean even, int place) {
    double quotient = value / (scale == 0 ? 1 : scale);
    double whole;
    if (lots != null) {
      whole = Math.floor(quotient + (lots.at(place) & 0xffffffffL) * LOT);
    } else if (even) {
      whole = Math.rint(quotient);
    } else {
      whole = Math.copySign(Math.floor(Math.abs(quotient) + 0.5), quotient);
    }
    int most = (1 << (bits - 1)) - 1;
    return (int) Math.max(-most, Math.min(most, whole)) & ((1 << bits) - 1);
  }

  /** How scales lie over a variable. */
  private static final class Channels {
    final int count;
    private final int rows;
    private final int columns;
    private final boolean byColumn;
    private final boolean single;

    Channels(int[] shape, String per) {
      int axes = shape.length;
      byColumn = per.equals("column");
      single = per.equals("tensor") || axes < 2;
      if (single) {
        rows = 1;
        columns = Tensor.size(shape);
        count = 1;
      } else {
        columns = shape[axes - 1];
        int matrices = 1;
        int high = 1;
        for (int n = 0; n < axes - 1; n++) {
          if (axes <= 3 && n < axes - 2) {
            matrices *= shape[n];
          } else {
            high *= shape[n];
          }
        }
        rows = high;
        count = matrices * (byColumn ? columns : rows);
      }
    }

    /** The channel of a value, by its place. */
    int of(int place) {
      if (single) {
        return 0;
      }
      int row = place / columns;
      return byColumn ? row / rows * columns + place % columns : row;
    }
  }
}

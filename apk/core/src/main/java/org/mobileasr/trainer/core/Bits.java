package org.mobileasr.trainer.core;

/** Codes of a few bits in bytes, the lowest bit first. */
final class Bits {
  private final byte[] data;
  private final int width;
  private int place;
  private long held;
  private int filled;

  /**
   * @param data that is written or read
   * @param begin where the codes begin in it
   * @param width of a code, 1 to 32 bits
   */
  Bits(byte[] data, int begin, int width) {
    this.data = data;
    this.place = begin;
    this.width = width;
  }

  /** The bytes of so many codes. */
  static long size(long count, int width) {
    return (count * width + 7) / 8;
  }

  /** Writes a code. */
  void put(int code) {
    held |= (code & 0xffffffffL) << filled;
    filled += width;
    while (filled >= 8) {
      data[place++] = (byte) held;
      held >>>= 8;
      filled -= 8;
    }
  }

  /** Writes what is left of the last byte. */
  void flush() {
    if (filled > 0) {
      data[place++] = (byte) held;
    }
  }

  /** Reads a code. */
  int take() {
    while (filled < width) {
      held |= (data[place++] & 0xffL) << filled;
      filled += 8;
    }
    int code = (int) (held & ((1L << width) - 1));
    held >>>= width;
    filled -= width;
    return code;
  }

  /**
   * Ends the reading.
   *
   * @throws CodecException bits are set behind the last code
   */
  void end() throws CodecException {
    if (held != 0) {
      throw new CodecException("bits are set behind the last code");
    }
  }
}

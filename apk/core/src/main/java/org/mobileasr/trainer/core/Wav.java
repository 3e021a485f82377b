package org.mobileasr.trainer.core;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;

/** Recordings as the model takes them: RIFF WAVE, PCM, mono, 16 bit. */
public final class Wav {
  private static final Charset LATIN = Charset.forName("ISO-8859-1");
  private static final int MAX_FORMAT_BYTES = 1 << 10;

  private Wav() {}

  /**
   * Reads the samples of a file.
   *
   * @param sampleRate Hz that it must have
   * @throws BadInputException not there, or not of this kind
   */
  public static short[] read(File path, int sampleRate) throws BadInputException {
    try {
      DataInputStream in = new DataInputStream(new FileInputStream(path));
      try {
        return read(in, path, sampleRate);
      } finally {
        in.close();
      }
    } catch (EOFException e) {
      throw new BadInputException(path.getPath(), "not a WAV file: it ends too soon");
    } catch (IOException e) {
      throw new BadInputException(path.getPath(), "cannot be read: " + e.getMessage());
    }
  }

  private static short[] read(DataInputStream in, File path, int sampleRate)
      throws IOException, BadInputException {
    byte[] head = new byte[12];
    in.readFully(head);
    if (!"RIFF".equals(name(head, 0)) || !"WAVE".equals(name(head, 8))) {
      throw new BadInputException(path.getPath(), "not a WAV file");
    }
    boolean formatSeen = false;
    while (true) {
      byte[] chunk = new byte[8];
      in.readFully(chunk);
      long size = ByteBuffer.wrap(chunk, 4, 4).order(ByteOrder.LITTLE_ENDIAN).getInt() & 0xffffffffL;
      if ("fmt ".equals(name(chunk, 0)) && size >= 16 && size <= MAX_FORMAT_BYTES) {
        byte[] format = new byte[(int) size];
        in.readFully(format);
        checkFormat(ByteBuffer.wrap(format).order(ByteOrder.LITTLE_ENDIAN), path, sampleRate);
        formatSeen = true;
      } else if ("data".equals(name(chunk, 0)) && formatSeen) {
        // What is declared but not there is an end too soon, not an allocation of 4 GB.
        if (size > path.length()) {
          throw new EOFException();
        }
        byte[] data = new byte[(int) size & ~1];
        in.readFully(data);
        short[] samples = new short[data.length / 2];
        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(samples);
        return samples;
      } else {
        skip(in, size);
      }
      if ((size & 1) == 1) {
        skip(in, 1);
      }
    }
  }

  private static void checkFormat(ByteBuffer format, File path, int sampleRate)
      throws BadInputException {
    int coding = format.getShort() & 0xffff;
    int channels = format.getShort();
    int rate = format.getInt();
    format.getInt();
    format.getShort();
    int bits = format.getShort();
    if (coding != 1 || channels != 1 || bits != 16 || rate != sampleRate) {
      throw new BadInputException(
          path.getPath(),
          channels + " channels, " + bits + " bit, " + rate + " Hz, coding " + coding
              + "; the model takes mono, 16 bit, " + sampleRate + " Hz, PCM");
    }
  }

  private static String name(byte[] bytes, int offset) {
    return new String(bytes, offset, 4, LATIN);
  }

  private static void skip(DataInputStream in, long bytes) throws IOException {
    for (long left = bytes; left > 0; ) {
      int skipped = in.skipBytes((int) Math.min(left, 1 << 20));
      if (skipped == 0) {
        throw new EOFException();
      }
      left -= skipped;
    }
  }
}

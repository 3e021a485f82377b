package org.mobileasr.trainer.core;

import java.nio.charset.Charset;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Lots that need no generator: the same for the same text and place, as {@code
 * harness.compression.lots} draws them.
 */
final class Lots {
  private static final Charset UTF_8 = Charset.forName("UTF-8");

  private final int low;
  private final int high;

  /**
   * @param key another text for each variable and each time
   */
  Lots(String key) {
    byte[] digest = sha256(key);
    low = word(digest, 0);
    high = word(digest, 4);
  }

  /** 24 bits for a text: a seed for lots that are drawn elsewhere. */
  static int seed(String text) {
    return word(sha256(text), 0) & 0xffffff;
  }

  /** 32 evenly spread bits for a place of the variable. */
  int at(int place) {
    int x = place * 0x9E3779B1 + low;
    x ^= x >>> 16;
    x *= 0x7FEB352D;
    x ^= high;
    x ^= x >>> 15;
    x *= 0x846CA68B;
    return x ^ x >>> 16;
  }

  /** The share of names that is drawn: those with the smallest SHA-256 of draw and name. */
  static List<String> drawn(Collection<String> names, double share, String draw) {
    final Map<String, byte[]> lots = new HashMap<String, byte[]>();
    for (String name : names) {
      lots.put(name, sha256(draw + ":" + name));
    }
    List<String> pool = new ArrayList<String>(names);
    Collections.sort(
        pool,
        new Comparator<String>() {
          @Override
          public int compare(String one, String other) {
            byte[] a = lots.get(one);
            byte[] b = lots.get(other);
            for (int n = 0; n < a.length; n++) {
              if (a[n] != b[n]) {
                return (a[n] & 0xff) - (b[n] & 0xff);
              }
            }
            return 0;
          }
        });
    List<String> drawn = new ArrayList<String>(pool.subList(0, (int) (share * pool.size() + 0.5)));
    Collections.sort(drawn);
    return drawn;
  }

  private static int word(byte[] bytes, int begin) {
    return bytes[begin] & 0xff
        | (bytes[begin + 1] & 0xff) << 8
        | (bytes[begin + 2] & 0xff) << 16
        | (bytes[begin + 3] & 0xff) << 24;
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}

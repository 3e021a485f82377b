package org.mobileasr.trainer.core;

import java.math.BigInteger;
import java.nio.charset.Charset;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/** In which batches an epoch takes its utterances: as {@code harness.contract.order} has it. */
public final class EpochBatches {
  /** Batches' worth of utterances, drawn at random, that are sorted by length together. */
  public static final int WINDOW_BATCHES = 4;

  private EpochBatches() {}

  /**
   * Returns the rows of each batch; every row once.
   *
   * @param seed of the job
   * @param epoch from 1
   * @param lengths of each utterance, in frames of features
   * @param batchSize utterances in a batch
   */
  public static List<List<Integer>> of(long seed, int epoch, int[] lengths, int batchSize) {
    List<Integer> drawn = byDigest(lengths.length, seed + ":" + epoch + ":");
    List<List<Integer>> batches = new ArrayList<List<Integer>>();
    int size = WINDOW_BATCHES * batchSize;
    for (int start = 0; start < drawn.size(); start += size) {
      List<Integer> window =
          new ArrayList<Integer>(drawn.subList(start, Math.min(start + size, drawn.size())));
      Collections.sort(window, byLength(lengths));
      for (int n = 0; n < window.size(); n += batchSize) {
        batches.add(
            new ArrayList<Integer>(window.subList(n, Math.min(n + batchSize, window.size()))));
      }
    }
    List<List<Integer>> ordered = new ArrayList<List<Integer>>();
    for (int n : byDigest(batches.size(), seed + ":" + epoch + ":batch ")) {
      ordered.add(batches.get(n));
    }
    return ordered;
  }

  private static Comparator<Integer> byLength(final int[] lengths) {
    return new Comparator<Integer>() {
      @Override
      public int compare(Integer a, Integer b) {
        return Integer.compare(lengths[a], lengths[b]);
      }
    };
  }

  /** 0 .. count-1 in the order of SHA-256(prefix + number). */
  private static List<Integer> byDigest(int count, String prefix) {
    final List<BigInteger> digests = new ArrayList<BigInteger>();
    List<Integer> numbers = new ArrayList<Integer>();
    for (int n = 0; n < count; n++) {
      digests.add(sha256(prefix + n));
      numbers.add(n);
    }
    Collections.sort(
        numbers,
        new Comparator<Integer>() {
          @Override
          public int compare(Integer a, Integer b) {
            return digests.get(a).compareTo(digests.get(b));
          }
        });
    return numbers;
  }

  private static BigInteger sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return new BigInteger(1, digest.digest(text.getBytes(Charset.forName("UTF-8"))));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}

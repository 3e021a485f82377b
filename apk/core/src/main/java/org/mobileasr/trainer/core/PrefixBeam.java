package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * CTC prefix beam search without a language model (Hannun et al., arXiv 1408.2873), as {@code
 * harness.trainer.beam} has it. Prefixes are numbers of a tree.
 */
final class PrefixBeam {
  /** An output whose log probability in a frame is lower is left out there. */
  static final double PRUNED = Math.log(1e-6);

  private static final double NONE = Double.NEGATIVE_INFINITY;

  private final int blank;
  private final int beam;
  private final Tree tree = new Tree();

  /** Numbers of the prefixes in the beam. */
  private int[] ids = {0};

  /** Log probability that each ends with a blank. */
  private double[] blanked = {0};

  /** Log probability that each ends with its last output. */
  private double[] sounded = {NONE};

  private PrefixBeam(int blank, int beam) {
    this.blank = blank;
    this.beam = beam;
  }

  /** What was likely said, and how likely. */
  static final class Labelling {
    final int[] labels;

    /** Log probability. */
    final double score;

    private Labelling(int[] labels, double score) {
      this.labels = labels;
      this.score = score;
    }
  }

  /**
   * The likeliest labellings, the best first.
   *
   * @param logits {@code [frame][output]}
   * @param blank index of the blank's output
   * @param beam prefixes that are kept at each frame
   * @param count labellings wanted; fewer come back where no more are left
   */
  static List<Labelling> nBest(float[][] logits, int blank, int beam, int count) {
    PrefixBeam search = new PrefixBeam(blank, beam);
    for (float[] frame : logits) {
      double[] logP = LogSoftmax.of(frame);
      for (int n = 0; n < logP.length; n++) {
        logP[n] = logP[n] >= PRUNED ? logP[n] : NONE; // what is no number is left out, too
      }
      search.advance(logP);
    }
    double[] totals = sums(search.blanked, search.sounded);
    List<Labelling> found = new ArrayList<Labelling>();
    for (int n : likeliest(totals, count)) {
      found.add(new Labelling(search.tree.labels(search.ids[n]), totals[n]));
    }
    return found;
  }

  /** The share of the best of log probabilities among them; null of none. */
  static Double posterior(List<Double> scores) {
    if (scores.isEmpty()) {
      return null;
    }
    double most = Collections.max(scores);
    double sum = 0;
    for (double score : scores) {
      sum += Math.exp(score - most);
    }
    return 1.0 / sum;
  }

  /** Takes one frame of log probabilities. */
  private void advance(double[] frame) {
    int width = ids.length;
    double[] totals = sums(blanked, sounded);
    double[] staySounded = new double[width];
    double[] stayBlanked = new double[width];
    for (int place = 0; place < width; place++) {
      int last = tree.last.get(ids[place]);
      staySounded[place] = last < 0 ? NONE : sounded[place] + frame[last];
      stayBlanked[place] = totals[place] + frame[blank];
    }
    int[] outputs = heard(frame);
    double[] scores = new double[width + width * outputs.length];
    for (int place = 0; place < width; place++) {
      int last = tree.last.get(ids[place]);
      for (int column = 0; column < outputs.length; column++) {
        // after the same output, only what ends with a blank can be prolonged by it
        double before = last == outputs[column] ? blanked[place] : totals[place];
        scores[width + place * outputs.length + column] = before + frame[outputs[column]];
      }
    }
    joinLonger(staySounded, scores, outputs);
    System.arraycopy(sums(stayBlanked, staySounded), 0, scores, 0, width);
    int[] order = likeliest(scores, beam);
    int[] kept = new int[order.length];
    blanked = new double[order.length];
    sounded = new double[order.length];
    for (int n = 0; n < order.length; n++) {
      int place = order[n];
      int grown = place - width;
      boolean stays = grown < 0;
      kept[n] =
          stays
              ? ids[place]
              : tree.child(ids[grown / outputs.length], outputs[grown % outputs.length]);
      blanked[n] = stays ? stayBlanked[place] : NONE;
      sounded[n] = stays ? staySounded[place] : scores[place];
    }
    ids = kept;
  }

  /** A longer prefix may be in the beam already: its probability goes there. */
  private void joinLonger(double[] staySounded, double[] scores, int[] outputs) {
    Map<Integer, Integer> places = new HashMap<Integer, Integer>();
    for (int place = 0; place < ids.length; place++) {
      places.put(ids[place], place);
    }
    for (int place = 0; place < ids.length; place++) {
      Integer parent = places.get(tree.parents.get(ids[place]));
      int column = Arrays.binarySearch(outputs, tree.last.get(ids[place]));
      if (parent != null && column >= 0) {
        int longer = ids.length + parent * outputs.length + column;
        staySounded[place] = logSum(staySounded[place], scores[longer]);
        scores[longer] = NONE;
      }
    }
  }

  /** Indices of the outputs that are not left out, blank excepted, ascending. */
  private int[] heard(double[] frame) {
    int[] found = new int[frame.length];
    int count = 0;
    for (int n = 0; n < frame.length; n++) {
      if (frame[n] > NONE && n != blank) {
        found[count++] = n;
      }
    }
    return Arrays.copyOf(found, count);
  }

  /** Places of the highest scores, the highest first, of equal ones the first; none of NONE. */
  private static int[] likeliest(final double[] scores, int count) {
    List<Integer> places = new ArrayList<Integer>();
    for (int n = 0; n < scores.length; n++) {
      if (scores[n] > NONE) {
        places.add(n);
      }
    }
    Collections.sort(
        places,
        new Comparator<Integer>() {
          @Override
          public int compare(Integer a, Integer b) {
            return scores[a] > scores[b] ? -1 : scores[a] < scores[b] ? 1 : 0;
          }
        });
    int[] found = new int[Math.min(count, places.size())];
    for (int n = 0; n < found.length; n++) {
      found[n] = places.get(n);
    }
    return found;
  }

  private static double[] sums(double[] a, double[] b) {
    double[] sums = new double[a.length];
    for (int n = 0; n < sums.length; n++) {
      sums[n] = logSum(a[n], b[n]);
    }
    return sums;
  }

  static double logSum(double a, double b) {
    double most = Math.max(a, b);
    return most == NONE ? NONE : most + Math.log1p(Math.exp(-Math.abs(a - b)));
  }

  /** Prefixes as numbers: 0 is the empty one, each other has a parent and a last output. */
  private static final class Tree {
    private final List<Integer> parents = new ArrayList<Integer>(Arrays.asList(-1));
    private final List<Integer> last = new ArrayList<Integer>(Arrays.asList(-1));
    private final Map<Long, Integer> numbers = new HashMap<Long, Integer>();

    /** The number of a prefix with one more output; the same is never numbered twice. */
    int child(int parent, int output) {
      long key = ((long) parent << 32) | output;
      Integer number = numbers.get(key);
      if (number == null) {
        number = parents.size();
        numbers.put(key, number);
        parents.add(parent);
        last.add(output);
      }
      return number;
    }

    int[] labels(int number) {
      List<Integer> found = new ArrayList<Integer>();
      for (int n = number; n > 0; n = parents.get(n)) {
        found.add(last.get(n));
      }
      int[] labels = new int[found.size()];
      for (int n = 0; n < labels.length; n++) {
        labels[n] = found.get(labels.length - 1 - n);
      }
      return labels;
    }
  }
}

package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Labels from what an encoder gives, frame by frame, as {@code harness.trainer.transduced} has it:
 * of a beam of 1 the likeliest label of each step.
 */
abstract class Transduction {
  /**
   * A labelling that is so much less likely than the last one that stays is not gone on with within
   * a frame.
   */
  static final double PRUNED = Math.log(1e-3);

  final Transducer model;
  final int blank;

  /** Most labels that a frame may write. */
  final int most;

  private Transduction(Transducer model, int blank, int most) {
    this.model = model;
    this.blank = blank;
    this.most = most;
  }

  /**
   * Begins to hear a recording.
   *
   * @param blank output that is the blank
   * @param most labels that a frame may write
   * @param beam labellings that are kept
   */
  static Transduction of(Transducer model, int blank, int most, int beam) {
    return beam == 1 ? new Greedy(model, blank, most) : new Beam(model, blank, most, beam);
  }

  /** Goes on by a frame. */
  abstract void hear(float[] frame);

  /** What is written so far. */
  abstract List<Integer> labels();

  private static final class Greedy extends Transduction {
    private final List<Integer> labels = new ArrayList<Integer>();
    private Transducer.Written written;

    Greedy(Transducer model, int blank, int most) {
      super(model, blank, most);
      written = model.predict(blank, null);
    }

    @Override
    void hear(float[] frame) {
      for (int n = 0; n < most; n++) {
        float[] logits = model.joint(frame, written.vector);
        int best = 0;
        for (int label = 1; label < logits.length; label++) {
          best = logits[label] > logits[best] ? label : best;
        }
        if (best == blank) {
          return;
        }
        labels.add(best);
        written = model.predict(best, written);
      }
    }

    @Override
    List<Integer> labels() {
      return labels;
    }
  }

  /** A labelling, and the log probability of all its alignments that are in the beam. */
  static final class Hypothesis {
    final List<Integer> labels;
    final double score;

    private Hypothesis(List<Integer> labels, double score) {
      this.labels = labels;
      this.score = score;
    }

    private Hypothesis longer(int label, double score) {
      List<Integer> more = new ArrayList<Integer>(labels);
      more.add(label);
      return new Hypothesis(more, score);
    }
  }

  /** The likeliest labellings: their alignments are summed as far as they are in the beam. */
  static final class Beam extends Transduction {
    private static final Comparator<Hypothesis> LIKELIEST =
        new Comparator<Hypothesis>() {
          @Override
          public int compare(Hypothesis a, Hypothesis b) {
            return a.score > b.score ? -1 : a.score < b.score ? 1 : 0;
          }
        };

    private final int beam;
    private List<Hypothesis> kept =
        Arrays.asList(new Hypothesis(Collections.<Integer>emptyList(), 0));

    /** What was looked at in this frame. */
    private Map<List<Integer>, Transducer.Written> known =
        new HashMap<List<Integer>, Transducer.Written>();

    /** What was looked at in the frame before: likely to be looked at again. */
    private Map<List<Integer>, Transducer.Written> before = known;

    Beam(Transducer model, int blank, int most, int beam) {
      super(model, blank, most);
      this.beam = beam;
    }

    @Override
    List<Integer> labels() {
      return kept.get(0).labels;
    }

    /** The likeliest first. */
    List<Hypothesis> hypotheses() {
      return kept;
    }

    @Override
    void hear(float[] frame) {
      before = known;
      known = new HashMap<List<Integer>, Transducer.Written>();
      Map<List<Integer>, Double> ended = new LinkedHashMap<List<Integer>, Double>();
      List<Hypothesis> going = kept;
      for (int n = 0; n <= most && !going.isEmpty(); n++) {
        List<double[]> scores = new ArrayList<double[]>();
        for (Hypothesis hypothesis : going) {
          double[] logP = LogSoftmax.of(model.joint(frame, written(hypothesis.labels).vector));
          for (int label = 0; label < logP.length; label++) {
            logP[label] += hypothesis.score;
          }
          Double other = ended.get(hypothesis.labels);
          double score = other == null ? logP[blank] : PrefixBeam.logSum(other, logP[blank]);
          ended.put(hypothesis.labels, score);
          scores.add(logP);
        }
        going = longer(going, scores, floor(ended));
      }
      List<Hypothesis> all = new ArrayList<Hypothesis>();
      for (Map.Entry<List<Integer>, Double> each : ended.entrySet()) {
        all.add(new Hypothesis(each.getKey(), each.getValue()));
      }
      kept = likeliest(all);
    }

    private List<Hypothesis> longer(List<Hypothesis> going, List<double[]> scores, double floor) {
      List<Hypothesis> longer = new ArrayList<Hypothesis>();
      for (int row = 0; row < scores.size(); row++) {
        double[] logP = scores.get(row);
        for (int label = 0; label < logP.length; label++) {
          if (label != blank && logP[label] > floor) {
            longer.add(going.get(row).longer(label, logP[label]));
          }
        }
      }
      return likeliest(longer);
    }

    /** The score that a labelling must be above to be gone on with. */
    private double floor(Map<List<Integer>, Double> ended) {
      if (ended.size() < beam) {
        return Double.NEGATIVE_INFINITY;
      }
      List<Double> scores = new ArrayList<Double>(ended.values());
      Collections.sort(scores, Collections.reverseOrder());
      return scores.get(beam - 1) + PRUNED;
    }

    private List<Hypothesis> likeliest(List<Hypothesis> all) {
      Collections.sort(all, LIKELIEST);
      return new ArrayList<Hypothesis>(all.subList(0, Math.min(beam, all.size())));
    }

    private Transducer.Written written(List<Integer> labels) {
      Transducer.Written found = known.get(labels);
      if (found == null) {
        found = before.get(labels);
      }
      if (found == null) {
        int last = labels.size() - 1;
        found =
            last < 0
                ? model.predict(blank, null)
                : model.predict(labels.get(last), written(labels.subList(0, last)));
      }
      known.put(labels, found);
      return found;
    }
  }
}

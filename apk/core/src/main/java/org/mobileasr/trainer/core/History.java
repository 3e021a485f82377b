package org.mobileasr.trainer.core;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What a job has come to so far, from its own event log, those of a killed process included. */
public final class History {
  private final Map<Integer, Event> saved = new HashMap<Integer, Event>();
  private final TreeMap<Integer, Double> wers = new TreeMap<Integer, Double>();
  private final boolean stopped;
  private final boolean finished;
  private final Event selected;
  private final String keep;
  private int steps;

  /**
   * @param before what an earlier process of the same job wrote; empty at a first start
   * @param keep which epoch's checkpoint counts, as {@link Job#keep}
   */
  public History(List<Event> before, String keep) {
    this.keep = keep;
    boolean sawStop = false;
    boolean sawEnd = false;
    Event chosen = null;
    for (Event event : before) {
      if (Event.CHECKPOINT.equals(event.type())) {
        saved.put(event.integer("epoch"), event);
      } else if (Event.SELECTED.equals(event.type())) {
        chosen = event;
      }
      sawStop |= Event.STOPPED.equals(event.type());
      sawEnd |= Event.FINISHED.equals(event.type());
    }
    // An epoch that was evaluated but not saved is trained again; its event stands twice then.
    for (Event event : before) {
      if (Event.EPOCH.equals(event.type()) && event.integer("epoch") <= lastSaved()) {
        wers.put(event.integer("epoch"), event.number("wer_percent"));
      }
    }
    steps = stepsBefore(before);
    stopped = sawStop;
    finished = sawEnd;
    selected = lastSaved() > 0 ? chosen : null;
  }

  /** The last epoch whose checkpoint is complete; 0 = none. */
  public int lastSaved() {
    int last = 0;
    for (int epoch : saved.keySet()) {
      last = Math.max(last, epoch);
    }
    return last;
  }

  /** Counts the steps in the weights so far; those of an epoch that was lost do not count. */
  private int stepsBefore(List<Event> before) {
    Set<List<Integer>> taken = new HashSet<List<Integer>>();
    for (Event event : before) {
      if (Event.STEP.equals(event.type()) && event.integer("epoch") <= lastSaved()) {
        taken.add(Arrays.asList(event.integer("epoch"), event.integer("step")));
      }
    }
    return taken.size();
  }

  /** Optimiser steps in the weights so far. */
  public int steps() {
    return steps;
  }

  /** Notes the steps of an epoch. */
  public void addSteps(int number) {
    steps += number;
  }

  /** The event of that epoch's checkpoint, or null. */
  public Event lastCheckpoint() {
    return saved.get(lastSaved());
  }

  /** The choice that the weights so far belong to, or null. */
  public Event selected() {
    return selected;
  }

  public boolean stopped() {
    return stopped;
  }

  public boolean finished() {
    return finished;
  }

  public boolean hasEpoch(int epoch) {
    return wers.containsKey(epoch);
  }

  public double werPercent(int epoch) {
    return wers.get(epoch);
  }

  /** Notes an evaluated epoch. */
  public void add(int epoch, double werPercent) {
    wers.put(epoch, werPercent);
  }

  /** The last epoch that counts. */
  public int done() {
    return wers.lastKey();
  }

  /** The epoch whose checkpoint counts; 0 = none does. */
  public int kept() {
    return Job.LAST.equals(keep) ? done() : best();
  }

  /** The epoch with the lowest WER, the earliest of equals; 0 = nothing got better. */
  public int best() {
    int best = wers.firstKey();
    for (Map.Entry<Integer, Double> epoch : wers.entrySet()) {
      if (epoch.getValue() < wers.get(best)) {
        best = epoch.getKey();
      }
    }
    return best;
  }

  /** Whether an epoch with this WER would be better than all so far. */
  public boolean isBest(double werPercent) {
    for (double earlier : wers.values()) {
      if (werPercent >= earlier) {
        return false;
      }
    }
    return true;
  }

  /** The stop rule's state after all epochs so far; epoch 0 is the baseline. */
  public Patience patience(Job.Stop stop) {
    Patience patience = Patience.start(stop.policy, stop.patience, wers.get(0));
    for (int epoch = 1; epoch <= done(); epoch++) {
      patience = patience.after(wers.get(epoch));
    }
    return patience;
  }
}

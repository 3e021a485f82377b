package org.mobileasr.trainer.core;

import java.util.List;
import java.util.Map;

/** The decisions of MobileASR's Algorithms 1 and 2 that need no memory. */
public final class Policies {
  /** Reason of {@link #resourcesAllow}. */
  public static final String BATTERY = "battery";

  /** Reason of {@link #resourcesAllow}. */
  public static final String MEMORY = "memory";

  private Policies() {}

  /**
   * Returns the first candidate that fits (Algorithm 1), or null, a case that it leaves undefined.
   *
   * @param availableMb what is available right before
   * @param needMb what training each candidate adds
   * @param candidates in order of preference
   */
  public static String selectSubModel(
      double availableMb, Map<String, Double> needMb, List<String> candidates) {
    for (String candidate : candidates) {
      if (availableMb >= needMb.get(candidate)) {
        return candidate;
      }
    }
    return null;
  }

  /**
   * Returns why the next epoch must not start ({@link #BATTERY}, {@link #MEMORY}), or null
   * (Algorithm 2, line 7). What the phone does not tell (null) stops nothing.
   */
  public static String resourcesAllow(
      Double batteryPercent,
      Double availableMb,
      double batteryBelowPercent,
      double availableBelowMb) {
    if (batteryPercent != null && batteryPercent <= batteryBelowPercent) {
      return BATTERY;
    }
    if (availableMb != null && availableMb <= availableBelowMb) {
      return MEMORY;
    }
    return null;
  }
}

package org.mobileasr.trainer.core;

/** A phone whose clock goes on by one at each look. */
final class FakePhone implements Phone {
  Double availableMb = 2000.0;
  Double batteryPercent = 80.0;
  private long clock = 1000;

  @Override
  public long bootMs() {
    return clock++;
  }

  @Override
  public Double availableMb() {
    return availableMb;
  }

  @Override
  public Double batteryPercent() {
    return batteryPercent;
  }

  @Override
  public Double rssMb() {
    return 50.0;
  }

  @Override
  public Double peakRssMb() {
    return 100.0;
  }

  @Override
  public int pid() {
    return 4711;
  }
}

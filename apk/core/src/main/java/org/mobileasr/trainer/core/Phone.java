package org.mobileasr.trainer.core;

/** What the phone tells its trainer. Null: it does not tell. */
public interface Phone {
  /** Milliseconds since boot, sleep included: the clock of /proc/uptime. */
  long bootMs();

  /** Memory that training may take, in MiB. */
  Double availableMb();

  Double batteryPercent();

  /** This process's resident memory, in MiB. */
  Double rssMb();

  /** The most that it ever was, in MiB. */
  Double peakRssMb();

  int pid();
}

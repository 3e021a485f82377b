package org.mobileasr.trainer.jvm;

import java.io.File;
import java.io.IOException;

/** This process's number; Java 8 has no other way to it. */
final class ProcessId {
  private ProcessId() {}

  static long own() {
    try {
      return Long.parseLong(new File("/proc/self").getCanonicalFile().getName());
    } catch (IOException e) {
      throw new IllegalStateException("no /proc/self", e);
    }
  }
}

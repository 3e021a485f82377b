package org.mobileasr.trainer.core;

/** Training cannot go on; {@link #kind} is what the log calls it. */
public final class TrainingException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String kind;

  TrainingException(String kind, String message) {
    super(message);
    this.kind = kind;
  }

  public String kind() {
    return kind;
  }
}

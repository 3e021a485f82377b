package org.mobileasr.trainer.core;

/** The host asked for an end. */
public final class StopCommandException extends Exception {
  private static final long serialVersionUID = 1L;

  StopCommandException() {
    super("asked to stop");
  }
}

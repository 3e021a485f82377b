package org.mobileasr.trainer.core;

/** Numbers cannot be packed, or what was packed cannot be read. */
public final class CodecException extends Exception {
  private static final long serialVersionUID = 1L;

  CodecException(String message) {
    super(message);
  }
}

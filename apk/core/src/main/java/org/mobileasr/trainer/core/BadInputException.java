package org.mobileasr.trainer.core;

/** Something that was given to the trainer cannot be used; the message says what and where. */
public final class BadInputException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String where;

  /**
   * @param where the field ({@code training.epochs}) or the file
   * @param message what is wrong with it
   */
  public BadInputException(String where, String message) {
    super(where + ": " + message);
    this.where = where;
  }

  /** The field or the file. */
  public String where() {
    return where;
  }
}

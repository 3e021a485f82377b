package org.mobileasr.trainer.core;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One line of the event log (version 2; one of version 1 says no version in {@code started}). Every event is checked when it is made, by the same rules
 * as when it is read back.
 */
public final class Event {
  /** Types of event. */
  public static final String STARTED = "started";

  public static final String SELECTED = "selected";
  public static final String PHASE = "phase";
  public static final String STEP = "step";
  public static final String UTTERANCE = "utterance";
  public static final String STREAMED = "streamed";
  public static final String EPOCH = "epoch";
  public static final String OTHER_SPEAKER = "other_speaker";
  public static final String CHECKPOINT = "checkpoint";
  public static final String READ_BACK = "read_back";
  public static final String UPDATE = "update";
  public static final String STOPPED = "stopped";
  public static final String ERROR = "error";
  public static final String FINISHED = "finished";

  /** Why training ended by rule. */
  public static final List<String> STOP_REASONS =
      Collections.unmodifiableList(
          Arrays.asList(
              "epochs_done", "steps_done", "patience", "battery", "memory", "command",
              "no_sub_model_fits", "evaluated"));

  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private final JsonObject fields;

  private Event(JsonObject fields) {
    this.fields = fields;
  }

  /**
   * Reads one line.
   *
   * @throws BadInputException not an event of this version
   */
  public static Event parse(String line) throws BadInputException {
    Fields fields = Fields.parse(line);
    check(fields);
    return new Event(JsonParser.parseString(line).getAsJsonObject());
  }

  /** Begins an event; {@link EventLog} adds {@code seq} and {@code t_boot_ms}. */
  public static Builder of(String type) {
    return new Builder(type);
  }

  public String type() {
    return text("type");
  }

  public int seq() {
    return integer("seq");
  }

  public String text(String name) {
    return isNull(name) ? null : fields.get(name).getAsString();
  }

  public int integer(String name) {
    return fields.get(name).getAsInt();
  }

  public double number(String name) {
    return fields.get(name).getAsDouble();
  }

  public boolean flag(String name) {
    return fields.get(name).getAsBoolean();
  }

  public boolean isNull(String name) {
    return !fields.has(name) || fields.get(name).isJsonNull();
  }

  /** The line, without its newline. */
  @Override
  public String toString() {
    return GSON.toJson(fields);
  }

  private static void check(Fields fields) throws BadInputException {
    fields.integer("seq", 0, Integer.MAX_VALUE);
    fields.integer("t_boot_ms", 0, Long.MAX_VALUE);
    String type =
        fields.word(
            "type", STARTED, SELECTED, PHASE, STEP, UTTERANCE, STREAMED, EPOCH,
            OTHER_SPEAKER, CHECKPOINT, READ_BACK, UPDATE, STOPPED, ERROR, FINISHED);
    if (STARTED.equals(type)) {
      checkStarted(fields);
    } else if (SELECTED.equals(type)) {
      checkSelected(fields);
    } else if (PHASE.equals(type)) {
      fields.word("phase", "preprocess", "load", "train", "evaluate", "save");
      fields.word("state", "begin", "end");
      optionalInteger(fields, "epoch");
      optionalNumber(fields, "rss_mb");
      optionalNumber(fields, "peak_rss_mb");
    } else if (STEP.equals(type)) {
      integers(fields, "epoch", "step", "utterances");
      numbers(fields, "loss", "seconds");
      if (fields.has("changed_codes")) {
        fields.number("changed_codes", 0, 1);
      }
    } else if (UTTERANCE.equals(type)) {
      checkUtterance(fields);
    } else if (STREAMED.equals(type)) {
      checkStreamed(fields);
    } else if (EPOCH.equals(type)) {
      checkEpoch(fields);
    } else if (OTHER_SPEAKER.equals(type)) {
      integers(fields, "epoch");
      fields.text("speaker");
      numbers(fields, "wer_percent", "evaluate_seconds");
      checkHypotheses(fields);
    } else if (CHECKPOINT.equals(type)) {
      integers(fields, "epoch", "size_bytes");
      fields.text("path");
      fields.text("sha256", SHA256, "a SHA-256");
      fields.flag("best");
      checkWritten(fields);
    } else if (READ_BACK.equals(type)) {
      integers(fields, "epoch");
      numbers(fields, "wer_percent", "evaluate_seconds");
      checkHypotheses(fields);
    } else if (UPDATE.equals(type)) {
      integers(fields, "epoch", "size_bytes", "utterances", "steps");
      fields.text("path");
      fields.text("sha256", SHA256, "a SHA-256");
      fields.word("form", Share.WEIGHTS, Share.DELTA);
      fields.texts("layers", Network.NAME, Network.A_NAME);
      checkWritten(fields);
    } else if (STOPPED.equals(type)) {
      fields.word("reason", STOP_REASONS);
      integers(fields, "epoch");
    } else if (ERROR.equals(type)) {
      fields.text("kind");
      fields.text("message");
      if (fields.known("detail").has("detail")) {
        fields.text("detail");
      }
    } else {
      checkFinished(fields);
    }
    fields.end();
  }

  private static void checkStarted(Fields fields) throws BadInputException {
    fields.text("trainer");
    fields.text("trainer_version");
    fields.text("runtime");
    integers(fields, "pid", "threads");
    if (fields.known("contract_version").has("contract_version")) {
      fields.integer("contract_version", 1, Job.VERSION);
    }
    if (fields.known("ignored").has("ignored")) {
      fields.textsOrNone("ignored", Pattern.compile("ordered"), "what may be ignored");
    }
  }

  private static void checkSelected(Fields fields) throws BadInputException {
    if (fields.has("sub_model")) {
      fields.text("sub_model", Network.NAME, Network.A_NAME);
    } else {
      fields.needNull("sub_model");
    }
    fields.word("policy", "first_fit");
    fields.flag("forced");
    fields.number("available_mb");
    fields.numbers("need_mb", Network.NAME, Network.A_NAME);
    optionalNumber(fields, "rss_mb");
  }

  private static void checkUtterance(Fields fields) throws BadInputException {
    integers(fields, "epoch");
    fields.text("id");
    fields.text("exit", Network.NAME, Network.A_NAME);
    fields.number("seconds", 0, Double.MAX_VALUE);
    fields.number("rule_seconds", 0, Double.MAX_VALUE);
    fields.integer("rows", 1, Integer.MAX_VALUE);
    for (Fields answer : fields.objects("answers")) {
      answer.text("exit", Network.NAME, Network.A_NAME);
      if (answer.has("text")) {
        answer.text("text");
      } else {
        answer.needNull("text");
      }
      answer.number("seconds", 0, Double.MAX_VALUE);
      optionalNumber(answer, "entropy");
      optionalNumber(answer, "posterior");
      answer.end();
    }
  }

  private static void checkStreamed(Fields fields) throws BadInputException {
    integers(fields, "epoch");
    fields.text("id");
    fields.number("audio_s", Double.MIN_VALUE, Double.MAX_VALUE);
    fields.number("compute_s", 0, Double.MAX_VALUE);
    fields.integer("steps", 0, Integer.MAX_VALUE);
    if (fields.has("last_word_s")) {
      fields.number("last_word_s");
    } else {
      fields.needNull("last_word_s");
    }
  }

  private static void checkEpoch(Fields fields) throws BadInputException {
    integers(fields, "epoch");
    numbers(fields, "wer_percent", "train_seconds", "evaluate_seconds");
    for (String name : Arrays.asList("train_loss", "battery_percent", "available_mb")) {
      if (fields.has(name)) {
        fields.number(name);
      } else {
        fields.needNull(name);
      }
    }
    fields.flag("best");
    checkHypotheses(fields);
    if (fields.known("errors").has("errors")) {
      Fields errors = fields.object("errors");
      for (String name :
          Arrays.asList("substitutions", "deletions", "insertions", "reference_words")) {
        errors.integer(name, 0, Long.MAX_VALUE);
      }
      errors.end();
    }
  }

  private static void checkHypotheses(Fields fields) throws BadInputException {
    for (Fields hypothesis : fields.objectsOrNone("hypotheses")) {
      hypothesis.text("id");
      hypothesis.text("text");
      hypothesis.end();
    }
  }

  private static void checkWritten(Fields fields) throws BadInputException {
    if (!fields.known("written").has("written")) {
      return;
    }
    Fields written = fields.object("written");
    written.text("coding");
    written.integer("variables", 0, Integer.MAX_VALUE);
    if (written.has("changed")) {
      written.number("changed", 0, 1);
    } else {
      written.needNull("changed");
    }
    written.number("error", 0, Double.MAX_VALUE);
    written.integer("float32_bytes", 0, Long.MAX_VALUE);
    written.end();
  }

  private static void checkFinished(Fields fields) throws BadInputException {
    integers(fields, "epochs", "kept_epoch");
    if (fields.known("keep").has("keep")) {
      fields.word("keep", Job.BEST, Job.LAST);
    }
    if (fields.has("kept_checkpoint")) {
      fields.text("kept_checkpoint");
    } else {
      fields.needNull("kept_checkpoint");
    }
    numbers(fields, "wer_before_percent", "wer_after_percent");
    optionalNumber(fields, "peak_rss_mb");
  }

  private static void integers(Fields fields, String... names) throws BadInputException {
    for (String name : names) {
      fields.integer(name, Long.MIN_VALUE, Long.MAX_VALUE);
    }
  }

  private static void numbers(Fields fields, String... names) throws BadInputException {
    for (String name : names) {
      fields.number(name);
    }
  }

  private static void optionalInteger(Fields fields, String name) throws BadInputException {
    if (fields.known(name).has(name)) {
      fields.integer(name, Long.MIN_VALUE, Long.MAX_VALUE);
    }
  }

  private static void optionalNumber(Fields fields, String name) throws BadInputException {
    if (fields.known(name).has(name)) {
      fields.number(name);
    }
  }

  /** Gathers the fields of an event. */
  public static final class Builder {
    private final JsonObject fields = new JsonObject();

    private Builder(String type) {
      fields.addProperty("seq", 0);
      fields.addProperty("t_boot_ms", 0);
      fields.addProperty("type", type);
    }

    /** Adds a field; null stands as null. */
    public Builder put(String name, Object value) {
      fields.add(name, value == null ? JsonNull.INSTANCE : GSON.toJsonTree(value));
      return this;
    }

    Event build(int seq, long bootMs) {
      fields.addProperty("seq", seq);
      fields.addProperty("t_boot_ms", bootMs);
      try {
        return parse(GSON.toJson(fields));
      } catch (BadInputException e) {
        throw new IllegalArgumentException(e);
      }
    }
  }
}

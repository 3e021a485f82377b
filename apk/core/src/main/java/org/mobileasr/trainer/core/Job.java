package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The job file (version 2): one attempt as the trainer is told of it. Sizes are MiB. Version 1, which
 * knew DeepSpeech2 alone, can still be read.
 */
public final class Job {
  /** The version of the contract that this trainer speaks. */
  static final int VERSION = 2;

  /** Of {@link #keep}: the checkpoint of the epoch with the lowest WER counts. */
  static final String BEST = "best";

  /** Of {@link #keep}: the checkpoint of the last epoch counts. */
  static final String LAST = "last";

  static final String TRAIN = "train";

  /** Of {@link #mode}: the validation utterances are heard once, as epoch 0. */
  static final String EVALUATE = "evaluate";

  private static final Pattern PATH = Pattern.compile("/[^\\x00\\n\\r]{0,1023}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  public final int version;
  public final String jobId;
  public final int attempt;
  public final int round;

  /** Which checkpoint counts: {@link #BEST} or {@link #LAST}. */
  public final String keep;

  /** {@link #TRAIN} or {@link #EVALUATE}, which chooses no sub-model. */
  public final String mode;

  public final Model model;
  public final Data data;
  public final Training training;
  public final Selection selection;
  public final Stop stop;
  public final Outputs outputs;

  /** Listened to before the first epoch and, with the weights that are kept, after the last. */
  public final List<OtherSpeaker> alsoEvaluate;

  /** What goes back to the host in federated training, or null: the kept checkpoint. */
  public final Share share;

  /** How a network with exits answers, or null: at its last exit, and nothing is told of others. */
  public final ExitRule exits;

  /** How validation is heard while it goes on, or null: whole utterances are heard. */
  public final Streaming streaming;

  /** How checkpoints are written, or null: as float32. The one that is kept is then read back. */
  final Wire stored;

  /**
   * Whether the flatbuffer's operators shall be run in its own order, which changes what it takes
   * and no result. Neither runtime of this trainer can; the first event says so.
   */
  public final boolean ordered;

  private Job(Fields fields) throws BadInputException {
    fields.known("keep", "mode", "also_evaluate", "ordered");
    version = optional(fields, "version", VERSION, 1, VERSION);
    jobId = fields.text("job_id");
    attempt = optional(fields, "attempt", 1, 1, Integer.MAX_VALUE);
    round = optional(fields, "round", 1, 1, Integer.MAX_VALUE);
    keep = fields.has("keep") ? fields.word("keep", BEST, LAST) : BEST;
    mode = fields.has("mode") ? fields.word("mode", TRAIN, EVALUATE) : TRAIN;
    model = new Model(fields.object("model"));
    data = new Data(fields.object("data"));
    training = new Training(fields.object("training"));
    selection = new Selection(fields.object("selection"), version);
    stop = new Stop(fields.object("stop"));
    outputs = new Outputs(fields.object("outputs"));
    alsoEvaluate = OtherSpeaker.all(fields);
    share = Share.of(fields, model, alsoEvaluate);
    exits = ExitRule.of(fields);
    streaming = Streaming.of(fields);
    stored = Wire.of(fields, "stored");
    ordered = fields.has("ordered") && fields.flag("ordered");
    fields.end();
    if (!trains() && share != null) {
      throw fields.wrong("", "mode: evaluate trains nothing that could be shared");
    }
    if (!trains() && stored != null) {
      throw fields.wrong("", "mode: evaluate trains nothing that could be stored");
    }
    if (streaming != null && exits != null) {
      throw fields.wrong("", "streaming and exits are two ways to answer: a job has one");
    }
    if (share != null && stored != null) {
      throw fields.wrong(
          "", "stored: what is shared is made of the checkpoint as it was trained");
    }
  }

  /**
   * Reads {@code job.json}.
   *
   * @throws BadInputException it is not a job; the message begins with the field at fault
   */
  public static Job parse(String json) throws BadInputException {
    return new Job(Fields.parse(json));
  }

  /** Whether this is no evaluation. */
  boolean trains() {
    return TRAIN.equals(mode);
  }

  /**
   * Checks that the network has what this job speaks of.
   *
   * @param path of the model's file, for messages
   * @throws BadInputException it lacks a sub-model or an exit, or the job is of version 1 and it is
   *     another family
   */
  void checkNetwork(Network network, String path) throws BadInputException {
    if (version == 1 && !MobileAsr.FAMILY.equals(network.family)) {
      throw new BadInputException(
          path,
          "a job of version 1 is for " + MobileAsr.FAMILY + ", the model is " + network.family);
    }
    if (exits != null && network.exits.isEmpty()) {
      throw new BadInputException(path, "the job has a rule for exits, the network has no exits");
    }
    if (exits != null && exits.exit != null && !network.exits.containsKey(exits.exit)) {
      throw new BadInputException(
          path, "no exit '" + exits.exit + "'; there are " + network.exits.keySet());
    }
    if (exits != null && ExitRule.ATTENTION.equals(exits.decoder) && !network.writes()) {
      throw new BadInputException(
          path, "the job asks for attention decoders, the network has none");
    }
    if (streaming != null && !Streaming.FAMILY.equals(network.family)) {
      throw new BadInputException(
          path,
          "recordings are to be heard while they go on, and a " + network.family
              + " hears whole ones");
    }
    if (!trains()) {
      return;
    }
    List<String> names = new ArrayList<String>(selection.candidates);
    if (selection.forced != null) {
      names.add(selection.forced);
    }
    for (String name : names) {
      if (!network.subModels.containsKey(name)) {
        throw new BadInputException(
            path, "no sub-model '" + name + "'; there are " + network.subModels.keySet());
      }
    }
  }

  /** Where a job that may be no job wants its events, or null if it does not say. */
  static String eventsPath(String json) {
    try {
      Fields outputs = Fields.parse(json).object("outputs");
      return outputs.has("events")
          ? path(outputs, "events")
          : path(outputs, "folder") + "/events.jsonl";
    } catch (BadInputException e) {
      return null;
    }
  }

  private static int optional(Fields fields, String name, int other, int least, int most)
      throws BadInputException {
    fields.known(name);
    return fields.has(name) ? (int) fields.integer(name, least, most) : other;
  }

  private static String path(Fields fields, String name) throws BadInputException {
    return fields.text(name, PATH, "an absolute path");
  }

  /** The trainable flatbuffer and the weights to start from. */
  public static final class Model {
    public final String name;
    public final String path;
    public final String sha256;

    /** Weights (.npz), or null: the flatbuffer's own. */
    public final String checkpoint;

    /** Or null: not told. */
    public final String checkpointSha256;

    private Model(Fields fields) throws BadInputException {
      fields.known("checkpoint", "checkpoint_sha256");
      name = fields.text("name");
      path = path(fields, "path");
      sha256 = fields.text("sha256", SHA256, "a SHA-256");
      checkpoint = fields.has("checkpoint") ? path(fields, "checkpoint") : null;
      checkpointSha256 =
          fields.has("checkpoint_sha256")
              ? fields.text("checkpoint_sha256", SHA256, "a SHA-256")
              : null;
      fields.end();
    }

    private static String path(Fields fields, String name) throws BadInputException {
      return Job.path(fields, name);
    }
  }

  /** One recording: 16-bit PCM WAV, mono, at the model's rate. */
  public static final class Utterance {
    public final String id;
    public final String path;
    public final String text;

    private Utterance(Fields fields) throws BadInputException {
      id = fields.text("id");
      path = path(fields, "path");
      text = fields.text("text");
      fields.end();
    }
  }

  /** Utterances of one round. */
  public static final class Data {
    public final String speaker;
    public final List<Utterance> train;
    public final List<Utterance> validation;

    private Data(Fields fields) throws BadInputException {
      speaker = fields.text("speaker");
      train = utterances(fields.objects("train"));
      validation = utterances(fields.objects("validation"));
      fields.end();
    }

    private static List<Utterance> utterances(List<Fields> all) throws BadInputException {
      List<Utterance> found = new ArrayList<Utterance>();
      for (Fields fields : all) {
        found.add(new Utterance(fields));
      }
      return Collections.unmodifiableList(found);
    }
  }

  /** Somebody who is only listened to. */
  public static final class OtherSpeaker {
    public final String speaker;
    public final List<Utterance> validation;

    private OtherSpeaker(Fields fields) throws BadInputException {
      speaker = fields.text("speaker");
      validation = Data.utterances(fields.objects("validation"));
      fields.end();
    }

    private static List<OtherSpeaker> all(Fields job) throws BadInputException {
      List<OtherSpeaker> found = new ArrayList<OtherSpeaker>();
      if (job.has("also_evaluate")) {
        for (Fields fields : job.objectsOrNone("also_evaluate")) {
          found.add(new OtherSpeaker(fields));
        }
      }
      return Collections.unmodifiableList(found);
    }
  }

  /** Optimisation settings. */
  public static final class Training {
    public final int batchSize;
    public final double learningRate;
    public final int epochs;
    public final long seed;
    public final int threads;

    private Training(Fields fields) throws BadInputException {
      fields.known("optimizer", "learning_rate", "seed");
      if (fields.has("optimizer")) {
        fields.word("optimizer", "adam");
      }
      batchSize = optional(fields, "batch_size", 5, 1, 64);
      learningRate = fields.has("learning_rate") ? fields.number("learning_rate") : 1e-4;
      if (!(learningRate > 0 && learningRate < 1)) {
        throw fields.wrong("learning_rate", "not between 0 and 1");
      }
      epochs = optional(fields, "epochs", 15, 0, 10_000);
      seed = fields.has("seed") ? fields.integer("seed", 0, Long.MAX_VALUE) : 0;
      threads = optional(fields, "threads", 2, 1, 64);
      fields.end();
    }
  }

  /** How the sub-model is chosen (MobileASR, Algorithm 1). */
  public static final class Selection {
    public final String policy;

    /** In order of preference. */
    public final List<String> candidates;

    public final Map<String, Double> needMb;

    /** The sub-model to take whatever is available, or null. */
    public final String forced;

    private Selection(Fields fields, int version) throws BadInputException {
      fields.known("policy", "forced");
      policy = fields.has("policy") ? fields.word("policy", "first_fit") : "first_fit";
      candidates =
          version == 1 && !fields.known("candidates").has("candidates")
              ? MobileAsr.CANDIDATES
              : fields.texts("candidates", Network.NAME, Network.A_NAME);
      needMb = fields.numbers("need_mb", Network.NAME, Network.A_NAME);
      forced = fields.has("forced") ? fields.text("forced", Network.NAME, Network.A_NAME) : null;
      fields.end();
      for (String candidate : candidates) {
        if (!needMb.containsKey(candidate)) {
          throw fields.wrong("", "need_mb lacks " + candidate);
        }
      }
    }
  }

  /** When training ends before its last epoch (MobileASR, Algorithm 2). */
  public static final class Stop {
    public final String policy;
    public final int patience;
    public final double batteryBelowPercent;
    public final double availableBelowMb;

    private Stop(Fields fields) throws BadInputException {
      fields.known("policy", "battery_below_percent", "available_below_mb");
      policy =
          fields.has("policy")
              ? fields.word("policy", Patience.BEST_SO_FAR, Patience.AS_PRINTED)
              : Patience.BEST_SO_FAR;
      patience = optional(fields, "patience", 2, 1, Integer.MAX_VALUE);
      batteryBelowPercent =
          fields.has("battery_below_percent")
              ? fields.number("battery_below_percent", 0, 100)
              : 25.0;
      availableBelowMb =
          fields.has("available_below_mb")
              ? fields.number("available_below_mb", 0, Double.MAX_VALUE)
              : 300.0;
      fields.end();
    }
  }

  /** Where the host finds what the trainer writes. */
  public static final class Outputs {
    public final String folder;
    public final String events;
    public final String checkpoints;

    /** The trainer stops at the next step once this file exists. */
    public final String stopFile;

    private Outputs(Fields fields) throws BadInputException {
      folder = path(fields, "folder");
      events = path(fields, "events");
      checkpoints = path(fields, "checkpoints");
      stopFile = path(fields, "stop_file");
      fields.end();
    }
  }
}

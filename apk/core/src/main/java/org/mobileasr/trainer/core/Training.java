package org.mobileasr.trainer.core;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;

/**
 * One job from its first event to its last: select, load, preprocess, then epochs.
 *
 * <p>A process that is started again on the same job (the phone killed the first) goes on after the
 * last epoch whose checkpoint is complete; Adam's moments start anew then.
 */
public final class Training {
  /** Opens a flatbuffer in a runtime. */
  public interface Runtime {
    /**
     * @param threads to compute with
     * @throws BadInputException not a flatbuffer
     */
    Signatures open(File model, int threads) throws BadInputException;

    /** Loads the runtime's library, before memory is looked at; returns its name and version. */
    String load();
  }

  /** Asked before each step, besides the job's stop file. */
  public interface StopRequest {
    boolean asked();
  }

  private final Job job;
  private final EventLog log;
  private final Phone phone;
  private final Runtime runtime;
  private final StopRequest stopRequest;
  private final String name;
  private final String version;
  private final History history;
  private final Checkpoints checkpoints;
  private String subModel;

  /**
   * @param name of this trainer, for the log
   * @param version of this trainer
   */
  public Training(
      Job job,
      EventLog log,
      Phone phone,
      Runtime runtime,
      StopRequest stopRequest,
      String name,
      String version) {
    this.job = job;
    this.log = log;
    this.phone = phone;
    this.runtime = runtime;
    this.stopRequest = stopRequest;
    this.name = name;
    this.version = version;
    history = new History(log.before());
    checkpoints = new Checkpoints(new File(job.outputs.checkpoints));
  }

  /**
   * Trains; ends with a {@code finished} event.
   *
   * @throws BadInputException a file of the job cannot be used
   * @throws TrainingException there is nothing to choose a sub-model by, or the loss is no number
   * @throws StopCommandException asked to stop before there was anything to finish with
   * @throws IOException a file could not be written
   */
  public void run()
      throws BadInputException, TrainingException, StopCommandException, IOException {
    if (history.finished()) {
      return;
    }
    if (history.stopped()) {
      finish(); // killed between its last two words
      return;
    }
    // The runtime's own pages belong to what is held before it is asked what is available.
    String running = runtime.load();
    log.write(
        Event.of(Event.STARTED)
            .put("trainer", name)
            .put("trainer_version", version)
            .put("runtime", running)
            .put("pid", phone.pid())
            .put("threads", job.training.threads));
    select();
    phase("load", null, true);
    FlatbufferModel model = load();
    try {
      phase("load", null, false);
      train(model);
    } finally {
      model.close();
    }
    finish();
  }

  private void train(FlatbufferModel model)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    phase("preprocess", null, true);
    List<float[][]> train = features(model, job.data.train);
    List<float[][]> validation = features(model, job.data.validation);
    phase("preprocess", null, false);
    if (!history.hasEpoch(0)) {
      evaluate(model, validation, 0, null, 0);
    }
    String reason;
    try {
      reason = epochs(model, train, validation);
    } catch (StopCommandException e) {
      reason = "command";
    }
    log.write(Event.of(Event.STOPPED).put("reason", reason).put("epoch", history.done()));
  }

  private void finish() throws IOException {
    int kept = history.kept();
    log.write(
        Event.of(Event.FINISHED)
            .put("epochs", history.done())
            .put("kept_epoch", kept)
            .put("kept_checkpoint", kept > 0 ? checkpoints.path(kept).getPath() : null)
            .put("wer_before_percent", history.werPercent(0))
            .put("wer_after_percent", history.werPercent(kept))
            .put("peak_rss_mb", phone.peakRssMb()));
  }

  private void phase(String phase, Integer epoch, boolean begins) throws IOException {
    log.write(
        Event.of(Event.PHASE)
            .put("phase", phase)
            .put("state", begins ? "begin" : "end")
            .put("epoch", epoch)
            .put("rss_mb", phone.rssMb()));
  }

  private void select() throws TrainingException, IOException {
    if (history.selected() != null) {
      subModel = history.selected().text("sub_model");
      return;
    }
    Job.Selection selection = job.selection;
    Double available = phone.availableMb();
    if (available == null && selection.forced == null) {
      throw new TrainingException(
          "MemoryUnknownError", "the phone does not tell what memory is available");
    }
    double told = available == null ? 0.0 : available;
    subModel =
        selection.forced != null
            ? selection.forced
            : Policies.selectSubModel(told, selection.needMb, selection.candidates);
    log.write(
        Event.of(Event.SELECTED)
            .put("sub_model", subModel)
            .put("policy", selection.policy)
            .put("forced", selection.forced != null)
            .put("available_mb", Math.round(told * 1000) / 1000.0)
            .put("need_mb", selection.needMb)
            .put("rss_mb", phone.rssMb()));
  }

  private FlatbufferModel load() throws BadInputException {
    File file = new File(job.model.path);
    Checkpoints.check(file, job.model.sha256);
    FlatbufferModel model =
        new FlatbufferModel(runtime.open(file, job.training.threads), job.model.path);
    if (job.training.batchSize > model.info().batchSize) {
      throw new BadInputException(
          job.model.path,
          "batch size " + job.training.batchSize + " is asked for, the model takes "
              + model.info().batchSize);
    }
    Event own = history.lastCheckpoint();
    if (own != null) {
      File path = checkpoints.path(own.integer("epoch"));
      Checkpoints.check(path, own.text("sha256"));
      model.loadCheckpoint(path);
    } else if (job.model.checkpoint != null) {
      File path = new File(job.model.checkpoint);
      if (job.model.checkpointSha256 != null) {
        Checkpoints.check(path, job.model.checkpointSha256);
      }
      model.loadCheckpoint(path);
    }
    return model;
  }

  private List<float[][]> features(FlatbufferModel model, List<Job.Utterance> utterances)
      throws BadInputException, StopCommandException {
    List<float[][]> found = new ArrayList<float[][]>();
    for (Job.Utterance utterance : utterances) {
      checkStop();
      File path = new File(utterance.path);
      found.add(model.features(Wav.read(path, model.info().sampleRate)));
    }
    return found;
  }

  private String epochs(
      FlatbufferModel model, List<float[][]> train, List<float[][]> validation)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    if (subModel == null) {
      return "no_sub_model_fits";
    }
    Patience patience = history.patience(job.stop);
    for (int epoch = history.done() + 1; epoch <= job.training.epochs; epoch++) {
      if (patience.stop) {
        return "patience";
      }
      String why =
          Policies.resourcesAllow(
              phone.batteryPercent(),
              phone.availableMb(),
              job.stop.batteryBelowPercent,
              job.stop.availableBelowMb);
      if (why != null) {
        return why;
      }
      long began = System.nanoTime();
      phase("train", epoch, true);
      double loss = trainEpoch(model, train, epoch);
      phase("train", epoch, false);
      evaluate(model, validation, epoch, loss, seconds(began));
      phase("save", epoch, true);
      save(model, epoch);
      phase("save", epoch, false);
      patience = patience.after(history.werPercent(epoch));
    }
    return patience.stop ? "patience" : "epochs_done";
  }

  private double trainEpoch(FlatbufferModel model, List<float[][]> features, int epoch)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    int[] lengths = new int[features.size()];
    for (int row = 0; row < lengths.length; row++) {
      lengths[row] = features.get(row).length;
    }
    List<List<Integer>> batches =
        EpochBatches.of(job.training.seed, epoch, lengths, job.training.batchSize);
    double sum = 0;
    for (int step = 0; step < batches.size(); step++) {
      checkStop();
      List<float[][]> sounds = new ArrayList<float[][]>();
      List<String> texts = new ArrayList<String>();
      for (int row : batches.get(step)) {
        sounds.add(features.get(row));
        texts.add(job.data.train.get(row).text);
      }
      Batch batch = Batch.of(sounds, texts, model.info());
      long began = System.nanoTime();
      double loss = model.trainStep(subModel, batch, job.training.learningRate);
      if (Double.isNaN(loss) || Double.isInfinite(loss)) {
        throw new TrainingException(
            "TrainingDivergedError",
            "the loss is " + loss + " in step " + step + " of epoch " + epoch);
      }
      log.write(
          Event.of(Event.STEP)
              .put("epoch", epoch)
              .put("step", step)
              .put("loss", loss)
              .put("seconds", seconds(began))
              .put("utterances", sounds.size()));
      sum += loss * sounds.size();
    }
    return sum / features.size();
  }

  private void evaluate(
      FlatbufferModel model, List<float[][]> features, int epoch, Double loss, double trainSeconds)
      throws BadInputException, StopCommandException, IOException {
    ModelInfo info = model.info();
    long began = System.nanoTime();
    List<String> heard = new ArrayList<String>();
    phase("evaluate", epoch, true);
    for (int start = 0; start < features.size(); start += info.batchSize) {
      checkStop();
      List<float[][]> part =
          features.subList(start, Math.min(start + info.batchSize, features.size()));
      Batch batch = Batch.of(part, Collections.nCopies(part.size(), ""), info);
      for (float[][] logits : model.infer(batch)) {
        heard.add(GreedyDecoder.decode(logits, info.alphabet, info.blank));
      }
    }
    phase("evaluate", epoch, false);
    WordErrors errors = WordErrors.none();
    List<Hypothesis> hypotheses = new ArrayList<Hypothesis>();
    for (int n = 0; n < heard.size(); n++) {
      Job.Utterance utterance = job.data.validation.get(n);
      errors = errors.plus(WordErrors.between(utterance.text, heard.get(n)));
      hypotheses.add(new Hypothesis(utterance.id, heard.get(n)));
    }
    double wer = errors.werPercent();
    boolean best = !history.hasEpoch(0) || history.isBest(wer);
    log.write(
        Event.of(Event.EPOCH)
            .put("epoch", epoch)
            .put("wer_percent", wer)
            .put("train_loss", loss)
            .put("train_seconds", trainSeconds)
            .put("evaluate_seconds", seconds(began))
            .put("battery_percent", phone.batteryPercent())
            .put("available_mb", phone.availableMb())
            .put("best", best)
            .put("hypotheses", hypotheses));
    history.add(epoch, wer);
  }

  private void save(FlatbufferModel model, int epoch) throws BadInputException, IOException {
    File path = checkpoints.save(epoch, model.weights());
    int kept = history.kept();
    log.write(
        Event.of(Event.CHECKPOINT)
            .put("epoch", epoch)
            .put("path", path.getPath())
            .put("sha256", Checkpoints.sha256(path))
            .put("size_bytes", path.length())
            .put("best", kept == epoch));
    checkpoints.prune(new HashSet<Integer>(Arrays.asList(epoch, kept)));
  }

  private void checkStop() throws StopCommandException {
    if (stopRequest.asked() || new File(job.outputs.stopFile).exists()) {
      throw new StopCommandException();
    }
  }

  private static double seconds(long beganNanos) {
    double seconds = (System.nanoTime() - beganNanos) / 1e9;
    return Double.parseDouble(String.format(Locale.ROOT, "%.4f", seconds));
  }

  /** What the model heard in one utterance; written to the log by its field names. */
  private static final class Hypothesis {
    @SuppressWarnings("unused")
    private final String id;

    @SuppressWarnings("unused")
    private final String text;

    Hypothesis(String id, String text) {
      this.id = id;
      this.text = text;
    }
  }
}

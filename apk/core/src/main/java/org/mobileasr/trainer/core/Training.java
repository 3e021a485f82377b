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
 * The training protocol: one job from its first event to its last, over any {@link Learner}. Select,
 * load, compute features, evaluate; then epochs until one of the stop rules holds. Other speakers of
 * the job are listened to before the first epoch and after the last one.
 *
 * <p>A process that is started again on the same job (the phone killed the first) goes on after the
 * last epoch whose checkpoint is complete; Adam's moments start anew then.
 */
public final class Training {
  private final Job job;
  private final Learner learner;
  private final EventLog log;
  private final Phone phone;
  private final String name;
  private final String version;
  private final History history;
  private final OtherSpeakers others;
  private String subModel;

  /**
   * @param name of this trainer, for the log
   * @param version of this trainer
   */
  public Training(
      Job job, Learner learner, EventLog log, Phone phone, String name, String version) {
    this.job = job;
    this.learner = learner;
    this.log = log;
    this.phone = phone;
    this.name = name;
    this.version = version;
    history = new History(log.before(), job.keep);
    others = new OtherSpeakers(job.alsoEvaluate, learner, log);
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
    start();
    select();
    phase(
        "load",
        null,
        () -> {
          load();
          return null;
        });
    phase(
        "preprocess",
        null,
        () -> {
          learner.features();
          return null;
        });
    if (!history.hasEpoch(0)) {
      evaluate(0, null, 0);
    }
    String reason;
    try {
      listenToOthers(0);
      reason = epochs();
      listenOnceMore();
    } catch (StopCommandException e) {
      reason = "command";
    }
    share();
    log.write(Event.of(Event.STOPPED).put("reason", reason).put("epoch", history.done()));
    finish();
  }

  private void start() throws IOException {
    // The runtime's own pages belong to what is held before it is asked what is available.
    String runtime = learner.runtime();
    Event.Builder event =
        Event.of(Event.STARTED)
            .put("trainer", name)
            .put("trainer_version", version)
            .put("runtime", runtime)
            .put("pid", phone.pid())
            .put("threads", job.training.threads)
            .put("contract_version", Job.VERSION);
    // TensorFlow Lite's C and Java interfaces have no option that keeps a file's order.
    log.write(job.ordered ? event.put("ignored", Collections.singletonList("ordered")) : event);
  }

  private void select() throws TrainingException, IOException {
    if (history.selected() != null) {
      subModel = history.selected().text("sub_model");
      return;
    }
    Job.Selection selection = job.selection;
    Double available = phone.availableMb();
    if (available == null && selection.forced == null && job.trains()) {
      throw new TrainingException(
          "MemoryUnknownError", "the phone does not tell what memory is available");
    }
    double told = available == null ? 0.0 : available;
    if (job.trains()) {
      subModel =
          selection.forced != null
              ? selection.forced
              : Policies.selectSubModel(told, selection.needMb, selection.candidates);
    }
    log.write(
        Event.of(Event.SELECTED)
            .put("sub_model", subModel)
            .put("policy", selection.policy)
            .put("forced", job.trains() && selection.forced != null)
            .put("available_mb", Math.round(told * 1000) / 1000.0)
            .put("need_mb", selection.needMb)
            .put("rss_mb", phone.rssMb()));
  }

  private void load() throws BadInputException {
    Event own = history.lastCheckpoint();
    if (own != null) {
      learner.load(subModel, learner.checkpoint(own.integer("epoch")), own.text("sha256"));
    } else if (job.model.checkpoint != null) {
      learner.load(subModel, new File(job.model.checkpoint), job.model.checkpointSha256);
    } else {
      learner.load(subModel, null, null);
    }
  }

  private String epochs()
      throws BadInputException, TrainingException, StopCommandException, IOException {
    if (!job.trains()) {
      return "evaluated";
    }
    if (subModel == null) {
      return "no_sub_model_fits";
    }
    Patience patience = history.patience(job.stop);
    for (int epoch = history.done() + 1; epoch <= job.training.epochs; epoch++) {
      if (patience.stop) {
        return "patience";
      }
      if (stepsLeft() == 0) {
        return "steps_done";
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
      int now = epoch;
      double loss = phase("train", epoch, () -> train(now));
      evaluate(epoch, loss, seconds(began));
      phase(
          "save",
          epoch,
          () -> {
            save(now);
            return null;
          });
      patience = patience.after(history.werPercent(epoch));
    }
    if (stepsLeft() == 0) {
      return "steps_done";
    }
    return patience.stop ? "patience" : "epochs_done";
  }

  /** How many optimiser steps the job may still take. */
  private int stepsLeft() {
    boolean limited = job.share != null && job.share.steps != null;
    return limited ? Math.max(0, job.share.steps - history.steps()) : Integer.MAX_VALUE;
  }

  /** Takes the steps of an epoch; returns the mean loss of its utterances. */
  private double train(int epoch)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    LoggedSteps steps = new LoggedSteps(epoch, stepsLeft());
    learner.train(epoch, steps);
    history.addSteps(steps.step);
    return steps.sum / steps.utterances;
  }

  private void evaluate(int epoch, Double trainLoss, double trainSeconds)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    long began = System.nanoTime();
    List<String> heard = phase("evaluate", epoch, () -> hear(epoch));
    Heard found = Heard.of(job.data.validation, heard);
    double wer = found.errors.werPercent();
    boolean tells = tells();
    boolean best = !history.hasEpoch(0) || history.isBest(wer);
    Event.Builder event =
        Event.of(Event.EPOCH)
            .put("epoch", epoch)
            .put("wer_percent", wer)
            .put("train_loss", trainLoss)
            .put("train_seconds", trainSeconds)
            .put("evaluate_seconds", seconds(began))
            .put("battery_percent", phone.batteryPercent())
            .put("available_mb", phone.availableMb())
            .put("best", best)
            .put("hypotheses", tells ? found.hypotheses : Collections.emptyList());
    log.write(tells ? event : event.put("errors", found.errors.counts()));
    history.add(epoch, wer);
  }

  /** Returns what is heard in the validation utterances; says where each of them left. */
  private List<String> hear(int epoch)
      throws BadInputException, StopCommandException, IOException {
    if (job.streaming != null) {
      return hearOn(epoch);
    }
    if (job.exits == null) {
      return learner.evaluate();
    }
    List<Left> every = learner.evaluateExits();
    List<String> heard = new ArrayList<String>();
    for (int n = 0; n < every.size(); n++) {
      Left left = every.get(n);
      List<Answer> answers = new ArrayList<Answer>();
      for (Answer answer : left.answers) {
        answers.add(tells() ? answer : answer.withoutText());
      }
      log.write(
          Event.of(Event.UTTERANCE)
              .put("epoch", epoch)
              .put("id", job.data.validation.get(n).id)
              .put("exit", left.exit)
              .put("seconds", left.seconds)
              .put("rule_seconds", left.ruleSeconds)
              .put("rows", left.rows)
              .put("answers", answers));
      heard.add(left.text);
    }
    return heard;
  }

  /** Returns what is heard in the validation utterances while they go on; says what it cost. */
  private List<String> hearOn(int epoch)
      throws BadInputException, StopCommandException, IOException {
    List<Streamed> every = learner.evaluateStreaming();
    List<String> heard = new ArrayList<String>();
    for (int n = 0; n < every.size(); n++) {
      Streamed streamed = every.get(n);
      Double late = streamed.lastWordS;
      log.write(
          Event.of(Event.STREAMED)
              .put("epoch", epoch)
              .put("id", job.data.validation.get(n).id)
              .put("audio_s", rounded(streamed.audioS))
              .put("compute_s", streamed.computeS)
              .put("steps", streamed.steps)
              .put("last_word_s", late == null ? null : Double.valueOf(rounded(late))));
      heard.add(streamed.text);
    }
    return heard;
  }

  /** Whether what was heard may be told. */
  private boolean tells() {
    return job.share == null || job.share.hypotheses;
  }

  private void listenOnceMore() throws BadInputException, TrainingException, IOException {
    try {
      readBack(history.kept());
      listenToOthers(history.kept());
    } catch (StopCommandException e) {
      return; // an end was asked for after training ended
    }
  }

  /** Hears with the kept checkpoint as it was stored, unless that was done before a kill. */
  private void readBack(int epoch)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    boolean done = job.stored == null || epoch == 0;
    for (Event event : log.before()) {
      done |= Event.READ_BACK.equals(event.type()) && event.integer("epoch") == epoch;
    }
    if (done) {
      return;
    }
    phase(
        "evaluate",
        epoch,
        () -> {
          long began = System.nanoTime();
          learner.restore(epoch);
          Heard found = Heard.of(job.data.validation, texts());
          log.write(
              Event.of(Event.READ_BACK)
                  .put("epoch", epoch)
                  .put("wer_percent", found.errors.werPercent())
                  .put("evaluate_seconds", seconds(began))
                  .put("hypotheses", found.hypotheses));
          return null;
        });
  }

  private List<String> texts() throws BadInputException, StopCommandException {
    List<String> texts = new ArrayList<String>();
    if (job.streaming != null) {
      for (Streamed streamed : learner.evaluateStreaming()) {
        texts.add(streamed.text);
      }
      return texts;
    }
    if (job.exits == null) {
      return learner.evaluate();
    }
    for (Left left : learner.evaluateExits()) {
      texts.add(left.text);
    }
    return texts;
  }

  /** Listens to those who were not yet heard with the weights of an epoch. */
  private void listenToOthers(int epoch)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    if (others.left(epoch).isEmpty()) {
      return;
    }
    phase(
        "evaluate",
        epoch,
        () -> {
          if (epoch != 0 && epoch != history.done()) {
            learner.restore(epoch);
          }
          others.listen(epoch);
          return null;
        });
  }

  private void save(int epoch) throws BadInputException, IOException {
    Learner.Shared saved = learner.save(epoch);
    Event.Builder event =
        Event.of(Event.CHECKPOINT)
            .put("epoch", epoch)
            .put("path", saved.path.getPath())
            .put("sha256", Checkpoints.sha256(saved.path))
            .put("size_bytes", saved.path.length())
            .put("best", history.best() == epoch);
    log.write(saved.written == null ? event : event.put("written", saved.written));
    learner.keepOnly(new HashSet<Integer>(Arrays.asList(epoch, history.kept())));
  }

  /** Writes what the job shares, if it shares something and has trained. */
  private void share()
      throws BadInputException, TrainingException, StopCommandException, IOException {
    int kept = history.kept();
    if (job.share == null || kept == 0) {
      return;
    }
    Learner.Shared shared = phase("save", kept, () -> learner.share(kept));
    Event.Builder event =
        Event.of(Event.UPDATE)
            .put("epoch", kept)
            .put("path", shared.path.getPath())
            .put("sha256", Checkpoints.sha256(shared.path))
            .put("size_bytes", shared.path.length())
            .put("form", job.share.form)
            .put("layers", learner.trainedLayers())
            .put("utterances", job.data.train.size())
            .put("steps", history.steps());
    log.write(shared.written == null ? event : event.put("written", shared.written));
  }

  private void finish() throws IOException {
    int kept = history.kept();
    log.write(
        Event.of(Event.FINISHED)
            .put("epochs", history.done())
            .put("keep", job.keep)
            .put("kept_epoch", kept)
            .put("kept_checkpoint", kept > 0 ? learner.checkpoint(kept).getPath() : null)
            .put("wer_before_percent", history.werPercent(0))
            .put("wer_after_percent", history.werPercent(kept))
            .put("peak_rss_mb", phone.peakRssMb()));
  }

  /** What is done in a phase. */
  private interface Work<T> {
    T done() throws BadInputException, TrainingException, StopCommandException, IOException;
  }

  /** Does the work of a phase, whose end is written however it ends. */
  private <T> T phase(String phase, Integer epoch, Work<T> work)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    writePhase(phase, epoch, "begin");
    try {
      return work.done();
    } finally {
      writePhase(phase, epoch, "end");
    }
  }

  private void writePhase(String phase, Integer epoch, String state) throws IOException {
    Event.Builder event =
        Event.of(Event.PHASE)
            .put("phase", phase)
            .put("state", state)
            .put("epoch", epoch)
            .put("rss_mb", phone.rssMb());
    Double peak = phone.peakRssMb();
    log.write(peak == null ? event : event.put("peak_rss_mb", peak));
  }

  static double seconds(long beganNanos) {
    return rounded((System.nanoTime() - beganNanos) / 1e9);
  }

  private static double rounded(double seconds) {
    return Double.parseDouble(String.format(Locale.ROOT, "%.4f", seconds));
  }

  /** Writes each step to the log and adds up its loss. */
  private final class LoggedSteps implements Learner.Steps {
    private final int epoch;
    private final int most;
    private int step;
    private double sum;
    private int utterances;

    LoggedSteps(int epoch, int most) {
      this.epoch = epoch;
      this.most = most;
    }

    @Override
    public boolean taken(double loss, double seconds, int rows, Double changedCodes)
        throws TrainingException, IOException {
      if (Double.isNaN(loss) || Double.isInfinite(loss)) {
        throw new TrainingException(
            "TrainingDivergedError",
            "the loss is " + loss + " in step " + step + " of epoch " + epoch);
      }
      Event.Builder event =
          Event.of(Event.STEP)
              .put("epoch", epoch)
              .put("step", step)
              .put("loss", loss)
              .put("seconds", rounded(seconds))
              .put("utterances", rows);
      log.write(changedCodes == null ? event : event.put("changed_codes", changedCodes));
      sum += loss * rows;
      utterances += rows;
      step++;
      return step < most;
    }
  }
}

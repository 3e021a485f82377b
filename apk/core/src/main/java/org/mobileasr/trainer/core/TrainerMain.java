package org.mobileasr.trainer.core;

import java.io.DataInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.Charset;

/** From a job file to an exit code; whatever goes wrong stands in the log. */
public final class TrainerMain {
  /** Finished; an early stop by rule is a finish too. */
  public static final int OK = 0;

  /** Training failed; the log's last event says why. */
  public static final int FAILED = 1;

  /** The job cannot be used. */
  public static final int BAD_JOB = 2;

  private static final int MAX_JOB_BYTES = 1 << 24;
  private static final int MAX_MESSAGE = 2000;
  private static final int MAX_DETAIL = 8000;

  private final Phone phone;
  private final FlatbufferLearner.Runtime runtime;
  private final FlatbufferLearner.StopRequest stopRequest;
  private final String name;
  private final String version;

  /**
   * @param name of this trainer, for the log
   * @param version of this trainer
   */
  public TrainerMain(
      Phone phone,
      FlatbufferLearner.Runtime runtime,
      FlatbufferLearner.StopRequest stopRequest,
      String name,
      String version) {
    this.phone = phone;
    this.runtime = runtime;
    this.stopRequest = stopRequest;
    this.name = name;
    this.version = version;
  }

  /**
   * Trains the job in a file.
   *
   * @throws IOException the log cannot be written, so nobody can be told anything
   */
  public int run(File jobFile) throws IOException {
    String text = null;
    Job job;
    try {
      text = read(jobFile);
      job = Job.parse(text);
    } catch (BadInputException e) {
      sayBadJob(text, e.getMessage());
      return BAD_JOB;
    }
    EventLog log = new EventLog(new File(job.outputs.events), phone);
    try {
      return run(job, log);
    } finally {
      log.close();
    }
  }

  private int run(Job job, EventLog log) throws IOException {
    Learner learner = new FlatbufferLearner(job, runtime, stopRequest);
    try {
      try {
        new Training(job, learner, log, phone, name, version).run();
      } finally {
        learner.close();
      }
      return OK;
    } catch (StopCommandException e) {
      fail(log, "Stopped", "asked to stop before the first evaluation was done", null);
    } catch (BadInputException e) {
      fail(log, "BadInput", e.getMessage(), null);
    } catch (TrainingException e) {
      fail(log, e.kind(), e.getMessage(), null);
    } catch (IOException e) {
      fail(log, "OSError", String.valueOf(e.getMessage()), e);
    } catch (OutOfMemoryError e) {
      fail(log, "OutOfMemory", String.valueOf(e.getMessage()), e);
    } catch (RuntimeException e) {
      // The job's outermost loop: whatever it was, the host must read of it.
      fail(log, e.getClass().getSimpleName(), String.valueOf(e.getMessage()), e);
    }
    return FAILED;
  }

  private static void fail(EventLog log, String kind, String message, Throwable error)
      throws IOException {
    for (Event event : log.before()) {
      if (Event.FINISHED.equals(event.type())) {
        return;
      }
    }
    StringWriter detail = new StringWriter();
    if (error != null) {
      error.printStackTrace(new PrintWriter(detail, true));
    }
    String shown = detail.toString();
    log.write(
        Event.of(Event.ERROR)
            .put("kind", kind)
            .put("message", message.substring(0, Math.min(message.length(), MAX_MESSAGE)))
            .put("detail", shown.substring(Math.max(0, shown.length() - MAX_DETAIL))));
  }

  /** Tells the host, which follows the log: the log's place may be readable in a bad job. */
  private void sayBadJob(String text, String message) throws IOException {
    String events = text == null ? null : Job.eventsPath(text);
    if (events == null) {
      throw new IOException("the job cannot be used, and names no event log: " + message);
    }
    EventLog log = new EventLog(new File(events), phone);
    try {
      fail(log, "BadJob", message, null);
    } finally {
      log.close();
    }
  }

  private static String read(File path) throws BadInputException {
    if (path.length() > MAX_JOB_BYTES) {
      throw new BadInputException(path.getPath(), "too large for a job");
    }
    try {
      DataInputStream in = new DataInputStream(new FileInputStream(path));
      try {
        byte[] content = new byte[(int) path.length()];
        in.readFully(content);
        return new String(content, Charset.forName("UTF-8"));
      } finally {
        in.close();
      }
    } catch (IOException e) {
      throw new BadInputException(path.getPath(), "cannot be read: " + e.getMessage());
    }
  }
}

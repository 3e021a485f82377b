package org.mobileasr.trainer.core;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the training protocol ({@link Training}) asks of whatever trains. Whatever takes long throws
 * {@link StopCommandException} at the next step once the host asked for an end.
 */
public interface Learner extends Closeable {
  /** Told of each optimiser step. */
  interface Steps {
    /**
     * @param loss mean of the batch, before the step
     * @param changedCodes share of the codes of weights that it changed; null where none are held
     *     in few bits
     * @return whether another step may be taken
     * @throws TrainingException the loss is no number
     * @throws IOException the log cannot be written
     */
    boolean taken(double loss, double seconds, int utterances, Double changedCodes)
        throws TrainingException, IOException;
  }

  /** Loads the runtime, before memory is looked at; returns its name and version. */
  String runtime();

  /**
   * Loads the job's model and the weights to begin with.
   *
   * @param subModel what will be trained; null = it is only evaluated
   * @param start weights to begin with; null = the file's own
   * @param sha256 of those weights; null = not told
   * @throws BadInputException a file cannot be used, or has no such sub-model
   */
  void load(String subModel, File start, String sha256) throws BadInputException;

  /** Computes the features of all utterances, of an evaluation those of validation. */
  void features() throws BadInputException, StopCommandException;

  /** Takes the steps of an epoch (from 1), one after the other, until no other may be taken. */
  void train(int epoch, Steps steps)
      throws BadInputException, TrainingException, StopCommandException, IOException;

  /** Returns what is heard in each validation utterance. */
  List<String> evaluate() throws BadInputException, StopCommandException;

  /**
   * Returns where each validation utterance leaves by the job's rule, and what is heard there.
   *
   * @throws BadInputException it has no exits
   */
  List<Left> evaluateExits() throws BadInputException, StopCommandException;

  /**
   * Returns what is heard in each validation utterance while it goes on.
   *
   * @throws BadInputException the file cannot be heard so
   */
  List<Streamed> evaluateStreaming() throws BadInputException, StopCommandException;

  /**
   * Returns what is heard in utterances whose features are not kept; in a job with a rule for
   * exits, where each of them leaves.
   */
  List<String> listen(List<Job.Utterance> utterances)
      throws BadInputException, StopCommandException;

  /**
   * Takes up the weights of an epoch again whose checkpoint is there; nothing trains after it.
   *
   * @throws BadInputException the checkpoint cannot be used
   */
  void restore(int epoch) throws BadInputException;

  /** Writes the checkpoint of an epoch, whole or not at all. */
  Shared save(int epoch) throws BadInputException, IOException;

  /** Where the checkpoint of an epoch lies. */
  File checkpoint(int epoch);

  /** The layers that the sub-model trains; none where there is no sub-model. */
  List<String> trainedLayers() throws BadInputException;

  /**
   * Writes what the job shares of an epoch, whole or not at all.
   *
   * @throws BadInputException a checkpoint is damaged, or the file does not tell layers apart
   */
  Shared share(int kept) throws BadInputException, IOException;

  /** What was written for the host. */
  final class Shared {
    final File path;

    /** What writing it smaller did to it, as the event says it; null where nothing was asked. */
    final Map<String, Object> written;

    Shared(File path, Map<String, Object> written) {
      this.path = path;
      this.written = written;
    }
  }

  /** Deletes the checkpoints of all other epochs. */
  void keepOnly(Set<Integer> epochs) throws IOException;
}

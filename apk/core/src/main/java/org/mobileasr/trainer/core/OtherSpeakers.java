package org.mobileasr.trainer.core;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Other speakers, who are listened to while somebody else's training goes on: forgetting. */
final class OtherSpeakers {
  private final List<Job.OtherSpeaker> speakers;
  private final Learner learner;
  private final EventLog log;
  private final Set<String> heard = new HashSet<String>();

  /**
   * @param speakers of the job
   * @param learner what hears them
   * @param log where it is said what was heard; who was heard by a killed process is in it
   */
  OtherSpeakers(List<Job.OtherSpeaker> speakers, Learner learner, EventLog log) {
    this.speakers = speakers;
    this.learner = learner;
    this.log = log;
    for (Event event : log.before()) {
      if (Event.OTHER_SPEAKER.equals(event.type())) {
        heard.add(key(event.integer("epoch"), event.text("speaker")));
      }
    }
  }

  /** Who was not yet heard with the weights of an epoch. */
  List<Job.OtherSpeaker> left(int epoch) {
    List<Job.OtherSpeaker> left = new ArrayList<Job.OtherSpeaker>();
    for (Job.OtherSpeaker other : speakers) {
      if (!heard.contains(key(epoch, other.speaker))) {
        left.add(other);
      }
    }
    return left;
  }

  /** Listens to those who are left, with the weights that are loaded: those of the epoch. */
  void listen(int epoch) throws BadInputException, StopCommandException, IOException {
    for (Job.OtherSpeaker other : left(epoch)) {
      long began = System.nanoTime();
      Heard found = Heard.of(other.validation, learner.listen(other.validation));
      log.write(
          Event.of(Event.OTHER_SPEAKER)
              .put("epoch", epoch)
              .put("speaker", other.speaker)
              .put("wer_percent", found.errors.werPercent())
              .put("evaluate_seconds", Training.seconds(began))
              .put("hypotheses", found.hypotheses));
      heard.add(key(epoch, other.speaker));
    }
  }

  private static String key(int epoch, String speaker) {
    return epoch + " " + speaker;
  }
}

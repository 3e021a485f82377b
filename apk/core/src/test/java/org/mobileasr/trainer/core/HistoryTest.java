package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What an earlier process of the same job has left. */
final class HistoryTest {
  private static Event event(Event.Builder builder) {
    return builder.build(0, 0);
  }

  private static Event epoch(int epoch, double wer) {
    return event(
        Event.of(Event.EPOCH)
            .put("epoch", epoch)
            .put("wer_percent", wer)
            .put("train_loss", null)
            .put("train_seconds", 0)
            .put("evaluate_seconds", 0)
            .put("battery_percent", null)
            .put("available_mb", null)
            .put("best", true)
            .put("hypotheses", new ArrayList<String>()));
  }

  private static Event saved(int epoch) {
    return event(
        Event.of(Event.CHECKPOINT)
            .put("epoch", epoch)
            .put("path", "/x")
            .put("sha256", "0123456789abcdef".repeat(4))
            .put("size_bytes", 1)
            .put("best", true));
  }

  private static Event selected(String subModel) {
    return event(
        Event.of(Event.SELECTED)
            .put("sub_model", subModel)
            .put("policy", "first_fit")
            .put("forced", false)
            .put("available_mb", 1)
            .put("need_mb", Map.of("S1", 1.0)));
  }

  @Test
  void anEpochWithoutItsCheckpointIsTrainedAgain() {
    History history =
        new History(
            List.of(selected("S5"), epoch(0, 40), epoch(1, 30), saved(1), epoch(2, 20)),
            Job.BEST);
    assertEquals(1, history.done());
    assertEquals(1, history.kept());
    assertEquals("S5", history.selected().text("sub_model"));
    assertEquals(1, history.lastCheckpoint().integer("epoch"));
  }

  @Test
  void withoutACheckpointTheChoiceIsOpenAgain() {
    History history = new History(List.of(selected("S5"), epoch(0, 40)), Job.BEST);
    assertNull(history.selected());
    assertNull(history.lastCheckpoint());
    assertTrue(history.hasEpoch(0));
  }

  @Test
  void theEarliestOfEqualsIsKept() {
    History history = new History(List.of(), Job.BEST);
    history.add(0, 40);
    history.add(1, 30);
    history.add(2, 30);
    assertEquals(1, history.kept());
    assertFalse(history.isBest(30));
    assertTrue(history.isBest(29.9));
  }
}

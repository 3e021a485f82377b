package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was said stays said, and a log goes on where it broke off. */
final class EventLogTest {
  @TempDir Path folder;
  private File path;

  @BeforeEach
  void place() {
    path = folder.resolve("out").resolve("events.jsonl").toFile();
  }

  private static Event.Builder stopped(int epoch) {
    return Event.of(Event.STOPPED).put("reason", "patience").put("epoch", epoch);
  }

  private List<String> lines() throws IOException {
    return Files.readAllLines(path.toPath());
  }

  @Test
  void numbersAndClockAreFilledIn() throws Exception {
    try (EventLog log = new EventLog(path, new FakePhone())) {
      log.write(stopped(1));
      Event second = log.write(stopped(2));
      assertEquals(1, second.seq());
    }
    assertEquals(2, lines().size());
    assertEquals(
        "{\"seq\":0,\"t_boot_ms\":1000,\"type\":\"stopped\",\"reason\":\"patience\",\"epoch\":1}",
        lines().get(0));
  }

  @Test
  void goesOnAfterATornLine() throws Exception {
    try (EventLog log = new EventLog(path, new FakePhone())) {
      log.write(stopped(1));
    }
    Files.write(
        path.toPath(), "{\"seq\": 1, \"t_b".getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.APPEND);
    try (EventLog log = new EventLog(path, new FakePhone())) {
      assertEquals(1, log.before().size());
      assertEquals(1, log.write(stopped(2)).seq());
    }
    assertEquals(2, lines().size());
    assertTrue(lines().get(1).endsWith("\"epoch\":2}"));
  }

  @Test
  void aGapEndsWhatCounts() throws Exception {
    try (EventLog log = new EventLog(path, new FakePhone())) {
      log.write(stopped(1));
      log.write(stopped(2));
      log.write(stopped(3));
    }
    List<String> lines = lines();
    lines.remove(1);
    Files.write(path.toPath(), lines);
    try (EventLog log = new EventLog(path, new FakePhone())) {
      assertEquals(1, log.before().size());
    }
    assertEquals(1, lines().size());
  }

  @Test
  void anEventThatIsNoneIsNotWritten() throws Exception {
    try (EventLog log = new EventLog(path, new FakePhone())) {
      assertThrows(
          IllegalArgumentException.class,
          () -> log.write(Event.of(Event.STOPPED).put("reason", "boredom").put("epoch", 1)));
      log.write(stopped(1));
    }
    assertEquals(1, lines().size());
  }
}

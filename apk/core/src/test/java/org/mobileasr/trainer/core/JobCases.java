package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Jobs of a file of vectors: what a valid one means, and those that are refused. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class JobCases {
  private final JsonObject jobs;

  JobCases(JsonObject golden) {
    jobs = golden.getAsJsonObject("jobs");
  }

  Stream<JsonObject> validJobs() {
    return Golden.cases(jobs.get("valid"));
  }

  @ParameterizedTest
  @MethodSource("validJobs")
  void jobs(JsonObject given) throws BadInputException {
    JsonObject means = given.getAsJsonObject("means");
    assertEquals(means, JobText.of(Job.parse(given.get("job").toString())));
    assertEquals(means, JobText.of(Job.parse(means.toString())));
  }

  Stream<JsonObject> invalidJobs() {
    return Golden.cases(jobs.get("invalid"));
  }

  @ParameterizedTest
  @MethodSource("invalidJobs")
  void jobsToRefuse(JsonObject job) {
    assertThrows(BadInputException.class, () -> Job.parse(job.toString()));
  }
}

package org.mobileasr.trainer.core;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * MobileASR's names: DeepSpeech2's layers and the sub-models of its Table 5. For what was written
 * before files carried their names: jobs of version 1 and flatbuffers of format 1.
 */
final class MobileAsr {
  static final String FAMILY = "deepspeech2";

  static final List<String> LAYERS =
      list("CONV1", "CONV2", "CONV3", "BLSTM1", "BLSTM2", "BLSTM3", "BLSTM4", "FC1", "FC2");

  /** Each trains from one layer to the end. */
  static final List<String> SUB_MODELS = list("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8");

  /** The three that are chosen from if a job of version 1 does not say. */
  static final List<String> CANDIDATES = list("S1", "S5", "S8");

  private MobileAsr() {}

  private static List<String> list(String... names) {
    return Collections.unmodifiableList(Arrays.asList(names));
  }
}

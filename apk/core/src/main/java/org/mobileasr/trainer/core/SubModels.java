package org.mobileasr.trainer.core;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The trained spans of the network (MobileASR, Table 5). */
public final class SubModels {
  /** S1 trains all layers, S8 the last two. */
  public static final List<String> ALL =
      Collections.unmodifiableList(
          Arrays.asList("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"));

  private SubModels() {}
}

package org.mobileasr.trainer.core;

import java.io.File;
import java.util.List;
import java.util.Map;

/** What goes back to the host: the weights that were trained, some of them written small. */
final class Update {
  private Update() {}

  /**
   * Reads what goes back.
   *
   * @param share what the job asks
   * @param names of the weights of the trained layers
   * @param kept the checkpoint that counts
   * @param start the checkpoint that training began with; null where the job has none
   * @throws BadInputException a checkpoint is damaged
   */
  static Packing of(Share share, List<String> names, File kept, File start)
      throws BadInputException {
    Map<String, Tensor> after = Npz.read(kept);
    Map<String, Tensor> before = reads(share, start) ? Npz.read(start) : null;
    boolean differs = Share.DELTA.equals(share.form);
    Packing packing = new Packing(share.wire, after, "up");
    for (String name : names) {
      Tensor value = after.get(name);
      Tensor began = before == null ? null : before.get(name);
      if (differs && began != null) {
        value = Share.difference(value, began);
      }
      try {
        packing.add(name, value, differs ? null : began);
      } catch (CodecException e) {
        throw new BadInputException(kept.getPath(), name + ": " + e.getMessage());
      }
    }
    return packing;
  }

  /** Whether what training began with is needed, or compared with. */
  static boolean reads(Share share, File start) {
    return start != null && (Share.DELTA.equals(share.form) || share.wire != null);
  }
}

package org.mobileasr.trainer.core;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Weights of an epoch as {@code epoch-NNNN.npz}, whole or not there. */
public final class Checkpoints {
  private final File folder;

  /**
   * @param folder where they lie; made with the first
   */
  public Checkpoints(File folder) {
    this.folder = folder;
  }

  /** Where the checkpoint of an epoch lies. */
  public File path(int epoch) {
    return new File(folder, String.format(Locale.ROOT, "epoch-%04d.npz", epoch));
  }

  /**
   * Writes weights, some of them packed, to a file of the folder, whole or not at all.
   *
   * @throws IOException the disk is full, for example; nothing is left behind then
   */
  File write(File path, Map<String, Tensor> weights, Map<String, Packed> small)
      throws IOException {
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("cannot make the folder " + folder);
    }
    File partial = new File(folder, path.getName() + ".partial");
    try {
      Npz.write(partial, weights, small);
      if (!partial.renameTo(path)) {
        throw new IOException("cannot rename " + partial);
      }
    } finally {
      if (partial.exists() && !partial.delete()) {
        throw new IOException("cannot delete " + partial);
      }
    }
    return path;
  }

  /** Where a file of the folder lies. */
  File file(String name) {
    return new File(folder, name);
  }

  /** Deletes the checkpoints of all epochs but these. */
  public void prune(Set<Integer> keep) throws IOException {
    File[] files = folder.listFiles();
    if (files == null) {
      return;
    }
    for (File file : files) {
      boolean wanted = !file.getName().matches("epoch-\\d{4,}\\.npz");
      for (int epoch : keep) {
        wanted |= file.getName().equals(path(epoch).getName());
      }
      if (!wanted && !file.delete()) {
        throw new IOException("cannot delete " + file);
      }
    }
  }

  /**
   * Checks that a file is the one that is meant.
   *
   * @throws BadInputException it is not there, or it is another
   */
  public static void check(File file, String sha256) throws BadInputException {
    String found;
    try {
      found = sha256(file);
    } catch (IOException e) {
      throw new BadInputException(file.getPath(), "cannot be read: " + e.getMessage());
    }
    if (!found.equals(sha256)) {
      throw new BadInputException(
          file.getPath(),
          "its SHA-256 begins " + found.substring(0, 12) + ", not " + sha256.substring(0, 12));
    }
  }

  /** A file's SHA-256, in hexadecimal. */
  public static String sha256(File file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    InputStream in = new FileInputStream(file);
    try {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    } finally {
      in.close();
    }
    StringBuilder text = new StringBuilder();
    for (byte b : digest.digest()) {
      text.append(String.format(Locale.ROOT, "%02x", b));
    }
    return text.toString();
  }
}

package org.mobileasr.trainer;

import android.content.Context;
import android.util.Log;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * Shows where this app may write: what a file of the host holds is written beside it, into the
 * private folder and into the one on the shared storage. The host sees which of them it can read.
 */
final class Storage {
  private static final String TAG = "MobileASR";
  private static final String NAME = "storage-probe";
  private static final int MAX_BYTES = 256;

  private Storage() {}

  static void show(Context context, File asked) {
    byte[] token;
    try {
      token = read(asked);
    } catch (IOException e) {
      Log.e(TAG, "storage: " + asked + " cannot be read", e);
      return;
    }
    write(new File(asked.getPath() + ".shared"), token);
    write(new File(context.getFilesDir(), NAME), token);
    File external = context.getExternalFilesDir(null);
    if (external != null) {
      write(new File(external, NAME), token);
    }
  }

  private static byte[] read(File file) throws IOException {
    FileInputStream in = new FileInputStream(file);
    try {
      byte[] buffer = new byte[MAX_BYTES];
      int length = Math.max(0, in.read(buffer));
      return Arrays.copyOf(buffer, length);
    } finally {
      in.close();
    }
  }

  private static void write(File file, byte[] content) {
    try {
      FileOutputStream out = new FileOutputStream(file);
      try {
        out.write(content);
      } finally {
        out.close();
      }
    } catch (IOException e) {
      Log.i(TAG, "storage: not in " + file.getParent()); // Android says no: that is the answer
    }
  }
}

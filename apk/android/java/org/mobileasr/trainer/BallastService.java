package org.mobileasr.trainer;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.os.MemoryFile;
import android.util.Log;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;

/**
 * Holds memory that neither compression nor the kernel's laziness can take away: every page is
 * written with random bytes. Each subclass lives in a process of its own, as background apps do.
 *
 * <p>{@code am startservice -n org.mobileasr.trainer/.BallastService1 --ei mb 200} makes it hold 200
 * MiB, more or less than before; 0 ends it.
 */
public abstract class BallastService extends Service {
  private static final String TAG = "MobileASR";
  private static final int MIB = 1 << 20;

  final Deque<MemoryFile> blocks = new ArrayDeque<MemoryFile>();
  private final byte[] noise = new byte[MIB];
  private final Random random = new Random();

  @Override
  public IBinder onBind(Intent intent) {
    return null;
  }

  @Override
  public int onStartCommand(Intent intent, int flags, int startId) {
    int mb = intent == null ? 0 : Math.max(0, intent.getIntExtra("mb", 0));
    try {
      while (blocks.size() > mb) {
        blocks.pop().close();
      }
      while (blocks.size() < mb) {
        blocks.push(block());
      }
    } catch (IOException e) {
      Log.e(TAG, getClass().getSimpleName() + " cannot hold " + mb + " MiB", e);
    }
    Log.i(TAG, getClass().getSimpleName() + " holds " + blocks.size() + " MiB");
    if (mb == 0) {
      stopSelf();
    }
    // Once killed it stays away: the host decides whether it is wanted again.
    return START_NOT_STICKY;
  }

  @Override
  public void onDestroy() {
    for (MemoryFile block : blocks) {
      block.close();
    }
    super.onDestroy();
    // The process would stay cached, and keep what the allocator has not given back.
    android.os.Process.killProcess(android.os.Process.myPid());
  }

  /** One MiB of shared memory, every byte random: zram gains nothing by taking it. */
  private MemoryFile block() throws IOException {
    MemoryFile block = new MemoryFile(null, MIB);
    random.nextBytes(noise);
    block.writeBytes(noise, 0, 0, MIB);
    return block;
  }
}

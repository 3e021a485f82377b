package org.mobileasr.trainer;

import android.app.ActivityManager;
import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Process;
import android.os.SystemClock;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileReader;
import java.io.IOException;
import org.mobileasr.trainer.core.Phone;

/** What Android tells an app about the phone and itself. */
final class AndroidPhone implements Phone {
  private static final double BYTES_A_MIB = 1024.0 * 1024.0;
  private static final double KIB_A_MIB = 1024.0;

  private final ActivityManager activities;
  private final BatteryManager battery;
  private final Context context;

  private final File proc;

  AndroidPhone(Context context) {
    this(context, new File("/proc"));
  }

  /**
   * @param proc where {@code meminfo} and {@code self/status} lie
   */
  AndroidPhone(Context context, File proc) {
    this.proc = proc;
    this.context = context;
    activities = (ActivityManager) context.getSystemService(Context.ACTIVITY_SERVICE);
    battery = (BatteryManager) context.getSystemService(Context.BATTERY_SERVICE);
  }

  @Override
  public long bootMs() {
    return SystemClock.elapsedRealtime();
  }

  @Override
  public Double availableMb() {
    // The kernel's own MemAvailable is what the host reads and presses on; apps may read it too.
    Double kernel = kibField("meminfo", "MemAvailable:");
    if (kernel != null) {
      return kernel / KIB_A_MIB;
    }
    ActivityManager.MemoryInfo info = new ActivityManager.MemoryInfo();
    activities.getMemoryInfo(info);
    return info.availMem / BYTES_A_MIB;
  }

  @Override
  public Double batteryPercent() {
    // A box without a battery calls its level 0, by which training would stop.
    Intent state =
        context.registerReceiver(null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
    if (state != null && !state.getBooleanExtra(BatteryManager.EXTRA_PRESENT, true)) {
      return null;
    }
    int percent = battery.getIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY);
    return percent >= 0 && percent <= 100 ? (double) percent : null;
  }

  @Override
  public Double rssMb() {
    return own("VmRSS:");
  }

  @Override
  public Double peakRssMb() {
    return own("VmHWM:");
  }

  @Override
  public int pid() {
    return Process.myPid();
  }

  private Double own(String field) {
    Double kib = kibField("self/status", field);
    return kib == null ? null : kib / KIB_A_MIB;
  }

  private Double kibField(String name, String field) {
    try {
      BufferedReader reader = new BufferedReader(new FileReader(new File(proc, name)));
      try {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          if (line.startsWith(field)) {
            return Double.valueOf(line.replaceAll("[^0-9]", ""));
          }
        }
      } finally {
        reader.close();
      }
    } catch (IOException e) {
      return null; // hidden from apps on this phone
    } catch (NumberFormatException e) {
      return null;
    }
    return null;
  }
}

package org.mobileasr.trainer;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.robolectric.Shadows.shadowOf;

import android.app.ActivityManager;
import android.content.Context;
import android.content.Intent;
import android.os.BatteryManager;
import android.os.Process;
import android.os.SystemClock;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.shadows.ShadowSystemClock;

/** What the trainer is told of the phone. */
@RunWith(RobolectricTestRunner.class)
public class AndroidPhoneTest {
  private static final double EXACT = 1e-9;

  @Rule public TemporaryFolder proc = new TemporaryFolder();

  private final Context context = RuntimeEnvironment.getApplication();

  private AndroidPhone phone() {
    return new AndroidPhone(context, proc.getRoot());
  }

  @Test
  public void theKernelsFigureComesFirstAndTheActivityManagersWhereItIsHidden() throws Exception {
    ActivityManager.MemoryInfo info = new ActivityManager.MemoryInfo();
    info.availMem = 300L << 20;
    ActivityManager manager = (ActivityManager) context.getSystemService(Context.ACTIVITY_SERVICE);
    shadowOf(manager).setMemoryInfo(info);
    assertEquals(300.0, phone().availableMb(), EXACT);
    write("meminfo", "MemTotal:  4000000 kB\nMemFree: 10 kB\nMemAvailable:    2097152 kB\n");
    assertEquals(2048.0, phone().availableMb(), EXACT);
    write("meminfo", "MemAvailable: unknown\n");
    assertEquals(300.0, phone().availableMb(), EXACT);
  }

  @Test
  public void theBatterysLevelIsThatOfTheBatteryManagerOrNone() {
    BatteryManager battery =
        (BatteryManager) context.getSystemService(Context.BATTERY_SERVICE);
    shadowOf(battery).setIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY, 43);
    assertEquals(43.0, phone().batteryPercent(), EXACT);
    for (int wrong : new int[] {Integer.MIN_VALUE, -1, 101}) {
      shadowOf(battery).setIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY, wrong);
      assertNull(phone().batteryPercent());
    }
  }

  @Test
  public void aPhoneWithoutABatteryHasNoLevel() {
    BatteryManager battery =
        (BatteryManager) context.getSystemService(Context.BATTERY_SERVICE);
    shadowOf(battery).setIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY, 0);
    assertEquals(0.0, phone().batteryPercent(), EXACT);
    context.sendStickyBroadcast(
        new Intent(Intent.ACTION_BATTERY_CHANGED).putExtra(BatteryManager.EXTRA_PRESENT, false));
    assertNull(phone().batteryPercent());
  }

  @Test
  public void itsOwnMemoryIsTheKernelsFigure() throws Exception {
    assertNull(phone().rssMb());
    write("self/status", "Name:\ttrainer\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n");
    assertEquals(100.0, phone().rssMb(), EXACT);
    assertEquals(200.0, phone().peakRssMb(), EXACT);
  }

  @Test
  public void itsClockRunsThroughSleepAndItsNumberIsAndroids() {
    long before = phone().bootMs();
    ShadowSystemClock.advanceBy(Duration.ofSeconds(7));
    assertEquals(before + 7000, phone().bootMs());
    assertEquals(SystemClock.elapsedRealtime(), phone().bootMs());
    assertEquals(Process.myPid(), phone().pid());
  }

  private void write(String name, String text) throws IOException {
    File file = new File(proc.getRoot(), name);
    Files.createDirectories(file.getParentFile().toPath());
    Files.write(file.toPath(), text.getBytes(StandardCharsets.UTF_8));
  }
}

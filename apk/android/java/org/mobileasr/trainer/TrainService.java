package org.mobileasr.trainer;

import android.app.Notification;
import android.app.NotificationChannel;
import android.app.NotificationManager;
import android.app.Service;
import android.content.Context;
import android.content.Intent;
import android.content.pm.ServiceInfo;
import android.os.Build;
import android.os.IBinder;
import android.os.PowerManager;
import android.util.Log;
import java.io.File;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import org.mobileasr.trainer.core.BadInputException;
import org.mobileasr.trainer.core.Signatures;
import org.mobileasr.trainer.core.TrainerMain;
import org.mobileasr.trainer.core.FlatbufferLearner;
import org.tensorflow.lite.TensorFlowLite;

/**
 * Trains one job at a time in the foreground, with the screen off too.
 *
 * <p>{@code am start-foreground-service -n org.mobileasr.trainer/.TrainService --es job FILE} starts
 * a job; {@code am startservice ... --es command stop} asks it to end at its next step; {@code
 * --es command storage --es job FILE} shows the host where it may write ({@link Storage}). If
 * Android kills the process, the service is started again with the same order, and the job goes on
 * after its last whole epoch.
 */
public class TrainService extends Service {
  private static final String TAG = "MobileASR";
  private static final String CHANNEL = "training";
  private static final int NOTIFICATION = 1;
  private static final String NAME = "java-android";
  private static final String VERSION = "0.1.0";

  private final AtomicReference<Worker> worker = new AtomicReference<Worker>();
  private volatile int newest;

  @Override
  public IBinder onBind(Intent intent) {
    return null;
  }

  @Override
  public int onStartCommand(Intent intent, int flags, int startId) {
    newest = startId;
    showNotification();
    String command = intent == null ? null : intent.getStringExtra("command");
    String job = intent == null ? null : intent.getStringExtra("job");
    Worker running = worker.get();
    if ("stop".equals(command)) {
      if (running == null) {
        stopSelf(startId);
      } else {
        running.asked = true;
      }
      return START_NOT_STICKY;
    }
    if (job == null || "storage".equals(command)) {
      if (job == null) {
        Log.e(TAG, "no job given; want --es job FILE");
      } else {
        Storage.show(this, new File(job));
      }
      if (running == null) {
        stopSelf(startId);
      }
      return START_NOT_STICKY;
    }
    if (running != null) {
      Log.w(TAG, "a job is in training already: " + running.job);
      return START_REDELIVER_INTENT;
    }
    Worker next = new Worker(new File(job));
    worker.set(next);
    next.start();
    return START_REDELIVER_INTENT;
  }

  @Override
  public void onDestroy() {
    Worker running = worker.get();
    if (running != null) {
      running.asked = true;
    }
    super.onDestroy();
  }

  private void showNotification() {
    NotificationManager notifications =
        (NotificationManager) getSystemService(Context.NOTIFICATION_SERVICE);
    notifications.createNotificationChannel(
        new NotificationChannel(CHANNEL, "Training", NotificationManager.IMPORTANCE_LOW));
    Notification notification =
        new Notification.Builder(this, CHANNEL)
            .setSmallIcon(android.R.drawable.stat_notify_sync)
            .setContentTitle("A speech model is being trained")
            .setOngoing(true)
            .build();
    try {
      if (Build.VERSION.SDK_INT >= 34) {
        startForeground(NOTIFICATION, notification, ServiceInfo.FOREGROUND_SERVICE_TYPE_SPECIAL_USE);
      } else {
        startForeground(NOTIFICATION, notification);
      }
    } catch (IllegalStateException e) {
      // From 12 on a service that Android itself starts again may not be let to the foreground.
      Log.w(TAG, "in the background from now on: " + e.getMessage());
    }
  }

  /** What runs the model. */
  FlatbufferLearner.Runtime runtime() {
    return new TfLite();
  }

  /** Trains a job and ends the service. */
  private final class Worker extends Thread {
    final File job;
    volatile boolean asked;

    Worker(File job) {
      super("training");
      this.job = job;
    }

    @Override
    public void run() {
      PowerManager power = (PowerManager) getSystemService(Context.POWER_SERVICE);
      PowerManager.WakeLock lock =
          power.newWakeLock(PowerManager.PARTIAL_WAKE_LOCK, "mobileasr:training");
      lock.acquire();
      try {
        int code = trainer().run(job);
        Log.i(TAG, job + " ended with " + code);
      } catch (IOException e) {
        Log.e(TAG, "nobody can be told how " + job + " went", e);
      } finally {
        lock.release();
        worker.set(null);
        // Android ends it only by its newest order, which may have been the one to stop.
        stopSelf(newest);
      }
    }

    private TrainerMain trainer() {
      FlatbufferLearner.StopRequest stop =
          new FlatbufferLearner.StopRequest() {
            @Override
            public boolean asked() {
              return asked;
            }
          };
      return new TrainerMain(
          new AndroidPhone(TrainService.this), runtime(), stop, NAME, VERSION);
    }
  }

  /** TensorFlow Lite as the runtime. */
  private static final class TfLite implements FlatbufferLearner.Runtime {
    @Override
    public String load() {
      TensorFlowLite.init();
      return "tensorflow-lite " + TensorFlowLite.runtimeVersion();
    }

    @Override
    public Signatures open(File model, int threads) throws BadInputException {
      return new TfLiteSignatures(model, threads, load());
    }
  }
}

/**
 * The trainer on a JVM under Linux: the same loop as on Android, with TensorFlow Lite from
 * org.bytedeco and the phone's figures from {@code /proc}.
 */
package org.mobileasr.trainer.jvm;

/**
 * The trainer's contract, decisions and epoch loop, in plain Java 8 without lambdas, so that the
 * same classes run on Android and on a JVM.
 *
 * <p>The Python package {@code harness.trainer} is the reference; both are held to the vectors in
 * {@code tests/golden}.
 */
package org.mobileasr.trainer.core;

package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast3}. */
public final class BallastService3 extends BallastService {}

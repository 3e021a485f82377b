package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast7}. */
public final class BallastService7 extends BallastService {}

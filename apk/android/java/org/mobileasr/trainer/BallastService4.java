package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast4}. */
public final class BallastService4 extends BallastService {}

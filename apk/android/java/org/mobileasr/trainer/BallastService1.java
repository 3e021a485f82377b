package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast1}. */
public final class BallastService1 extends BallastService {}

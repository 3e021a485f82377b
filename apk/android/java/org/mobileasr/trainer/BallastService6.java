package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast6}. */
public final class BallastService6 extends BallastService {}

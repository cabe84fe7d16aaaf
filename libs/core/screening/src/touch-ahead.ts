/** Inputs whose memory is asked for together: enough for the waits to overlap, few enough that it is still in the cache when they come. */
export const TOUCH_AHEAD = 32

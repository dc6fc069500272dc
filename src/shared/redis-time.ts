/** The answer of TIME in ms. */
export function redisTimeMs([seconds, microseconds]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

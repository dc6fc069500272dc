import type { FrontAnswer } from '../api/front.ts';

/** A limit of a whole account: so many requests in each second; it refuses the others with the answer. */
export function windowsOf(perSecond: number, answer: FrontAnswer): () => FrontAnswer | undefined {
  let second = -1;
  let count = 0;
  return () => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, count] = [now, 0];
    count += 1;
    return count > perSecond ? answer : undefined;
  };
}

/** A limit of a whole account: a bucket with some tokens, which fills evenly. */
export function bucketOf(perSecond: number, size: number, answer: FrontAnswer): () => FrontAnswer | undefined {
  let tokens = size;
  let at = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(size, tokens + ((now - at) / 1000) * perSecond);
    at = now;
    if (tokens < 1) return answer;
    tokens -= 1;
    return undefined;
  };
}
